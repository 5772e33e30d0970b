package ingest

import (
	"testing"
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestClaimOfAnEndEndsTheEpoch: an agent saw the end acknowledged by a collector
// that died before its checkpoint, forgot it with the lease, and sends the tail
// again. The position that comes of it must say that the epoch is over.
func TestClaimOfAnEndEndsTheEpoch(t *testing.T) {
	const device, epoch, end = "a", 20_000 << 17, 7
	positions := newTable(10)
	s := newSession(positions, &gantryv1.Hello{
		Acknowledged: []*gantryv1.Position{{DeviceId: device, Epoch: epoch, Seq: end, Ended: true}},
	}, time.Second)
	a, err := s.admit([]byte(device), epoch, 4, end-3, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	if a.skip != end-3 || a.resend != nil {
		t.Fatalf("admitted %+v, want all skipped", a)
	}
	if r := a.row; r.durable != end || !r.ended {
		t.Errorf("the epoch stands at %d, ended %t; want %d, true", r.durable, r.ended, end)
	}
	rows, checkpoints := positions.checkpoints(10, "c")
	if len(rows) != 1 || !checkpoints[0].GetPosition().GetEnded() {
		t.Errorf("checkpoints %v do not tell of the end", checkpoints)
	}
}
