package uplink

import (
	"fmt"
	"testing"
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// drive lets a session send all that it has, each batch answered at once, and
// returns how often each position came.
func drive(t *testing.T, s *Session, c *modelCollector, now Instant) map[string]int {
	t.Helper()
	times := map[string]int{}
	for f := s.Next(now); f != nil; f = s.Next(now) {
		b, err := c.receive(f.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range b.Devices {
			for i := range d.Readings {
				times[fmt.Sprint(d.DeviceId, "/", d.Epoch, "/", d.FirstSeq+uint64(i))]++
			}
		}
		if err := c.process(false); err != nil {
			t.Fatal(err)
		}
		if err := s.Ack(now, c.deliver(s.number)); err != nil {
			t.Fatal(err)
		}
	}
	return times
}

// begin opens a stream for device a, with all that the collector knows.
func begin(t *testing.T, s *Session, c *modelCollector, source fakeSource, now Instant) {
	t.Helper()
	if err := c.connect(s.Acknowledged()); err != nil {
		t.Fatal(err)
	}
	s.Welcome(now, &gantryv1.Welcome{Flow: wideFlow(), Lease: &gantryv1.Lease{
		Granted: []*gantryv1.LeasedDevice{{DeviceId: "a", Durable: c.positions("a", 0)}}}}, source)
}

// TestReadingsEmittedTwiceAreSentTwice, and all others once, whatever fits
// into a chunk.
func TestReadingsEmittedTwiceAreSentTwice(t *testing.T) {
	source := fakeSource{readings: 300, faulty: true}
	d := fakeDevice{source, "a", 0}
	for _, limits := range []Limits{{}, {BackfillChunkReadings: 1}, {BackfillBatchReadings: 2}, {BackfillBatchBytes: minBatchBytes}} {
		s, c := NewSession(Plan{ToUS: 6 * runUS, Backfill: true}, limits, flushEvery, nil), newModelCollector(source)
		now := Instant{WorldUS: 6 * runUS}
		begin(t, s, c, source, now)
		times := drive(t, s, c, now)
		twice := 0
		for _, e := range d.Epochs(0, 6*runUS) {
			for seq := uint64(1); seq <= d.count(e.ID); seq++ {
				want := 1
				if d.twice(e, seq) {
					want = 2
					twice++
				}
				if got := times[fmt.Sprint("a/", e.ID, "/", seq)]; got != want {
					t.Errorf("%+v: %d of epoch %d was sent %d times, want %d", limits, seq, e.ID, got, want)
				}
			}
		}
		if twice < 20 {
			t.Fatalf("only %d readings are emitted twice", twice)
		}
		if err := c.check(d, now.WorldUS-1); err != nil {
			t.Error(err)
		}
	}
}

// TestEpochsWithoutEndAreOver: when their readings are durable they are sent
// no more, by whoever carries the device, and the source is asked once by each
// process.
func TestEpochsWithoutEndAreOver(t *testing.T) {
	opened := map[uint32]int{}
	source := fakeSource{readings: 30, faulty: true, opened: func(_ string, epoch uint32, _ uint64) { opened[epoch]++ }}
	d := fakeDevice{source, "a", 0}
	now := Instant{WorldUS: 9*runUS + runUS/2}
	for name, plan := range map[string]Plan{"backfill": {ToUS: now.WorldUS, Backfill: true}, "live": {}, "resend": {ToUS: now.WorldUS, Backfill: true, Resend: true}} {
		c := newModelCollector(source)
		first := NewSession(plan, Limits{}, flushEvery, nil)
		begin(t, first, c, source, now)
		drive(t, first, c, now)
		// The same process on another stream, and another process.
		for what, s := range map[string]*Session{"resume": first, "take-over": NewSession(plan, Limits{}, flushEvery, nil)} {
			if plan.Resend && what == "take-over" {
				continue // it sends everything once more
			}
			clear(opened)
			s.Disconnected(now)
			begin(t, s, c, source, now)
			sent := drive(t, s, c, now)
			if len(sent) != 0 {
				t.Errorf("%s, %s: sent again: %v", name, what, sent)
			}
			if plan.Backfill && !s.Done(Instant{WorldUS: now.WorldUS, Mono: time.Hour}, 0) {
				t.Errorf("%s, %s: never done", name, what)
			}
			for _, e := range d.Epochs(0, 9*runUS) {
				most := 0
				if e.NoEnd && what == "take-over" {
					most = 1
				}
				if opened[e.ID] > most {
					t.Errorf("%s, %s: epoch %+v was opened %d times", name, what, e, opened[e.ID])
				}
			}
		}
		until := now.WorldUS
		if plan.Backfill {
			until-- // --to is exclusive
		}
		if err := c.check(d, until); err != nil {
			t.Error(name, err)
		}
	}
}

// TestALiveDeviceReboots: the next epoch follows once the device is up again,
// with and without an end before it.
func TestALiveDeviceReboots(t *testing.T) {
	source := fakeSource{readings: 30, faulty: true}
	d := fakeDevice{source, "a", 0}
	s, c := NewSession(Plan{}, Limits{}, flushEvery, nil), newModelCollector(source)
	now := Instant{WorldUS: 1}
	begin(t, s, c, source, now)
	noEnds, offs := 0, 0
	for now.WorldUS < 12*runUS {
		now.WorldUS += runUS / 16
		now.Mono += flushEvery
		drive(t, s, c, now)
		if err := c.check(d, now.WorldUS); err != nil {
			t.Fatalf("at %d: %v", now.WorldUS, err)
		}
	}
	for _, e := range d.Epochs(0, now.WorldUS) {
		if e.NoEnd {
			noEnds++
		}
		if e.EndUS%runUS != 0 {
			offs++
		}
	}
	if noEnds < 2 || offs < 2 {
		t.Fatalf("%d epochs without an end, %d times off: the test shows little", noEnds, offs)
	}
}
