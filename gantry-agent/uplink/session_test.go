package uplink

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const flushEvery = 200 * time.Millisecond

// play is a session, a model collector and what is between them.
type play struct {
	t         *rapid.T
	source    fakeSource
	session   *Session
	collector *modelCollector
	now       Instant
	connected bool
	draining  bool
	devices   map[string]bool // leased
	windows   [lanes]window   // as told, and what is under way
	batches   map[uint64]sentModel
}

type sentModel struct {
	lane  lane
	bytes int
}

func newPlay(t *rapid.T) *play {
	source := fakeSource{
		readings: rapid.SampledFrom([]int{3, 40, 400}).Draw(t, "readings per epoch"), faulty: rapid.Bool().Draw(t, "faulty"),
	}
	limits := Limits{
		LiveBatchReadings: rapid.IntRange(1, 50).Draw(t, "live batch"), BackfillBatchReadings: rapid.IntRange(1, 80).Draw(t, "backfill batch"),
		LiveChunkReadings: rapid.IntRange(1, 20).Draw(t, "live chunk"), BackfillChunkReadings: rapid.IntRange(1, 40).Draw(t, "backfill chunk"),
		BackfillCursors: rapid.IntRange(1, 3).Draw(t, "cursors"),
	}
	p := &play{t: t, source: source, collector: newModelCollector(source), devices: map[string]bool{"a": true, "b": true},
		session: NewSession(Plan{}, limits, flushEvery, nil)}
	p.now.WorldUS = runUS * rapid.Int64Range(0, 30).Draw(t, "first time") / 10
	return p
}

var fleet = []string{"a", "b", "c", "d"}

func (p *play) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *play) leased(id string, lag uint64) *gantryv1.LeasedDevice {
	return &gantryv1.LeasedDevice{DeviceId: id, Durable: p.collector.positions(id, lag)}
}

func (p *play) connect(*rapid.T) {
	if p.connected {
		p.t.Skip("connected")
	}
	p.must(p.collector.connect(p.session.Acknowledged()))
	w := &gantryv1.Welcome{Lease: &gantryv1.Lease{}, MaxBatchBytes: 8192, MaxBatchReadings: 60}
	lag := rapid.Uint64Range(0, 20).Draw(p.t, "lag of the checkpoint")
	for _, id := range fleet {
		if p.devices[id] {
			w.Lease.Granted = append(w.Lease.Granted, p.leased(id, lag))
		}
	}
	p.windows, p.batches = [lanes]window{}, map[uint64]sentModel{}
	w.Flow = p.newFlow()
	for _, err := range p.session.Welcome(p.now, w, p.source) {
		p.must(err)
	}
	p.connected, p.draining = true, false
}

func (p *play) newFlow() *gantryv1.Flow {
	draw := func(l lane) *gantryv1.Window {
		w := &gantryv1.Window{Batches: rapid.Uint32Range(0, 6).Draw(p.t, "window batches"), Bytes: rapid.Uint64Range(0, 30_000).Draw(p.t, "window bytes")}
		p.windows[l].limit(w)
		return w
	}
	return &gantryv1.Flow{Live: draw(live), Backfill: draw(backfill)}
}

func (p *play) flow(*rapid.T) {
	p.needConnected()
	p.session.Flow(p.newFlow())
}

func (p *play) needConnected() {
	if !p.connected {
		p.t.Skip("not connected")
	}
}

func (p *play) tick(*rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Millisecond, flushEvery, 5 * time.Second, 400 * time.Second}).Draw(p.t, "time passes")
	p.advance(d)
}

func (p *play) advance(d time.Duration) {
	p.now.Mono += d
	p.now.WorldUS += d.Microseconds()
}

// send takes one batch from the session and checks it on its way.
func (p *play) send(*rapid.T) {
	p.needConnected()
	p.sendOne()
}

func (p *play) sendOne() bool {
	liveFirst := p.liveDue()
	f := p.session.Next(p.now)
	if f == nil {
		if liveFirst {
			p.t.Fatal("a live batch is due and fits, but nothing is sent")
		}
		return false
	}
	if p.draining {
		p.t.Fatal("a batch was sent after Drain")
	}
	b, err := p.collector.receive(f.Bytes())
	p.must(err)
	l := live
	if b.Backfill {
		l = backfill
	}
	if liveFirst && l != live {
		p.t.Fatal("backfill goes before a live batch that is due and fits")
	}
	p.checkBatch(b, l, f.Len())
	return true
}

func (p *play) checkBatch(b *gantryv1.Batch, l lane, bytes int) {
	w := &p.windows[l]
	w.add(bytes)
	if w.maxBatches == 0 || w.batches > w.maxBatches || (w.batches > 1 && w.bytes > w.maxBytes) {
		p.t.Fatalf("%v window exceeded: %+v", l, *w)
	}
	if bytes > 8192 {
		p.t.Fatalf("batch of %d bytes", bytes)
	}
	p.batches[b.Number] = sentModel{l, bytes}
	n := 0
	for _, d := range b.Devices {
		n += len(d.Readings)
		if !p.devices[d.DeviceId] {
			p.t.Fatalf("device %s was taken away, but is sent", d.DeviceId)
		}
		for i, r := range d.Readings {
			if r.GetEpochEnd() == nil && r.ObservedAtUs > p.now.WorldUS {
				p.t.Fatalf("%s/%d/%d is sent before it is emitted", d.DeviceId, d.Epoch, d.FirstSeq+uint64(i))
			}
		}
	}
	if n > 60 {
		p.t.Fatalf("batch of %d readings", n)
	}
}

// liveDue says that a live batch must be next.
func (p *play) liveDue() bool {
	s := p.session
	if !s.online || s.stopping || (!s.behind && p.now.Mono-s.flushed < s.flush) || p.windows[live].room(8192) == 0 {
		return false
	}
	for _, e := range s.live {
		if at, ok := e.cursor().Peek(); (ok && at <= p.now.WorldUS) || (!ok && p.now.WorldUS >= e.EndUS && !e.NoEnd) {
			return true
		}
	}
	return false
}

func (p *play) process(*rapid.T) {
	p.needConnected()
	if len(p.collector.queue) == 0 {
		p.t.Skip("nothing to process")
	}
	p.must(p.collector.process(rapid.IntRange(0, 9).Draw(p.t, "refuse at 0") == 0))
}

func (p *play) ack(*rapid.T) {
	p.needConnected()
	if p.collector.answer == nil {
		p.t.Skip("nothing to answer")
	}
	p.deliver()
}

func (p *play) deliver() {
	a := p.collector.deliver(p.session.number)
	for n, b := range p.batches {
		if n <= a.BatchNumber {
			p.windows[b.lane].remove(b.bytes)
			delete(p.batches, n)
		}
	}
	p.must(p.session.Ack(p.now, a))
}

func (p *play) lease(*rapid.T) {
	p.needConnected()
	id := rapid.SampledFrom(fleet).Draw(p.t, "device")
	l := &gantryv1.Lease{}
	if p.devices[id] && rapid.Bool().Draw(p.t, "again") {
		// News of a device that is carried already.
		for _, err := range p.session.Lease(p.now, &gantryv1.Lease{Granted: []*gantryv1.LeasedDevice{p.leased(id, 0)}}) {
			p.must(err)
		}
		p.collector.again[id] = true
		return
	}
	if p.devices[id] {
		l.Revoked = []string{id}
	} else {
		l.Granted = []*gantryv1.LeasedDevice{p.leased(id, 0)}
		p.collector.again[id] = true
	}
	p.devices[id] = !p.devices[id]
	for _, err := range p.session.Lease(p.now, l) {
		p.must(err)
	}
}

func (p *play) drain(*rapid.T) {
	p.needConnected()
	p.session.Stop()
	p.draining = true
}

func (p *play) disconnect(*rapid.T) {
	p.needConnected()
	p.session.Disconnected(p.now)
	p.connected = false
}

// settle lets everything run to its end and compares.
func (p *play) settle() {
	for id := range p.devices {
		p.devices[id] = true
	}
	if p.connected {
		p.disconnect(p.t)
	}
	p.connect(p.t)
	wide := &gantryv1.Window{Batches: 8, Bytes: 1 << 20}
	p.windows[live].limit(wide)
	p.windows[backfill].limit(wide)
	p.session.Flow(&gantryv1.Flow{Live: wide, Backfill: wide})
	for idle := 0; idle < 5; idle++ {
		p.advance(flushEvery)
		for p.sendOne() {
			idle = 0
			for len(p.collector.queue) > 0 {
				p.must(p.collector.process(false))
			}
			p.deliver()
		}
	}
	if n := p.session.InFlight(); n != 0 {
		p.t.Fatalf("%d batches are never answered", n)
	}
	for id := range p.devices {
		p.must(p.collector.check(fakeDevice{p.source, id, 0}, p.now.WorldUS))
	}
}

// TestSessionInterleavings plays random interleavings of everything that can
// happen to a stream; rapid prints the seed of a failure.
func TestSessionInterleavings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlay(t)
		p.connect(t)
		t.Repeat(map[string]func(*rapid.T){
			"connect": p.connect, "flow": p.flow, "tick": p.tick, "send": p.send, "send more": p.send, "and more": p.send,
			"process": p.process, "process more": p.process, "ack": p.ack, "lease": p.lease, "drain": p.drain, "disconnect": p.disconnect,
		})
		p.settle()
	})
}

func TestSessionBackfillIsDone(t *testing.T) {
	p := &play{source: fakeSource{readings: 30}, devices: map[string]bool{}}
	plan := Plan{FromUS: runUS, ToUS: 3*runUS + runUS/2, Backfill: true}
	s := NewSession(plan, Limits{}, flushEvery, nil)
	now := Instant{WorldUS: plan.ToUS}
	c := newModelCollector(p.source)
	if err := c.connect(nil); err != nil {
		t.Fatal(err)
	}
	wide := &gantryv1.Window{Batches: 1, Bytes: 1 << 20}
	s.Welcome(now, &gantryv1.Welcome{Flow: &gantryv1.Flow{Live: wide, Backfill: wide},
		Lease: &gantryv1.Lease{Granted: []*gantryv1.LeasedDevice{{DeviceId: "a"}}}}, p.source)
	var epochs []uint32
	for f := s.Next(now); f != nil; f = s.Next(now) {
		b, err := c.receive(f.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if s.Done(Instant{Mono: time.Hour}, 0) {
			t.Fatal("done before the answer")
		}
		for _, d := range b.Devices {
			epochs = append(epochs, d.Epoch>>17-1)
		}
		if err := c.process(false); err != nil {
			t.Fatal(err)
		}
		if err := s.Ack(now, c.deliver(s.number)); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(epochs); got != "[3 2 1]" {
		t.Errorf("epochs sent: %v, want the newest first, none before --from", got)
	}
	if s.Done(now, time.Second) {
		t.Error("done before settling")
	}
	if !s.Done(Instant{Mono: time.Second}, time.Second) {
		t.Error("not done when everything is answered")
	}
	d := fakeDevice{p.source, "a", 0}
	n, _ := d.due(fakeEpoch(3), plan.ToUS-1)
	if rec := c.records[key{"a", fakeEpoch(3).ID}]; rec.ended || uint64(len(rec.readings)) != n {
		t.Errorf("the epoch that spans --to has %d positions, ended %v; want %d and no end", len(rec.readings), rec.ended, n)
	}
}

func TestSessionRefusesAckOfUnsentBatch(t *testing.T) {
	s := NewSession(Plan{}, Limits{}, flushEvery, nil)
	if err := s.Ack(Instant{}, &gantryv1.Ack{BatchNumber: 1}); err == nil {
		t.Error("an answer to a batch that was never sent is accepted")
	}
}

// TestSessionLeaseInParts: durable positions that come after the device did
// count for the epochs that were not begun.
func TestSessionLeaseInParts(t *testing.T) {
	source := fakeSource{readings: 30}
	plan := Plan{ToUS: 3 * runUS, Backfill: true}
	s := NewSession(plan, Limits{}, flushEvery, nil)
	now := Instant{WorldUS: plan.ToUS}
	lease := func(durable ...*gantryv1.Position) *gantryv1.Lease {
		return &gantryv1.Lease{Granted: []*gantryv1.LeasedDevice{{DeviceId: "a", Durable: durable}}}
	}
	position := func(run int64, seq uint64, ended bool) *gantryv1.Position {
		return &gantryv1.Position{DeviceId: "a", Epoch: fakeEpoch(run).ID, Seq: seq, Ended: ended}
	}
	s.Welcome(now, &gantryv1.Welcome{Flow: wideFlow(), Lease: lease(position(2, 2, false))}, source)
	s.Lease(now, lease(position(1, 30, true), position(0, 3, false)))
	starts := map[uint32]uint64{}
	c := newModelCollector(source)
	if err := c.connect(nil); err != nil {
		t.Fatal(err)
	}
	for f := s.Next(now); f != nil; f = s.Next(now) {
		b, err := c.receive(f.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range b.Devices {
			starts[d.Epoch>>17-1] = d.FirstSeq
		}
	}
	if len(starts) != 2 || starts[2] != 3 || starts[0] != 4 {
		t.Errorf("first positions by run: %v, want 3 of run 2, none of run 1, 4 of run 0", starts)
	}
}
