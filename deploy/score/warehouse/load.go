package warehouse

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// blockRows is when a block is inserted. Small ones make many parts, large
// ones cost memory.
const blockRows = 250_000

// writers is how many goroutines make readings and insert them: the engine
// needs a core as well, but only half of the time.
const writers = 2

const (
	dayUS       = 24 * 3600 * 1_000_000
	epochBits   = 17
	observedFar = 36 * 3600 * 1_000_000 // how far ingest lets observed_at be from the epoch's day
)

// Road is a world and what stands before its ids.
type Road struct {
	// World whose devices emit.
	World *world.World
	// Prefix of its ids.
	Prefix string
}

// salt tells the vehicles of roads apart: worlds of the same seed have the same
// plates, but one car does not drive on two of them. It is 0 without a prefix, so
// that one road alone has the tokens that a sink would make.
func (r *Road) salt() uint64 {
	if r.Prefix == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.Prefix))
	return h.Sum64()
}

// Loaded is what Load has written.
type Loaded struct {
	// Readings written.
	Readings uint64
	// Refused readings, which ingest would not have accepted.
	Refused uint64
	// Epochs that were closed.
	Ends uint64
}

// Load writes the roadside of the roads and what their devices emit on UTC
// days, each given by its start.
func (w *Warehouse) Load(ctx context.Context, roads []Road, days []time.Time) (Loaded, error) {
	var sum Loaded
	for i := range roads {
		if err := w.writeRoadside(ctx, &roads[i]); err != nil {
			return sum, err
		}
	}
	cfg, err := w.config(clickhouselocal.UserCollector)
	if err != nil {
		return sum, err
	}
	type job struct {
		road *Road
		day  time.Time
	}
	var jobs []job
	for i := range roads {
		for _, day := range days {
			jobs = append(jobs, job{&roads[i], day})
		}
	}
	var next atomic.Int64
	parts := make([]Loaded, writers)
	group, ctx := errgroup.WithContext(ctx)
	for n := range writers {
		group.Go(func() error {
			l := &loader{rows: newReadings(w.key), ends: newEnds(), cfg: cfg}
			defer l.hangUp()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					parts[n] = l.Loaded
					return nil
				}
				if err := l.day(ctx, jobs[i].road, jobs[i].day.UnixMicro()); err != nil {
					return err
				}
			}
		})
	}
	err = group.Wait()
	for _, p := range parts {
		sum.Readings += p.Readings
		sum.Refused += p.Refused
		sum.Ends += p.Ends
	}
	return sum, err
}

// loader writes with one connection.
type loader struct {
	Loaded
	cfg  clickhouse.Config
	conn *ch.Client
	rows *readings
	ends *ends
}

// day writes what a road's devices emit on a UTC day. Blocks end with the day:
// each goes to one partition, but for devices whose clock is wrong.
func (l *loader) day(ctx context.Context, road *Road, start world.Micros) error {
	var devices []*device.Device
	network := road.World.Network()
	for i := range network.Devices {
		// All before the first is asked: then the world's day is evaluated once.
		d, err := device.New(road.World, network.Devices[i].ID, network.ValidFrom)
		if err != nil {
			return err
		}
		devices = append(devices, d)
	}
	for i, d := range devices {
		id := road.Prefix + network.Devices[i].ID
		for _, e := range d.Epochs(start, start+dayUS) {
			if e.Start < start {
				continue // the day before has it
			}
			if err := l.epoch(ctx, d, id, road.salt(), e); err != nil {
				return err
			}
		}
	}
	return l.flush(ctx)
}

func (l *loader) epoch(ctx context.Context, d *device.Device, id string, salt uint64, e device.Epoch) error {
	from := int64(e.ID>>epochBits) * dayUS
	l.rows.begin(id, salt)
	c, last := d.Open(e, 0), uint64(0)
	for r, ok := c.Next(); ok; r, ok = c.Next() {
		last = r.Seq
		if r.ObservedAt < from-observedFar || r.ObservedAt > from+dayUS+observedFar {
			l.Refused++
			continue
		}
		l.rows.add(e.ID, r) // once, also where it is emitted twice: a block collapses copies
		if len(l.rows.seq) >= blockRows {
			if err := l.flush(ctx); err != nil {
				return err
			}
			l.rows.begin(id, salt)
		}
	}
	if !e.NoEnd {
		l.ends.add(id, e.ID, last, e.End)
	}
	return nil
}

// flush inserts what has been gathered.
func (l *loader) flush(ctx context.Context) error {
	if n := len(l.rows.seq); n > 0 {
		if err := l.insert(ctx, "raw.readings", l.rows.input); err != nil {
			return err
		}
		l.Readings += uint64(n)
	}
	if n := len(l.ends.last); n > 0 {
		if err := l.insert(ctx, "raw.epoch_ends", l.ends.input); err != nil {
			return err
		}
		l.Ends += uint64(n)
	}
	return nil
}

// insert empties the columns.
func (l *loader) insert(ctx context.Context, table string, input proto.Input) error {
	if l.conn == nil {
		conn, err := clickhouse.Dial(ctx, l.cfg)
		if err != nil {
			return err
		}
		l.conn = conn
	}
	if err := l.conn.Do(ctx, ch.Query{Body: "INSERT INTO " + table + " " + input.Columns() + " VALUES", Input: input}); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	input.Reset()
	return nil
}

func (l *loader) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close() // whatever it says, all inserts were answered
	}
}
