package uplink

import (
	"strings"
	"testing"
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func TestConfigSaysWhatIsMissing(t *testing.T) {
	_, err := New(Config{})
	for _, want := range []string{"no collector address", "agent id", "no source"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	cfg := Config{Collectors: []string{"x:1"}, AgentID: "a", Open: opens(fakeSource{}), Limits: Limits{LiveBatchBytes: 7}}
	if err := cfg.fill(); err != nil {
		t.Fatal(err)
	}
	if cfg.Limits.LiveBatchBytes != 7 || cfg.Limits.HelloPositions != DefaultLimits().HelloPositions || cfg.Timing != DefaultTiming() {
		t.Errorf("defaults are not filled in: %+v %+v", cfg.Limits, cfg.Timing)
	}
}

func TestWindowRoom(t *testing.T) {
	for name, c := range map[string]struct {
		w    window
		want int
	}{
		"shut":                    {window{maxBatches: 0, maxBytes: 1 << 20}, 0},
		"nothing under way":       {window{maxBatches: 1, maxBytes: 1}, 10_000},
		"batches used up":         {window{maxBatches: 1, maxBytes: 1 << 20, batches: 1}, 0},
		"bytes left for a part":   {window{maxBatches: 2, maxBytes: 9000, batches: 1, bytes: 4000}, 5000},
		"bytes left for a crumb":  {window{maxBatches: 2, maxBytes: 9000, batches: 1, bytes: 8000}, 0},
		"bytes left for a batch":  {window{maxBatches: 2, maxBytes: 90_000, batches: 1, bytes: 4000}, 10_000},
		"limit fell below in use": {window{maxBatches: 2, maxBytes: 10, batches: 1, bytes: 4000}, 0},
	} {
		if got := c.w.room(10_000); got != c.want {
			t.Errorf("%s: room for %d bytes, want %d", name, got, c.want)
		}
	}
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	b := backoff{min: time.Second, max: 5 * time.Second, random: func() float64 { return 0.5 }}
	for i, wantMS := range []int64{750, 1500, 3000, 3750, 3750} {
		if got := b.next(); got.Milliseconds() != wantMS {
			t.Errorf("pause %d is %v, want %d ms", i, got, wantMS)
		}
	}
	b.reset()
	if got := b.next(); got != 750*time.Millisecond {
		t.Errorf("after a reset: %v", got)
	}
}

func TestHelloRepeatsOnlyWhatMoved(t *testing.T) {
	source := fakeSource{readings: 30}
	s := NewSession(Plan{}, Limits{HelloPositions: 1}, flushEvery, nil)
	now := Instant{WorldUS: 3 * runUS}
	pos := func(run int64, seq uint64) *gantryv1.Position {
		return &gantryv1.Position{DeviceId: "a", Epoch: fakeEpoch(run).ID, Seq: seq}
	}
	s.Welcome(now, &gantryv1.Welcome{Flow: wideFlow(), Lease: &gantryv1.Lease{
		Granted: []*gantryv1.LeasedDevice{{DeviceId: "a", Durable: []*gantryv1.Position{pos(0, 5)}}}}}, source)
	if err := s.Ack(now, &gantryv1.Ack{Durable: []*gantryv1.Position{pos(1, 2), pos(2, 1)}}); err != nil {
		t.Fatal(err)
	}
	s.Disconnected(now)
	got := s.Acknowledged()
	if len(got) != 1 || got[0].GetEpoch() != fakeEpoch(2).ID || got[0].GetSeq() != 1 {
		t.Errorf("hello says %v, want the newest epoch that an Ack moved", got)
	}
}
