package uplink

import gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"

// lane indexes what is kept per lane.
type lane uint8

const (
	live lane = iota
	backfill
	lanes
)

func (l lane) String() string { return [...]string{"live", "backfill"}[l] }

// window tracks what is under way on a lane against the collector's limit.
type window struct {
	maxBatches, maxBytes uint64
	batches, bytes       uint64
}

func (w *window) limit(m *gantryv1.Window) {
	w.maxBatches, w.maxBytes = uint64(m.GetBatches()), m.GetBytes()
}

// room returns how many bytes the next batch may have, at most upTo; 0 says
// that none may be sent now. With nothing under way a batch may always be
// sent, or a window smaller than a reading would stop the lane for ever.
func (w *window) room(upTo int) int {
	switch {
	case w.maxBatches == 0 || w.batches >= w.maxBatches:
		return 0
	case w.batches == 0:
		return upTo
	case w.bytes+minBatchBytes > w.maxBytes:
		return 0
	}
	return int(min(uint64(upTo), w.maxBytes-w.bytes))
}

// minBatchBytes is what a batch must have room for, so that a nearly full
// window does not cause a shower of tiny batches.
const minBatchBytes = 4096

func (w *window) add(bytes int) {
	w.batches++
	w.bytes += uint64(bytes)
}

func (w *window) remove(bytes int) {
	w.batches--
	w.bytes -= uint64(bytes)
}

// part is what a batch carried of one device-epoch.
type part struct {
	epoch *epochState
	run   uint32 // the epoch's run when it was sent
	last  uint64 // position of the last reading
	ended bool   // the end was among them
}

// sent is a batch that is under way.
type sent struct {
	number uint64
	lane   lane
	bytes  int
	count  int // readings, without ends
	parts  []part
}
