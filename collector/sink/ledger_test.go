package sink

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// ledgerModel drives a ledger through any interleaving of polls, seals,
// insert results and rebalances, beside a naive model: a set of inserted
// offsets per partition and turn.
type ledgerModel struct {
	ledger   *ledger
	next     map[int32]int64 // Kafka's next offset of each partition
	turns    map[int32]int   // number of the present turn, 0 when not owned
	lastTurn int
	open     map[modelKey]bool
	sealed   map[blockID]map[modelKey]bool
	inserted map[modelKey]bool
	taken    map[int32][]int64 // offsets of the present turn, ascending
	commit   map[int32]int64
}

// modelKey is one record taken in one turn.
type modelKey struct {
	partition int32
	turn      int
	offset    int64
}

const modelPartitions = 3

// TestLedger prints rapid's seed on failure; -rapid.seed takes it back.
func TestLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &ledgerModel{
			ledger: newLedger(), next: map[int32]int64{}, turns: map[int32]int{},
			open: map[modelKey]bool{}, sealed: map[blockID]map[modelKey]bool{},
			inserted: map[modelKey]bool{}, taken: map[int32][]int64{}, commit: map[int32]int64{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"assign": m.assign, "revoke": m.revoke, "take": m.take,
			"seal": m.seal, "insert": m.insert, "": m.check,
		})
	})
}

func partition(t *rapid.T) int32 { return rapid.Int32Range(0, modelPartitions-1).Draw(t, "partition") }

func (m *ledgerModel) assign(t *rapid.T) {
	p := partition(t)
	if m.turns[p] != 0 {
		t.Skip("owned")
	}
	m.lastTurn++
	m.turns[p] = m.lastTurn
	m.next[p] = m.commit[p] // a new owner reads from the commit
	m.taken[p] = nil
	m.ledger.assign(p)
}

func (m *ledgerModel) revoke(t *rapid.T) {
	p := partition(t)
	m.turns[p] = 0
	m.taken[p] = nil
	m.ledger.revoke(p)
}

func (m *ledgerModel) take(t *rapid.T) {
	p := partition(t)
	first := m.next[p] + rapid.Int64Range(0, 2).Draw(t, "gap")
	end := first + rapid.Int64Range(1, 4).Draw(t, "records")
	err := m.ledger.take(p, first, end)
	if (err == nil) != (m.turns[p] != 0) {
		t.Fatalf("take of partition %d in turn %d: %v", p, m.turns[p], err)
	}
	if err != nil {
		return
	}
	if m.ledger.take(p, first, end) == nil {
		t.Fatalf("offset %d taken twice", first)
	}
	m.next[p] = end
	for o := first; o < end; o++ {
		m.open[modelKey{p, m.turns[p], o}] = true
		m.taken[p] = append(m.taken[p], o)
	}
}

func (m *ledgerModel) seal(*rapid.T) {
	m.sealed[m.ledger.seal()] = m.open
	m.open = map[modelKey]bool{}
}

func (m *ledgerModel) insert(t *rapid.T) {
	if len(m.sealed) == 0 {
		t.Skip("nothing under way")
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(m.sealed))).Draw(t, "block")
	maps.Copy(m.inserted, m.sealed[id])
	delete(m.sealed, id)
	moved, err := m.ledger.inserted(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.ledger.inserted(id); err == nil {
		t.Fatalf("block %d inserted twice", id)
	}
	for p, offset := range moved {
		if m.turns[p] == 0 {
			t.Fatalf("commit of partition %d, which is not owned", p)
		}
		if offset <= m.commit[p] {
			t.Fatalf("commit of partition %d went from %d to %d", p, m.commit[p], offset)
		}
		m.commit[p] = offset
	}
}

// check: every taken record below the commit is inserted (nothing lost), and
// the first above it is not or shares its block with one that is not (nothing
// held back).
func (m *ledgerModel) check(t *rapid.T) {
	for p, turn := range m.turns {
		if turn == 0 {
			continue
		}
		for _, o := range m.taken[p] {
			in := m.inserted[modelKey{p, turn, o}]
			if o < m.commit[p] && !in {
				t.Fatalf("partition %d: %d committed, %d not inserted", p, m.commit[p], o)
			}
			if o >= m.commit[p] {
				if in {
					t.Fatalf("partition %d: %d inserted and contiguous, commit stays at %d", p, o, m.commit[p])
				}
				break
			}
		}
	}
}
