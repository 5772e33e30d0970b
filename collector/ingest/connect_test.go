package ingest_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func TestReadingsAreInKafkaWhenAcknowledged(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network("w"), nil)
	a, w := c.connect(&gantryv1.Hello{Fingerprint: "w", StaticDevices: []string{"D01", "nowhere"}})
	if w.GetWorld().GetFingerprint() != "w" || len(w.GetLease().GetGranted()) != 1 || w.GetLease().GetGranted()[0].DeviceId != "D01" ||
		w.CollectorTimeUs != noon.UnixMicro() || w.MaxBatchBytes == 0 || w.LeaseTtlMs != 15000 || w.GetFlow().GetLive().GetBatches() == 0 {
		t.Fatalf("Welcome is %v", w)
	}
	a.batch(run("D01", today, 1, 10), run("D02", today, 1, 5))
	a.batch(run("D01", today, 11, 1))
	yesterday := run("D01", today-1, 1, 3)
	yesterday.Readings = append(yesterday.Readings, endOfEpoch(3))
	a.lane(true, yesterday)
	ack := a.await()
	want := map[string]*gantryv1.Position{}
	for _, p := range ack.Durable {
		want[p.DeviceId+string(rune(p.Epoch>>17))] = p
	}
	if p := want["D01"+string(rune(today))]; p.GetSeq() != 11 || p.GetEnded() {
		t.Errorf("today's position of D01 is %v", p)
	}
	if p := want["D01"+string(rune(today-1))]; p.GetSeq() != 4 || !p.GetEnded() {
		t.Errorf("yesterday's position of D01 is %v", p)
	}
	live := records(t, addr, 16, kafka.TopicReading)
	if got := identities(t, live); len(got) != 16 {
		t.Errorf("%d distinct readings live, want 16", len(got))
	}
	past := records(t, addr, 4, kafka.TopicBackfill)
	if got := identities(t, past); len(got) != 4 {
		t.Errorf("%d distinct readings in backfill, want 4", len(got))
	}
	if err := a.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := a.end(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v, want io.EOF", err)
	}
	s := c.positions.Device("D01")
	if s.AgentID != "agent" || s.LastObservedAtUS != today*86400e6+11e6 || s.ClockSkewUS == 0 || len(s.Epochs) != 2 {
		t.Errorf("status of D01 is %+v", s)
	}
}

// A collector that takes over starts where the one before had checkpointed,
// or where the agent says it was acknowledged, whichever is further.
func TestResumeElsewhere(t *testing.T) {
	addr, _ := broker(t)
	net := network("w")
	first := start(t, addr, net, nil)
	a, _ := first.connect(&gantryv1.Hello{})
	a.batch(run("D01", today, 1, 10))
	a.await()
	// In the middle of a batch: sent, never answered to this agent.
	a.batch(run("D01", today, 11, 5))
	a.cancel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := first.server.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	first.stop()

	second := start(t, addr, net, nil)
	b, w := second.connect(&gantryv1.Hello{StaticDevices: []string{"D01"}, Acknowledged: []*gantryv1.Position{
		{DeviceId: "D01", Epoch: epochOf(today), Seq: 10}, {DeviceId: "D07", Epoch: epochOf(today), Seq: 99}}})
	durable := w.GetLease().GetGranted()[0].GetDurable()
	if len(durable) != 1 || durable[0].Seq < 10 {
		t.Fatalf("durable positions %v, want D01 at 10 or more", durable)
	}
	b.batch(run("D01", today, 11, 10), run("D07", today, 100, 1))
	ack := b.await()
	if len(ack.Resends) != 0 || len(ack.Durable) != 2 || ack.Durable[0].Seq != 20 || ack.Durable[1].Seq != 100 {
		t.Errorf("answer is %v", ack)
	}
	if got := identities(t, records(t, addr, 21, kafka.TopicReading)); len(got) < 21 {
		t.Errorf("%d distinct readings, want 21", len(got))
	}
}

func TestGapOverlapAndResend(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), nil)
	a, _ := c.connect(&gantryv1.Hello{})
	a.batch(run("D01", today, 1, 5), run("D02", today, 3, 5), run("D03", today, 1, 1))
	ack := a.await()
	if len(ack.Resends) != 1 || ack.Resends[0].DeviceId != "D02" || ack.Resends[0].FromSeq != 1 ||
		ack.Resends[0].Reason != gantryv1.ResendReason_RESEND_REASON_GAP || len(ack.Rejects) != 0 {
		t.Errorf("a gap is answered by %v", ack)
	}
	a.batch(run("D02", today, 1, 7), run("D01", today, 4, 4))
	ack = a.await()
	if len(ack.Resends) != 0 || len(ack.Durable) != 2 || ack.Durable[0].Seq != 7 || ack.Durable[1].Seq != 7 {
		t.Errorf("going on is answered by %v", ack)
	}
	// Days ahead of tomorrow are put off, not refused.
	a.batch(run("D01", today+2, 1, 1), run("D01", today+1, 1, 1))
	ack = a.await()
	if len(ack.Resends) != 1 || ack.Resends[0].Reason != gantryv1.ResendReason_RESEND_REASON_EPOCH_AHEAD ||
		ack.Resends[0].AfterMs == 0 || len(ack.Durable) != 1 || len(ack.Rejects) != 0 {
		t.Errorf("a day ahead is answered by %v", ack)
	}
	// 5 + 1 + 7 + 2 (overlap skipped) + 1.
	if got := identities(t, records(t, addr, 16, kafka.TopicReading)); len(got) != 16 {
		t.Errorf("%d distinct readings, want 16", len(got))
	}
	b, _ := c.connect(&gantryv1.Hello{Resend: true})
	b.batch(run("D01", today, 1, 7))
	if ack := b.await(); len(ack.Durable) != 1 || ack.Durable[0].Seq != 7 {
		t.Errorf("a resend is answered by %v", ack)
	}
	records(t, addr, 23, kafka.TopicReading)
}

func TestTwoStreamsOfOneDevice(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), nil)
	a, _ := c.connect(&gantryv1.Hello{AgentId: "a"})
	b, _ := c.connect(&gantryv1.Hello{AgentId: "b"})
	for i := range 20 {
		a.batch(run("D01", today, uint64(1+10*i), 10))
		b.batch(run("D01", today, uint64(1+10*i), 10))
	}
	for _, x := range []*agent{a, b} {
		ack := x.await()
		if len(ack.Resends) != 0 || len(ack.Rejects) != 0 {
			t.Errorf("answers have %v and %v", ack.Resends, ack.Rejects)
		}
	}
	if d := c.positions.Durable("D01"); len(d) != 1 || d[0].Seq != 200 {
		t.Errorf("durable is %v, want 200", d)
	}
	got := identities(t, records(t, addr, 200, kafka.TopicReading))
	if len(got) != 200 {
		t.Errorf("%d distinct readings, want 200", len(got))
	}
}

func TestCheckpointsReachOtherCollectors(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), nil)
	a, _ := c.connect(&gantryv1.Hello{})
	bad := count(today, 1)
	bad.GetCounter().LengthCm = 1
	a.batch(&gantryv1.DeviceBatch{DeviceId: "D01", Epoch: epochOf(today), FirstSeq: 1, Readings: []*gantryv1.Reading{bad, count(today, 7)}})
	a.await()
	r := records(t, addr, 1, kafka.TopicPosition)[0]
	p := &gantryv1.Checkpoint{}
	if err := proto.Unmarshal(r.Value, p); err != nil {
		t.Fatal(err)
	}
	if p.GetPosition().GetSeq() != 2 || p.GetAgentId() != "agent" || p.Rejects[int32(gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD)] != 1 ||
		p.LastObservedAtUs != today*86400e6+7e6 || p.LastReceivedAtUs != noon.UnixMicro() || p.CollectorId == "" {
		t.Errorf("checkpoint is %v", p)
	}
	other := ingest.NewPositions(kafka.DefaultClientConfig(addr), 100, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = other.Run(ctx) }()
	<-other.Ready()
	if s := other.Device("D01"); len(s.Epochs) != 1 || s.Epochs[0].Seq != 2 || s.Rejects[gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD] != 1 {
		t.Errorf("another collector knows %+v", s)
	}
}

func TestDrain(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), nil)
	a, _ := c.connect(&gantryv1.Hello{})
	a.batch(run("D01", today, 1, 10))
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		done <- c.server.Drain(ctx)
	}()
	for drained, answered := false, false; !drained || !answered; {
		m, err := a.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		drained = drained || m.GetDrain() != nil
		answered = answered || m.GetAck().GetBatchNumber() == 1
	}
	_ = a.stream.CloseSend()
	if err := a.end(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := c.open().end(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a stream after Drain ended with %v", err)
	}
	records(t, addr, 1, kafka.TopicPosition)
}
