package conformance

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/test/bufconn"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func network() *kafka.NetworkSnapshot {
	return kafka.SnapshotOf(&gantryv1.Network{
		Name: "test", Zone: "UTC",
		Stations: []*gantryv1.Station{{StationId: "s", Lanes: 2}},
		Devices: []*gantryv1.Device{
			{DeviceId: "counter-1", Kind: gantryv1.DeviceKind_DEVICE_KIND_COUNTER, StationId: "s"},
			{DeviceId: "toll-1", Kind: gantryv1.DeviceKind_DEVICE_KIND_TOLL, StationId: "s"},
		},
	})
}

// check runs the whole script in virtual time against a client with a fault.
func check(t *testing.T, fault string, skip ...string) *Report {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	conn, err := dial(func(ctx context.Context) (net.Conn, error) { return listener.DialContext(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	c := &client{fault: fault, ingest: gantryv1.NewIngestServiceClient(conn)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(ctx)
	}()
	cfg := DefaultConfig(listener, network())
	cfg.Skip = skip
	cfg.Progress = func(sentence string) {
		if strings.HasPrefix(sentence, "now stop") {
			c.ended.Store(true)
		}
	}
	report, err := Run(t.Context(), cfg)
	stop()
	_ = conn.Close()
	<-done
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func text(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A client without a fault keeps every requirement, and each was seen.
func TestGoodClientConforms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if r := check(t, ""); !r.Conforms() {
			t.Errorf("a good client does not conform:\n%s", text(t, r))
		}
	})
}

// For each requirement there is a client that breaks it, and is found out.
func TestEveryFaultIsFound(t *testing.T) {
	for _, q := range Requirements() {
		t.Run(q.ID, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := check(t, q.ID)
				for _, o := range r.Outcomes {
					if o.Verdict == Failed && o.ID != q.ID {
						t.Log("also", o.ID, o.Problems)
					}
				}
				if o := r.Of(q.ID); o.Verdict != Failed || len(o.Problems) == 0 || r.Conforms() {
					t.Errorf("a client that breaks %s is not found out:\n%s", q.ID, text(t, r))
				}
			})
		})
	}
}

// The network that is taken when none is given is one that a collector takes.
func TestNetworkHasOneOfEachKind(t *testing.T) {
	n, err := Network()
	if err != nil {
		t.Fatal(err)
	}
	for id, kind := range map[string]gantryv1.DeviceKind{
		"counter-1": gantryv1.DeviceKind_DEVICE_KIND_COUNTER,
		"camera-1":  gantryv1.DeviceKind_DEVICE_KIND_SPEED,
		"toll-1":    gantryv1.DeviceKind_DEVICE_KIND_TOLL,
	} {
		if d := n.Devices[id]; d == nil || d.Kind != kind || d.Lanes != 4 {
			t.Errorf("%s is %+v", id, d)
		}
	}
}
