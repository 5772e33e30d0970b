package conformance

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// client is a device's program with at most one fault, named after the
// requirement that it breaks. It makes a reading every tenth of a second.
type client struct {
	fault  string
	ingest gantryv1.IngestServiceClient

	made, durable, sent uint64 // positions of the epoch
	told                uint64 // what an Ack named
	ended               atomic.Bool
	connects            int

	// Of a stream.
	stream    gantryv1.IngestService_ConnectClient
	welcomed  bool
	carried   bool
	stopped   bool // sends nothing more
	closed    bool
	number    uint64
	flight    []uint64 // last positions of batches under way
	window    *gantryv1.Window
	heldUntil time.Time
	reconnect time.Duration
	spokeAt   time.Time
	heardAt   time.Time
	stuck     bool
	badly     bool // the fault was done once
}

const (
	device  = "counter-1"
	epoch   = uint32(20_600 << 17)
	tenth   = 100 * time.Millisecond
	perhaps = 60 // bytes of a reading in a batch, roughly
)

// dial makes a client over a listener in memory.
func dial(connect func(context.Context) (net.Conn, error)) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///memory", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return connect(ctx) }),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second}))
}

// run connects until the context ends.
func (c *client) run(ctx context.Context) {
	pause := 200 * time.Millisecond
	for ctx.Err() == nil {
		c.reconnect = 0
		if err := c.session(ctx); c.fault == reqGoAway && status.Convert(err).Message() == stops {
			return
		}
		if c.welcomed {
			pause = 200 * time.Millisecond
		}
		wait := max(pause, c.reconnect)
		switch c.fault {
		case reqBackoff:
			wait = 0
		case reqReconnect:
			wait = pause
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		pause = min(2*pause, 3*time.Second)
	}
}

// session is one stream; it says how the collector ended it.
func (c *client) session(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	c.connects++
	c.welcomed, c.carried, c.stopped, c.closed, c.number, c.flight, c.heldUntil = false, false, false, false, 0, nil, time.Time{}
	var err error
	if c.stream, err = c.ingest.Connect(ctx); err != nil {
		return err
	}
	c.hello()
	in, ended := make(chan *gantryv1.ConnectResponse), make(chan error, 1)
	go func() {
		for {
			m, err := c.stream.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case in <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	c.heardAt, c.spokeAt = time.Now(), time.Now()
	tick := time.NewTicker(tenth)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case m := <-in:
			c.heardAt = time.Now()
			c.take(m)
		case <-tick.C:
			if !c.ended.Load() {
				c.made++
			}
			c.send()
			if time.Since(c.heardAt) > 3*time.Second && c.fault != reqSilence {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *client) say(m *gantryv1.ConnectRequest) {
	c.spokeAt = time.Now()
	_ = c.stream.Send(m)
}

func (c *client) hello() {
	h := &gantryv1.Hello{AgentId: "client", StaticDevices: []string{device}}
	if c.fault == reqHello && c.connects > 1 {
		h.AgentId = "another"
	}
	claim := c.told
	switch c.fault {
	case reqClaim:
		claim = 0
	case reqHonest:
		claim = c.sent
	}
	if claim > 0 {
		h.Acknowledged = []*gantryv1.Position{{DeviceId: device, Epoch: epoch, Seq: claim}}
	}
	c.say(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: h}})
	if c.fault == reqWelcome && c.connects == 1 {
		c.say(c.batch(1, 1))
	}
}

func (c *client) take(m *gantryv1.ConnectResponse) {
	switch m := m.GetMessage().(type) {
	case *gantryv1.ConnectResponse_Welcome:
		c.welcomed, c.window = true, m.Welcome.GetFlow().GetLive()
		c.lease(m.Welcome.GetLease(), c.fault == reqResume && c.connects > 1)
	case *gantryv1.ConnectResponse_Lease:
		c.lease(m.Lease, c.fault == reqGranted)
	case *gantryv1.ConnectResponse_Flow:
		c.window = m.Flow.GetLive()
	case *gantryv1.ConnectResponse_Drain:
		c.reconnect = time.Duration(m.Drain.GetReconnectAfterMs()) * time.Millisecond
		c.stopped = c.fault != reqDrain
		if c.fault == reqDrainWaits {
			c.flight = nil
		}
	case *gantryv1.ConnectResponse_Ack:
		c.ack(m.Ack)
	}
}

func (c *client) lease(l *gantryv1.Lease, skip bool) {
	if len(l.GetRevoked()) > 0 && c.fault != reqRevoked {
		c.carried = false
	}
	for _, g := range l.GetGranted() {
		c.carried = true
		at := uint64(0)
		for _, p := range g.GetDurable() {
			at = p.GetSeq()
		}
		// What was acknowledged is forgotten.
		c.durable = max(c.durable, at)
		if c.fault == reqRevoked && len(c.flight) > 0 {
			continue
		}
		c.sent = c.durable
		if skip {
			c.sent++
		}
	}
}

func (c *client) ack(a *gantryv1.Ack) {
	if c.fault == reqLate && len(c.flight) > 1 && a.GetBatchNumber() == c.number {
		c.stuck = true // it waits for an Ack for each of them
	}
	for len(c.flight) > 0 && c.number-uint64(len(c.flight)) < a.GetBatchNumber() {
		c.flight = c.flight[1:]
	}
	for _, p := range a.GetDurable() {
		c.durable, c.told = p.GetSeq(), p.GetSeq()
		c.sent = max(c.sent, c.durable)
	}
	for _, r := range a.GetRejects() {
		if c.fault == reqReject {
			c.say(c.batch(r.GetSeq(), 1))
		}
	}
	for _, r := range a.GetResends() {
		if c.fault == reqResend {
			continue
		}
		c.sent = r.GetFromSeq() - 1
		if c.fault != reqResendLater {
			c.heldUntil = time.Now().Add(time.Duration(r.GetAfterMs()) * time.Millisecond)
		}
	}
}

// send sends what there is and the window allows.
func (c *client) send() {
	if !c.welcomed || c.closed {
		return
	}
	if c.ended.Load() && c.durable > c.made || c.stopped && len(c.flight) == 0 {
		c.closed = true
		_ = c.stream.CloseSend()
		return
	}
	last := c.made
	if c.ended.Load() {
		last++
	}
	for n := min(last-min(c.sent, last), 200); n > 0 && c.room(n); n = min(last-min(c.sent, last), 200) {
		c.say(c.batch(c.sent+1, n))
	}
	if time.Since(c.spokeAt) >= time.Second && c.fault != reqHeartbeat {
		c.say(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Heartbeat{Heartbeat: &gantryv1.Heartbeat{}}})
	}
}

func (c *client) room(n uint64) bool {
	if !c.carried || c.stopped || c.stuck || time.Now().Before(c.heldUntil) {
		return false
	}
	batches, bytes := c.window.GetBatches(), c.window.GetBytes()
	switch {
	case c.fault == reqPause && batches == 0, c.fault == reqWindow:
		batches = 1000
	case c.fault == reqWindowBytes:
		bytes = 1 << 20
	}
	if len(c.flight) >= int(batches) {
		return false
	}
	return len(c.flight) == 0 || (uint64(len(c.flight))+n)*perhaps <= bytes
}

// batch makes a batch of n readings and counts it as under way.
func (c *client) batch(first, n uint64) *gantryv1.ConnectRequest {
	once := func(fault string) bool {
		if c.fault != fault || c.badly || c.number < 3 {
			return false
		}
		c.badly = true
		return true
	}
	if once(reqPositions) {
		first++
	}
	if once(reqLimits) {
		n = 201
	}
	d := &gantryv1.DeviceBatch{DeviceId: device, Epoch: epoch, FirstSeq: first}
	for seq := first; seq < first+n; seq++ {
		d.Readings = append(d.Readings, c.reading(seq))
	}
	if once(reqAcceptable) {
		d.Readings[0].Lane = 9
	}
	if once(reqLeased) {
		d.DeviceId = "toll-1"
	}
	c.number++
	if once(reqNumbers) {
		c.number++
	}
	c.sent = max(c.sent, first+n-1)
	c.flight = append(c.flight, first+n-1)
	return &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Batch{Batch: &gantryv1.Batch{Number: c.number, Devices: []*gantryv1.DeviceBatch{d}}}}
}

// reading is what the instrument said, or the end of the epoch.
func (c *client) reading(seq uint64) *gantryv1.Reading {
	if c.ended.Load() && seq == c.made+1 {
		last := c.made
		if c.fault == reqEnd {
			last++
		}
		return &gantryv1.Reading{Measurement: &gantryv1.Reading_EpochEnd{EpochEnd: &gantryv1.EpochEnd{LastSeq: last}}}
	}
	at := int64(epoch>>17)*86_400_000_000 + int64(seq)*100_000
	if c.fault == reqBytes {
		at += time.Now().UnixMicro() % 1000_000
	}
	return &gantryv1.Reading{ObservedAtUs: at, Lane: 1, Measurement: &gantryv1.Reading_Counter{
		Counter: &gantryv1.CounterReading{VehicleClass: 1, LengthCm: 430, OccupiedMs: 200},
	}}
}
