package uplink

import (
	"testing"
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestSessionCarriesALifeYetToBegin: a device granted before its first epoch
// is served once that begins, without another grant.
func TestSessionCarriesALifeYetToBegin(t *testing.T) {
	source := fakeSource{readings: 30}
	s := NewSession(Plan{}, Limits{}, flushEvery, nil)
	now := Instant{WorldUS: runUS}
	granted := []*gantryv1.LeasedDevice{{DeviceId: "a", ValidFromUs: 3 * runUS}}
	s.Welcome(now, &gantryv1.Welcome{Flow: wideFlow(), Lease: &gantryv1.Lease{Granted: granted}}, source)
	if f := s.Next(now); f != nil {
		t.Fatal("something is sent before the device's life")
	}
	c := newModelCollector(source)
	if err := c.connect(nil); err != nil {
		t.Fatal(err)
	}
	now = Instant{Mono: time.Hour, WorldUS: 4*runUS - 1}
	for f := s.Next(now); f != nil; f = s.Next(now) {
		if _, err := c.receive(f.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := c.process(false); err != nil {
			t.Fatal(err)
		}
	}
	n, _ := fakeDevice{source, "a", 3 * runUS}.due(fakeEpoch(3), now.WorldUS)
	if rec := c.records[key{"a", fakeEpoch(3).ID}]; rec == nil || n == 0 || uint64(len(rec.readings)) != n {
		t.Errorf("the first epoch's record is %+v, want %d readings", rec, n)
	}
}
