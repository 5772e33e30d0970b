package ingest

// pace is how much backfill agents may send.
type pace uint8

const (
	// paceCautious is one batch at a time: the sink's lag is not known.
	paceCautious pace = iota
	// pacePaused is none.
	pacePaused
	// paceFull is the whole window.
	paceFull
)

func (p pace) String() string { return [...]string{"cautious", "paused", "full"}[p] }

// pacer says how much backfill may come, from how far the sink is behind.
// Between half the limit and the limit it stays as it was, so that it does
// not flutter. Without an answer from Kafka it is cautious rather than
// paused: history must not stand still for ever because of a question that
// nobody answers.
type pacer struct {
	limit int64 // records; 0 never pauses
	now   pace
}

// lag takes an answer in.
func (p *pacer) lag(records int64) pace {
	switch {
	case p.limit == 0 || records < p.limit/2:
		p.now = paceFull
	case records > p.limit:
		p.now = pacePaused
	case p.now == paceCautious:
		p.now = paceFull
	}
	return p.now
}

// unknown notes that there was no answer. What is paused stays paused.
func (p *pacer) unknown() pace {
	if p.now == paceFull && p.limit > 0 {
		p.now = paceCautious
	}
	return p.now
}
