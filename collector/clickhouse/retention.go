package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// AsItIs leaves a time to live alone.
const AsItIs = -1

// Retention says how long tables keep their rows, in days of UTC; 0 is for
// ever, AsItIs what was set before.
type Retention struct {
	// ReadingsDays is for raw.readings and raw.epoch_ends, from when a reading
	// was observed and an epoch began.
	ReadingsDays int
	// PlatesDays is for the plates and tags in raw.readings; the rest of the
	// row stays, the token with it.
	PlatesDays int
	// RejectsDays is for raw.rejects, from when a reading arrived.
	RejectsDays int
}

// leastDays is what Kafka keeps: a sink that begins anew would bring back what
// ClickHouse had let go.
const leastDays = 7

// check says what is wrong with a Retention.
func (r Retention) check() error {
	for _, c := range []struct {
		flag string
		days int
	}{{"--readings", r.ReadingsDays}, {"--plates", r.PlatesDays}, {"--rejects", r.RejectsDays}} {
		if c.days < AsItIs || c.days > 0 && c.days < leastDays {
			return fmt.Errorf("%s %d is less than the %d days that Kafka's topics keep, which would come back from there: give %d or more, or 0 for ever",
				c.flag, c.days, leastDays, leastDays)
		}
	}
	if r.ReadingsDays > 0 && r.PlatesDays > r.ReadingsDays {
		return fmt.Errorf("--plates %d is more than --readings %d: a plate does not outlive its row", r.PlatesDays, r.ReadingsDays)
	}
	return nil
}

// rule is the TTL of a table, or of one of its columns.
type rule struct {
	table, column string
	days          int
	from          string // when a row's life begins, as a DateTime
}

func (r Retention) rules() []rule {
	return []rule{
		{"raw.readings", "", r.ReadingsDays, "toDateTime(observed_at)"},
		{"raw.readings", "plate", r.PlatesDays, "toDateTime(observed_at)"},
		{"raw.readings", "tag", r.PlatesDays, "toDateTime(observed_at)"},
		{"raw.epoch_ends", "", r.ReadingsDays, "toDateTime(bitShiftRight(epoch, 17) * 86400)"},
		{"raw.rejects", "", r.RejectsDays, "toDateTime(received_at)"},
	}
}

// ttl is the rule's expression.
func (r rule) ttl() string { return fmt.Sprintf("%s + toIntervalDay(%d)", r.from, r.days) }

// statement sets the rule; it says nothing about what is there already.
func (r rule) statement() string {
	switch {
	case r.column != "" && r.days == 0:
		return fmt.Sprintf("ALTER TABLE %s MODIFY COLUMN %s REMOVE TTL", r.table, r.column)
	case r.column != "":
		return fmt.Sprintf("ALTER TABLE %s MODIFY COLUMN %s TTL %s", r.table, r.column, r.ttl())
	case r.days == 0:
		return fmt.Sprintf("ALTER TABLE %s REMOVE TTL", r.table)
	default:
		return fmt.Sprintf("ALTER TABLE %s MODIFY TTL %s", r.table, r.ttl())
	}
}

// there says whether the table's definition has the rule already, or, of one
// that is for ever, none.
func (r rule) there(definition string) bool {
	var of string
	if r.column != "" {
		_, of, _ = strings.Cut(definition, "`"+r.column+"` ")
		of, _, _ = strings.Cut(of, "\n")
	} else {
		_, of, _ = strings.Cut(definition, "\nENGINE = ")
	}
	if r.days == 0 {
		return !strings.Contains(of, "TTL ")
	}
	return strings.Contains(of, "TTL "+r.ttl())
}

// SetRetention gives the tables of raw their times to live, and returns what
// it changed. What is older goes with the next merges; setting the same again
// changes nothing. It may take minutes on a large table, for parts are
// rewritten to know what is to go.
func SetRetention(ctx context.Context, conn driver.Conn, r Retention) ([]string, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	var changed []string
	for _, rule := range r.rules() {
		if rule.days == AsItIs {
			continue
		}
		var definition string
		if err := conn.QueryRow(ctx, "SHOW CREATE TABLE "+rule.table).Scan(&definition); err != nil {
			return changed, fmt.Errorf("read the definition of %s: %w", rule.table, err)
		}
		if rule.there(definition) {
			continue
		}
		if err := conn.Exec(ctx, rule.statement()); err != nil {
			return changed, fmt.Errorf("%s: %w", rule.statement(), err)
		}
		changed = append(changed, rule.statement())
	}
	return changed, nil
}
