package uplink

import (
	"testing"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// constantSource has one device whose readings are always the same 40 bytes,
// so that the figure is the uplink's own.
type constantSource struct{ left *int }

func (s constantSource) Device(string, int64) (Device, error) { return s, nil }
func (s constantSource) Epochs(int64, int64) []Epoch          { return []Epoch{fakeEpoch(0)} }
func (s constantSource) Open(Epoch, uint64) Cursor            { return s }
func (s constantSource) Peek() (int64, bool)                  { return 0, *s.left > 0 }
func (s constantSource) Append(dst []byte) []byte {
	*s.left--
	return append(dst, "0123456789012345678901234567890123456789"...)
}

// BenchmarkSessionBackfill is the cost of one reading on the backfill lane,
// without making and sending it.
func BenchmarkSessionBackfill(b *testing.B) {
	left := b.N
	plan := Plan{ToUS: runUS, Backfill: true}
	s := NewSession(plan, Limits{}, flushEvery, nil)
	now := Instant{WorldUS: runUS}
	s.Welcome(now, &gantryv1.Welcome{Flow: wideFlow(),
		Lease: &gantryv1.Lease{Granted: []*gantryv1.LeasedDevice{{DeviceId: "a"}}}}, constantSource{&left})
	b.ReportAllocs()
	b.ResetTimer()
	for f := s.Next(now); f != nil; f = s.Next(now) {
		body := f.body
		bodies.Put(&body)
		if err := s.Ack(now, &gantryv1.Ack{BatchNumber: s.number}); err != nil {
			b.Fatal(err)
		}
	}
	if left != 0 {
		b.Fatalf("%d readings left", left)
	}
}
