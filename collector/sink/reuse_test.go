package sink

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestTwoBlocksHoldMemory: however long poller and inserter work, one block
// fills while another is on its way, and no third keeps columns.
func TestTwoBlocksHoldMemory(t *testing.T) {
	made := map[rows]bool{}
	p := newPipeline("test", "topic", "group", Limits{FlushEvery: time.Hour, MaxRows: 2, MaxBytes: 1 << 20, MaxDays: 1},
		Config{}, newMetrics(nil), slog.New(slog.DiscardHandler), func() rows { return newRejects(testKey) })
	p.ledger.assign(0)
	offset := int64(0)
	fill := func() {
		p.reuse()
		made[p.open.rows] = true
		if err := p.absorbPartition(0, []*kgo.Record{{Offset: offset}, {Offset: offset + 1}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		offset += 2
	}
	deliver := func() { // What an inserter does, without ClickHouse.
		b := p.nextSealed(t.Context())
		if _, err := p.ledger.inserted(b.id); err != nil {
			t.Fatal(err)
		}
		delete(p.onWay, b.id)
		b.reset()
		p.free = append(p.free, b)
	}
	fill()
	for range 10 {
		fill()
		deliver()
	}
	if len(made) != 2 {
		t.Errorf("%d blocks held rows, want 2", len(made))
	}
}
