package uplink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"
)

// spoolOf opens a spool and fails the test where that fails.
func spoolOf(t testing.TB, cfg SpoolConfig) *Spool {
	t.Helper()
	s, err := OpenSpool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// recordOf makes the record of readings first to last of a fake epoch.
func recordOf(d fakeDevice, e Epoch, first, last uint64) *SpoolRecord {
	var c chunk
	c.begin(d.id, e.ID, first)
	cur := d.Open(e, first-1)
	for c.next() <= last {
		c.take(cur)
	}
	return &SpoolRecord{DeviceID: d.id, Epoch: e.ID, First: first, Count: c.count, Wire: c.wire}
}

// readAll returns the readings that a cursor gives.
func readAll(cur Cursor) (out []string) {
	for {
		if _, ok := cur.Peek(); !ok {
			return out
		}
		out = append(out, string(cur.Append(nil)))
	}
}

// TestSpoolAgainstModel appends, trims and reopens at random, with tails torn
// off as by a killed process, and demands that what was appended and not
// trimmed is given again and goes on with the source.
func TestSpoolAgainstModel(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			t.Fatal(err)
		}
		cfg := SpoolConfig{Dir: dir, Fingerprint: "f", SegmentBytes: 1500}
		open := func() *Spool {
			s, err := OpenSpool(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open()
		d, e := fakeDevice{fakeSource{readings: 400}, "a", 0}, fakeEpoch(1)
		total := d.count(e.ID)
		first, next := uint64(1), uint64(1) // kept: [first, next)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				last := min(next+rapid.Uint64Range(0, 20).Draw(t, "count"), total)
				if last < next {
					t.Skip("the epoch is over")
				}
				if err := s.Append(recordOf(d, e, next, last)); err != nil {
					t.Fatal(err)
				}
				next = last + 1
			},
			"trim": func(t *rapid.T) {
				durable := rapid.Uint64Range(0, next).Draw(t, "durable")
				s.Trim(d.id, e.ID, durable)
				first = max(first, min(durable+1, next))
			},
			"reopen": func(t *rapid.T) {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "torn") {
					tear(t, dir)
				}
				s = open()
				if last := s.Last(d.id, e.ID); last == 0 || last+1 < first {
					next = first // all of it was torn or trimmed
				} else {
					next = last + 1
				}
				s.Trim(d.id, e.ID, first-1) // as a Welcome does
			},
			"": func(t *rapid.T) {
				var bytes int64
				for _, seg := range s.segments {
					bytes += seg.size
				}
				if s.Bytes() != bytes {
					t.Fatalf("%d bytes counted, %d there", s.Bytes(), bytes)
				}
				if first < next && s.Last(d.id, e.ID) != next-1 {
					t.Fatalf("the spool ends at %d, want %d", s.Last(d.id, e.ID), next-1)
				}
				opened := ^uint64(0)
				src := d.source
				src.opened = func(_ string, _ uint32, after uint64) { opened = after }
				dev, err := spooledSource{src, s, func(err error) { t.Fatal(err) }}.Device(d.id, 0)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := readAll(dev.Open(e, first-1)), readAll(d.Open(e, first-1)); !slices.Equal(got, want) {
					t.Fatalf("%d readings after %d, want %d", len(got), first-1, len(want))
				}
				if first < next && opened != next-1 {
					t.Fatalf("the source was opened at %d, though the spool holds up to %d", opened, next-1)
				}
			},
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// tear cuts bytes off the newest segment, or leaves half a record there.
func tear(t *rapid.T, dir string) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil || len(names) == 0 {
		return
	}
	name := slices.Max(names)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	cut := rapid.Int64Range(0, min(info.Size(), 300)).Draw(t, "bytes torn off")
	if err := os.Truncate(name, info.Size()-cut); err != nil {
		t.Fatal(err)
	}
}

func TestSpoolRefusesAnotherWorld(t *testing.T) {
	dir := t.TempDir()
	d := fakeDevice{fakeSource{readings: 5000}, "a", 0}
	s := spoolOf(t, SpoolConfig{Dir: dir, Fingerprint: "f00"})
	if err := s.Append(recordOf(d, fakeEpoch(0), 1, 3)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSpool(SpoolConfig{Dir: dir, Fingerprint: "ba4"})
	if err == nil || !strings.Contains(err.Error(), "holds readings of world f00, but this agent's world is ba4") {
		t.Errorf("got %v", err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if info, err := os.Stat(names[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: plates are in there", info.Mode(), err)
	}
}

func TestSpoolIsBounded(t *testing.T) {
	d := fakeDevice{fakeSource{readings: 5000}, "a", 0}
	e := fakeEpoch(0)
	for name, cfg := range map[string]SpoolConfig{
		"bytes":    {MaxBytes: 3000, SegmentBytes: 500},
		"readings": {MaxReadings: 25, SegmentBytes: 500},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Dir = t.TempDir()
			s := spoolOf(t, cfg)
			defer s.Close()
			var err error
			next := uint64(1)
			for ; err == nil && next < 2000; next += 5 {
				err = s.Append(recordOf(d, e, next, next+4))
			}
			if !errors.Is(err, ErrSpoolFull) || s.Bytes() > 3000 {
				t.Fatalf("error %v at %d bytes", err, s.Bytes())
			}
			s.Trim("a", e.ID, s.Last("a", e.ID))
			if s.Bytes() != 0 || s.Readings() != 0 {
				t.Errorf("%d bytes, %d readings left when all is durable", s.Bytes(), s.Readings())
			}
			if err := s.Append(recordOf(d, e, next-5, next-1)); err != nil {
				t.Errorf("after making room: %v", err)
			}
		})
	}
}

// movingClock is world time that the test moves.
type movingClock struct {
	mu sync.Mutex
	at int64
}

func (c *movingClock) set(at int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// WorldUS returns it.
func (c *movingClock) WorldUS(int64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// TestWireSpoolsWhileOffline cuts an agent off, kills it within a spool
// record, and lets the next process send what the spool holds.
func TestWireSpoolsWhileOffline(t *testing.T) {
	for name, faulty := range map[string]bool{"sound": false, "faulty": true} {
		t.Run(name, func(t *testing.T) { spoolsWhileOffline(t, fakeSource{readings: 3000, faulty: faulty}) })
	}
}

func spoolsWhileOffline(t *testing.T, source fakeSource) {
	const firstUS, lastUS = runUS / 2, runUS * 9 / 10
	complete := func(nowUS int64) func(*scripted) bool {
		return func(s *scripted) bool {
			return s.model.check(fakeDevice{source, "a", 0}, nowUS) == nil && s.model.check(fakeDevice{source, "b", 0}, nowUS) == nil
		}
	}
	dir := t.TempDir()
	clock := &movingClock{at: firstUS}
	ctx, kill := context.WithTimeout(t.Context(), time.Minute)
	defer kill()
	s, addr := startScripted(t, source, script{world: "f", done: complete(firstUS), dropAfter: 100_000}, script{refuse: status.Error(codes.Unavailable, "away")})
	cfg := quietConfig(addr, source, Plan{})
	cfg.Clock = clock
	hits := 0
	cfg.Spool = SpoolConfig{Dir: dir, Crash: func(string) {
		if hits++; hits == 5 {
			kill()
			panic("killed") // half of the record is written
		}
	}}
	died := make(chan any, 1)
	go func() {
		defer func() { died <- recover() }()
		a, err := New(cfg)
		if err == nil {
			err = a.Run(ctx)
		}
		died <- err
	}()
	select {
	case <-s.reached:
	case <-ctx.Done():
		t.Fatal("the first half never arrived")
	}
	clock.set(lastUS)
	s.cut()
	if got := <-died; got != "killed" {
		t.Fatalf("the first process ended with %v", got)
	}
	left := spoolOf(t, SpoolConfig{Dir: dir, Fingerprint: "f"})
	kept := max(left.Last("a", fakeEpoch(0).ID), left.Last("b", fakeEpoch(0).ID))
	if left.Readings() == 0 || kept == 0 {
		t.Fatal("nothing was spooled")
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	var opened []uint64
	source.opened = func(_ string, _ uint32, after uint64) { opened = append(opened, after) }
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	s.comeBack(script{world: "f", done: complete(lastUS)})
	cfg.Spool = SpoolConfig{Dir: dir}
	cfg.Open = opens(source)
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-s.reached
		stop()
	}()
	if err := a.Run(ctx); err != nil || !errors.Is(ctx.Err(), context.Canceled) {
		t.Fatal(err, ctx.Err())
	}
	if !slices.Contains(opened, kept) {
		t.Errorf("the source was opened after %v, want after %d, where the spool ends", opened, kept)
	}
}
