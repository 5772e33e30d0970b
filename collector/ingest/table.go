package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// errTableFull is returned when the limit on device epochs is reached.
var errTableFull = errors.New("table of positions is full")

// row is how far one epoch of a device is. It belongs to a table and is
// touched under the table's lock only.
type row struct {
	device string
	epoch  uint32

	durable uint64
	ended   bool

	lastObservedUS int64
	lastReceivedUS int64
	skewUS         int64
	rejects        map[gantryv1.RejectCode]uint64
	agentID        string

	dirty bool // moved since the last checkpoint was taken
}

// table holds the durable positions of all device epochs. Positions only
// grow: by what this collector had acknowledged, and by what others wrote
// into the position topic. It is safe for concurrent use.
type table struct {
	mu      sync.Mutex
	devices map[string]map[uint32]*row
	dirty   []*row
	count   int
	limit   int
}

func newTable(limit int) *table {
	return &table{devices: map[string]map[uint32]*row{}, limit: limit}
}

// open gives the row of a device epoch, making it if need be.
func (t *table) open(device string, epoch uint32) (*row, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.openLocked(device, epoch)
}

func (t *table) openLocked(device string, epoch uint32) (*row, error) {
	if r := t.devices[device][epoch]; r != nil {
		return r, nil
	}
	if t.count >= t.limit {
		return nil, fmt.Errorf("%w: %d epochs", errTableFull, t.limit)
	}
	epochs := t.devices[device]
	if epochs == nil {
		epochs = map[uint32]*row{}
		t.devices[device] = epochs
	}
	r := &row{device: device, epoch: epoch}
	epochs[epoch] = r
	t.count++
	return r, nil
}

// durable gives the position of a device epoch; 0 when nothing is durable.
func (t *table) durable(device string, epoch uint32) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.devices[device][epoch]; r != nil {
		return r.durable
	}
	return 0
}

// raise takes in a position that a collector acknowledged before: an agent
// names it in Hello because the checkpoint may lag behind it. The end counts
// with it: a position behind the end that does not say so would have the next
// agent end the epoch once more, one position later.
func (t *table) raise(r *row, c claim) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.seq > r.durable || c.ended && !r.ended {
		r.durable, r.ended = max(r.durable, c.seq), r.ended || c.ended
		t.touch(r)
	}
}

// advance is a range of positions that Kafka has acknowledged.
type advance struct {
	row         *row
	first, last uint64
	ended       bool
	observedUS  int64 // largest observed_at; 0 when there is none
	skewUS      int64 // of the newest live reading
	skewed      bool  // skewUS says something
	rejects     []rejectCount
}

type rejectCount struct {
	code  gantryv1.RejectCode
	count uint64
}

// apply moves positions on. An error means that a range would leave a gap:
// its caller acknowledged out of order.
func (t *table) apply(advances []advance, receivedUS int64, agentID string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range advances {
		a := &advances[i]
		r := a.row
		if a.first > r.durable+1 {
			return fmt.Errorf("position of %s/%d would jump from %d to %d..%d", r.device, r.epoch, r.durable, a.first, a.last)
		}
		r.durable = max(r.durable, a.last)
		r.ended = r.ended || a.ended
		r.lastObservedUS = max(r.lastObservedUS, a.observedUS)
		r.lastReceivedUS = max(r.lastReceivedUS, receivedUS)
		r.agentID = agentID
		if a.skewed {
			r.skewUS = a.skewUS
		}
		for _, c := range a.rejects {
			if r.rejects == nil {
				r.rejects = map[gantryv1.RejectCode]uint64{}
			}
			r.rejects[c.code] += c.count
		}
		t.touch(r)
	}
	return nil
}

func (t *table) touch(r *row) {
	if !r.dirty {
		r.dirty = true
		t.dirty = append(t.dirty, r)
	}
}

// merge takes in what the position topic says. A record older than what is
// known changes nothing.
func (t *table) merge(c *gantryv1.Checkpoint) error {
	p := c.GetPosition()
	t.mu.Lock()
	defer t.mu.Unlock()
	r, err := t.openLocked(p.GetDeviceId(), p.GetEpoch())
	if err != nil {
		return err
	}
	r.durable = max(r.durable, p.GetSeq())
	r.ended = r.ended || p.GetEnded()
	r.lastObservedUS = max(r.lastObservedUS, c.GetLastObservedAtUs())
	if c.GetLastReceivedAtUs() > r.lastReceivedUS {
		r.lastReceivedUS = c.GetLastReceivedAtUs()
		r.skewUS, r.agentID = c.GetClockSkewUs(), c.GetAgentId()
	}
	for code, n := range c.GetRejects() {
		if r.rejects == nil {
			r.rejects = map[gantryv1.RejectCode]uint64{}
		}
		k := gantryv1.RejectCode(code)
		r.rejects[k] = max(r.rejects[k], n)
	}
	return nil
}

// checkpoints takes at most limit rows that moved and gives their records. If
// writing fails, give the rows back with retry.
func (t *table) checkpoints(limit int, collectorID string) ([]*row, []*gantryv1.Checkpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(limit, len(t.dirty))
	rows := slices.Clone(t.dirty[:n])
	t.dirty = slices.Delete(t.dirty, 0, n)
	out := make([]*gantryv1.Checkpoint, 0, n)
	for _, r := range rows {
		r.dirty = false
		c := &gantryv1.Checkpoint{
			Position:         r.position(),
			LastObservedAtUs: r.lastObservedUS,
			LastReceivedAtUs: r.lastReceivedUS,
			ClockSkewUs:      r.skewUS,
			AgentId:          r.agentID,
			CollectorId:      collectorID,
		}
		if len(r.rejects) > 0 {
			c.Rejects = make(map[int32]uint64, len(r.rejects))
			for code, n := range r.rejects {
				c.Rejects[int32(code)] = n
			}
		}
		out = append(out, c)
	}
	return rows, out
}

// retry marks rows as moved again.
func (t *table) retry(rows []*row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range rows {
		t.touch(r)
	}
}

// waiting says how many rows moved since their last checkpoint.
func (t *table) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.dirty)
}

func (r *row) position() *gantryv1.Position {
	return &gantryv1.Position{DeviceId: r.device, Epoch: r.epoch, Seq: r.durable, Ended: r.ended}
}

// positions gives the durable positions of a device, oldest epoch first.
func (t *table) positions(device string) []*gantryv1.Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*gantryv1.Position, 0, len(t.devices[device]))
	for _, r := range t.devices[device] {
		if r.durable > 0 {
			out = append(out, r.position())
		}
	}
	slices.SortFunc(out, func(a, b *gantryv1.Position) int { return cmp.Compare(a.Epoch, b.Epoch) })
	return out
}

// status gives all that is known of a device.
func (t *table) status(device string) DeviceStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := DeviceStatus{DeviceID: device, Rejects: map[gantryv1.RejectCode]uint64{}}
	for _, e := range slices.Sorted(maps.Keys(t.devices[device])) {
		r := t.devices[device][e]
		s.Epochs = append(s.Epochs, EpochStatus{Epoch: e, Seq: r.durable, Ended: r.ended, LastObservedAtUS: r.lastObservedUS})
		for code, n := range r.rejects {
			s.Rejects[code] += n
		}
		s.LastObservedAtUS = max(s.LastObservedAtUS, r.lastObservedUS)
		if r.lastReceivedUS >= s.LastReceivedAtUS {
			s.LastReceivedAtUS, s.AgentID = r.lastReceivedUS, r.agentID
		}
		if r.skewUS != 0 {
			s.ClockSkewUS = r.skewUS // the newest epoch that had live readings
		}
	}
	return s
}
