package sink

import "fmt"

// blockID names a sealed block within one pipeline.
type blockID uint64

// ledger knows, for one topic, which offsets are in which block, and so which
// may be committed: the highest below which every block is inserted. It is a
// pure state machine; the pipeline calls it under its lock.
//
// A partition has a turn from Assign to Revoke. What happens to blocks of an
// earlier turn moves nothing: the partition's rows come again to whoever has
// it then.
type ledger struct {
	nextID  blockID
	parts   map[int32]*turn
	pending map[blockID]map[int32]*span
	open    map[int32]*span // of the block that is being filled
}

// turn is the time in which this process owns a partition.
type turn struct {
	next  int64   // lowest offset that may still be taken
	spans []*span // in order of offsets; the first is not inserted yet
}

// span is a partition's part of a block.
type span struct {
	turn *turn
	end  int64 // offset behind its last record
	done bool
}

func newLedger() *ledger {
	return &ledger{
		parts:   map[int32]*turn{},
		pending: map[blockID]map[int32]*span{},
		open:    map[int32]*span{},
	}
}

// assign begins a turn of the partition.
func (l *ledger) assign(partition int32) {
	l.parts[partition] = &turn{}
}

// revoke ends the turn of the partition; its blocks move nothing any more.
func (l *ledger) revoke(partition int32) {
	delete(l.parts, partition)
	delete(l.open, partition)
}

// take notes that the records from offset first up to, not including, end are
// in the open block. Offsets only grow; gaps are what compaction and
// transactions leave.
func (l *ledger) take(partition int32, first, end int64) error {
	t := l.parts[partition]
	if t == nil {
		return fmt.Errorf("sink: partition %d is not assigned", partition)
	}
	if first < t.next || end <= first {
		return fmt.Errorf("sink: partition %d: offsets [%d, %d) taken after %d", partition, first, end, t.next)
	}
	t.next = end
	s := l.open[partition]
	if s == nil {
		s = &span{turn: t}
		t.spans = append(t.spans, s)
		l.open[partition] = s
	}
	s.end = end
	return nil
}

// seal closes the open block and names it.
func (l *ledger) seal() blockID {
	l.nextID++
	l.pending[l.nextID] = l.open
	l.open = map[int32]*span{}
	return l.nextID
}

// inserted notes that the block is in ClickHouse and gives the offsets to
// commit, by partition; only partitions that moved and whose turn goes on.
func (l *ledger) inserted(id blockID) (map[int32]int64, error) {
	spans, ok := l.pending[id]
	if !ok {
		return nil, fmt.Errorf("sink: block %d is not under way", id)
	}
	delete(l.pending, id)
	moved := map[int32]int64{}
	for partition, s := range spans {
		s.done = true
		if l.parts[partition] != s.turn {
			continue // of an earlier turn
		}
		if end, ok := s.turn.advance(); ok {
			moved[partition] = end
		}
	}
	return moved, nil
}

// advance drops the inserted spans at the front and gives the end of the last
// of them.
func (t *turn) advance() (end int64, moved bool) {
	for len(t.spans) > 0 && t.spans[0].done {
		end, moved = t.spans[0].end, true
		t.spans = t.spans[1:]
	}
	return end, moved
}
