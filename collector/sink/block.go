package sink

import (
	"errors"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// rows are decoded records in the form of columns, ready to insert. Each
// pipeline has its own kind.
type rows interface {
	// add decodes a record and appends its row, or appends nothing and says
	// why: errFull, or a *poison. The record's bytes are free again after it.
	add(r *kgo.Record) error
	// tables gives the inserts of the rows that are there.
	tables() []table
	// reset empties the columns and keeps their memory.
	reset()
}

// table is one insert.
type table struct {
	name  string
	rows  int
	input proto.Input
}

// errFull: the record would go beyond what one insert may hold.
var errFull = errors.New("sink: the block is full")

// poison is why a record cannot become a row. Its texts hold no values, for
// they go to logs and metrics.
type poison struct {
	code   gantryv1.RejectCode
	field  string
	reason string
	// Identity, as far as it could be read.
	deviceID string
	epoch    uint32
	seq      uint64
}

// Error gives field and reason.
func (p *poison) Error() string { return p.field + ": " + p.reason }

// block is what goes to ClickHouse and is committed as one.
type block struct {
	id       blockID
	rows     rows
	records  int
	bytes    int
	opened   time.Time     // when the first record came in
	letters  []*kgo.Record // dead letters to produce before the commit
	inserted int           // tables of it that are in ClickHouse
	attempts int           // that failed
	used     bool          // has been reset: its columns have memory
}

// add takes the record into the block, as a row or as a dead letter.
func (b *block) add(r *kgo.Record, now time.Time) (*poison, error) {
	var p *poison
	if err := b.rows.add(r); err != nil && !errors.As(err, &p) {
		return nil, err
	}
	if p != nil {
		b.letters = append(b.letters, deadLetter(r, p))
	}
	if b.records == 0 {
		b.opened = now
	}
	b.records++
	b.bytes += len(r.Value)
	return p, nil
}

// full says whether the block must be sealed for its size.
func (b *block) full(l Limits) bool { return b.records >= l.MaxRows || b.bytes >= l.MaxBytes }

// due says whether the block must be sealed for its size or its age.
func (b *block) due(l Limits, now time.Time) bool {
	return b.records > 0 && (b.full(l) || now.Sub(b.opened) >= l.FlushEvery)
}

func (b *block) reset() {
	b.rows.reset()
	*b = block{rows: b.rows, letters: b.letters[:0], used: true}
}
