package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// resendingCollector has everything already: it names positions beyond any.
type resendingCollector struct {
	acceptingCollector
	mu     sync.Mutex
	hellos []*gantryv1.Hello
}

// Connect grants what Hello names, and has it all.
func (c *resendingCollector) Connect(st gantryv1.IngestService_ConnectServer) error {
	m, err := st.Recv()
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.hellos = append(c.hellos, m.GetHello())
	c.mu.Unlock()
	w := c.welcome()
	for _, id := range m.GetHello().GetStaticDevices() {
		day := uint32(c.from.Unix()/86400) << 17
		w.Lease.Granted = append(w.Lease.Granted, &gantryv1.LeasedDevice{
			DeviceId: id, ValidFromUs: c.from.UnixMicro(),
			Durable: []*gantryv1.Position{{DeviceId: id, Epoch: day, Seq: 1_000_000, Ended: true}},
		})
	}
	return c.carry(st, w)
}

// A day is sent whole though the collector has it, by a stream that says so,
// and nothing of the days around it.
func TestResendADay(t *testing.T) {
	_, named := corridor(t)
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	c := &resendingCollector{acceptingCollector: acceptingCollector{world: named, now: from.AddDate(0, 0, 3), from: from}}
	addr := startServer(t, c, &c.acceptingCollector)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := runAgent(ctx, t, "resend", "--collector", addr, "--from", "2026-03-02", "--to", "2026-03-03",
		"--devices", "north-01-counter,north-02-speed"); err != nil {
		t.Fatal(err)
	}
	day := uint32(from.Unix()/86400) << 17
	for _, id := range []string{"north-01-counter", "north-02-speed"} {
		if got := c.counts[id]; len(got) != 1 || got[day] < 1000 {
			t.Errorf("%s sent %v, want all of epoch %d", id, got, day)
		}
	}
	if h := c.hellos[0]; len(c.counts) != 2 || !h.GetResend() || len(h.GetStaticDevices()) != 2 || h.GetCapacity() != 0 {
		t.Errorf("%d devices were sent, by %v", len(c.counts), h)
	}
}

// Without devices it asks for the world first, by a stream that wants none.
func TestResendAsksForTheWorld(t *testing.T) {
	w, named := corridor(t)
	c := &resendingCollector{acceptingCollector: acceptingCollector{world: named, now: time.Now(), from: time.Now()}}
	again := &runCmd{Collector: []string{"127.0.0.1:1", startServer(t, c, &c.acceptingCollector)}, AgentID: "resend-1"}
	ids, err := again.worldDevices(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil || len(ids) != len(w.Network().Devices) || !slices.Contains(ids, "north-02-speed") {
		t.Errorf("the world has devices %v, %v", ids, err)
	}
	if h := c.hellos[0]; h.GetAgentId() != "resend-1" || h.GetCapacity() != 0 || len(h.GetStaticDevices()) != 0 {
		t.Errorf("asked by %v", h)
	}
	c.world = nil
	if _, err := again.worldDevices(t.Context(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("real devices' readings can be made again")
	}
}
