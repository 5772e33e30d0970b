package clickhouse_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

// threeAges are readings of today, of 40 days ago and of 400; given again they
// are the same.
var threeAges = fmt.Sprintf(`INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, plate, tag, plate_token)
	SELECT 'D01', bitShiftLeft(toUInt32(%[1]d - age), 17), number + 1, toDateTime64((%[1]d - age) * 86400 + number, 6, 'UTC'),
		'speed', 1, 'car', 'ABC123', 'TAG1', 7
	FROM numbers(10) ARRAY JOIN [0, 40, 400] AS age`, time.Now().Unix()/86400)

func TestRetention(t *testing.T) {
	s := clickhousetest.Start(t)
	conn := s.Conn(t, clickhousetest.Collector)
	exec := func(statement string) {
		t.Helper()
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	set := func(r clickhouse.Retention, want int) {
		t.Helper()
		changed, err := clickhouse.SetRetention(t.Context(), conn, r)
		if err != nil || len(changed) != want {
			t.Fatalf("%+v changed %q, %v; want %d statements", r, changed, err, want)
		}
		exec("OPTIMIZE TABLE raw.readings FINAL")
	}
	holds := func(rows, plates, tokens uint64) {
		t.Helper()
		const q = "SELECT count() FROM raw.readings FINAL WHERE "
		if r, p, k := s.Count(t, q+"1"), s.Count(t, q+"plate != '' AND tag != ''"), s.Count(t, q+"plate_token = 7"); r != rows || p != plates || k != tokens {
			t.Errorf("%d readings, %d with plate and tag, %d with a token; want %d, %d, %d", r, p, k, rows, plates, tokens)
		}
	}
	exec(threeAges)
	const leave = clickhouse.AsItIs
	set(clickhouse.Retention{ReadingsDays: leave, PlatesDays: 30, RejectsDays: leave}, 2)
	holds(30, 10, 30)
	set(clickhouse.Retention{ReadingsDays: 365, PlatesDays: leave, RejectsDays: 90}, 3)
	holds(20, 10, 20)
	set(clickhouse.Retention{ReadingsDays: 365, PlatesDays: 30, RejectsDays: 90}, 0)
	exec(threeAges) // what comes late goes again
	exec("OPTIMIZE TABLE raw.readings FINAL")
	holds(20, 10, 20)
	set(clickhouse.Retention{}, 5)
	set(clickhouse.Retention{}, 0)
	exec(threeAges)
	holds(30, 30, 30)
}

func TestRetentionThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		r    clickhouse.Retention
		want string
	}{
		{clickhouse.Retention{PlatesDays: 6}, "--plates 6"},
		{clickhouse.Retention{RejectsDays: -2}, "--rejects -2"},
		{clickhouse.Retention{ReadingsDays: 30, PlatesDays: 31}, "--plates 31"},
	} {
		if _, err := clickhouse.SetRetention(t.Context(), nil, c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want it refused for %s", c.r, err, c.want)
		}
	}
}

// What the page on operations says of backups: raw comes back as it was.
func TestBackupAndRestoreOfRaw(t *testing.T) {
	s := clickhousetest.Start(t)
	conn := s.Conn(t, clickhousetest.Collector)
	exec := func(statement string) {
		t.Helper()
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	exec(threeAges)
	exec(threeAges)
	const digest = `SELECT sum(cityHash64(device_id, epoch, seq, observed_at, plate, plate_token)) + count() FROM raw.readings FINAL`
	before := s.Count(t, digest)
	exec("BACKUP TABLE raw.readings, TABLE raw.epoch_ends, TABLE raw.rejects TO Memory('raw')")
	exec("TRUNCATE TABLE raw.readings")
	if s.Count(t, digest) == before {
		t.Fatal("nothing was lost")
	}
	exec("RESTORE TABLE raw.readings, TABLE raw.epoch_ends, TABLE raw.rejects FROM Memory('raw') SETTINGS allow_non_empty_tables = true")
	if after := s.Count(t, digest); after != before {
		t.Errorf("raw.readings has digest %d, and had %d", after, before)
	}
}
