package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// rawCodec sends bytes as they are and decodes as usual.
type rawCodec struct{}

// Marshal passes bytes on.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if b, ok := v.([]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	return encoding.GetCodecV2(protocodec.Name).Marshal(v)
}

// Unmarshal decodes messages.
func (rawCodec) Unmarshal(b mem.BufferSlice, v any) error {
	return encoding.GetCodecV2(protocodec.Name).Unmarshal(b, v)
}

// Name is the proto codec's.
func (rawCodec) Name() string { return protocodec.Name }

// message is an encoded batch.
type message struct {
	bytes    []byte
	readings int
}

// encode makes the batches of one stream: its devices in turn, each with
// consecutive readings.
func encode(devices []string, readings, perBatch int, day int64) ([]message, error) {
	next := make([]uint64, len(devices))
	var out []message
	for number := uint64(1); readings > 0; number++ {
		b := &gantryv1.Batch{Number: number}
		n := min(perBatch, readings)
		readings -= n
		for i, id := range devices {
			share := n / len(devices)
			if i < n%len(devices) {
				share++
			}
			if share == 0 {
				continue
			}
			d := &gantryv1.DeviceBatch{DeviceId: id, Epoch: uint32(day) << 17, FirstSeq: next[i] + 1}
			for range share {
				next[i]++
				d.Readings = append(d.Readings, benchReading(day, next[i]))
			}
			b.Devices = append(b.Devices, d)
		}
		raw, err := proto.Marshal(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Batch{Batch: b}})
		if err != nil {
			return nil, err
		}
		out = append(out, message{raw, n})
	}
	return out, nil
}

func benchReading(day int64, seq uint64) *gantryv1.Reading {
	return &gantryv1.Reading{
		ObservedAtUs: day*86400e6 + int64(seq)*50_000, Lane: uint32(1 + seq%4),
		Measurement: &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{
			VehicleClass: gantryv1.VehicleClass(1 + seq%6), LengthCm: uint32(400 + seq%500),
			OccupiedMs: uint32(200 + seq%300), HeadwayMs: uint32(1000 + seq%5000),
		}},
	}
}

// load is a stream under way. The window stands in for the agent's.
type load struct {
	stream grpc.BidiStreamingClient[gantryv1.ConnectRequest, gantryv1.ConnectResponse]
	window chan time.Time // when each batch in flight was sent
	took   []time.Duration
}

// dialIngest says Hello and waits for Welcome.
func dialIngest(ctx context.Context, conn *grpc.ClientConn, name string) (*load, error) {
	s, err := gantryv1.NewIngestServiceClient(conn).Connect(ctx, grpc.ForceCodecV2(rawCodec{}))
	if err != nil {
		return nil, err
	}
	hello := &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{AgentId: name}}}
	if err := s.Send(hello); err != nil {
		return nil, err
	}
	m, err := s.Recv()
	if err != nil {
		return nil, err
	}
	return &load{stream: s, window: make(chan time.Time, m.GetWelcome().GetFlow().GetLive().GetBatches())}, nil
}

// send sends all messages, at most perSecond readings a second if it is not
// 0, and waits until all are answered.
func (l *load) send(ctx context.Context, messages []message, perSecond float64) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return l.receive(uint64(len(messages))) })
	g.Go(func() error {
		began, sent := time.Now(), 0
		for _, m := range messages {
			if perSecond > 0 {
				due := began.Add(time.Duration(float64(sent) / perSecond * float64(time.Second)))
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Until(due)):
				}
			}
			select {
			case l.window <- time.Now():
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := l.stream.SendMsg(m.bytes); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			sent += m.readings
		}
		return l.stream.CloseSend()
	})
	return g.Wait()
}

func (l *load) receive(last uint64) error {
	for answered := uint64(0); answered < last; {
		m, err := l.stream.Recv()
		if err != nil {
			return err
		}
		a := m.GetAck()
		if len(a.GetRejects()) > 0 || len(a.GetResends()) > 0 {
			return fmt.Errorf("readings were refused: %v %v", a.GetRejects(), a.GetResends())
		}
		for ; answered < a.GetBatchNumber(); answered++ {
			l.took = append(l.took, time.Since(<-l.window))
		}
	}
	return nil
}

// measureIngest runs broker and collector as children and loads them.
func (s *settings) measureIngest(ctx context.Context) ([]figure, error) {
	say("measuring ingest alone, %d readings", s.Readings)
	brokers := strings.Join(s.Brokers, ",")
	if brokers == "" {
		b, err := startChild(ctx, "--role=broker")
		if err != nil {
			return nil, err
		}
		defer b.stop()
		brokers = b.addr
	}
	day := time.Now().Unix() / 86400
	work := make([][]message, s.Streams)
	for i := range work {
		var devices []string
		for d := i; d < s.Devices; d += s.Streams {
			devices = append(devices, deviceName(d))
		}
		var err error
		if work[i], err = encode(devices, s.Readings/s.Streams, s.Batch, day); err != nil {
			return nil, err
		}
	}
	c, err := startChild(ctx, "--role=collector", "--brokers="+brokers, fmt.Sprintf("--devices=%d", s.Devices))
	if err != nil {
		return nil, err
	}
	took, elapsed, err := s.loadAll(ctx, c.addr, work)
	cpu, rss := c.stop()
	if err != nil {
		return nil, err
	}
	return s.figures(took, elapsed, cpu, rss), nil
}

func (s *settings) loadAll(ctx context.Context, addr string, work [][]message) ([]time.Duration, time.Duration, error) {
	loads := make([]*load, len(work))
	var conns []*grpc.ClientConn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for i := range loads {
		// A connection each, as agents have.
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, 0, err
		}
		conns = append(conns, conn)
		if loads[i], err = dialIngest(ctx, conn, fmt.Sprintf("bench-%d", i)); err != nil {
			return nil, 0, err
		}
	}
	began := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for i, l := range loads {
		g.Go(func() error { return l.send(ctx, work[i], float64(s.Rate)/float64(len(loads))) })
	}
	err := g.Wait()
	elapsed := time.Since(began)
	var took []time.Duration
	for _, l := range loads {
		took = append(took, l.took...)
	}
	slices.Sort(took)
	return took, elapsed, err
}

func (s *settings) figures(took []time.Duration, elapsed, cpu time.Duration, rss int64) []figure {
	readings := float64(s.Readings / s.Streams * s.Streams)
	note := fmt.Sprintf("ingest alone, %d streams, %d devices, batches of %d, %.0f readings/s", s.Streams, s.Devices, s.Batch, readings/elapsed.Seconds())
	const msPerS = 1e3
	return []figure{
		{"ingest_readings_per_s", readings / elapsed.Seconds(), "1/s", note},
		{"ingest_cpu_us_per_reading", float64(cpu.Microseconds()) / readings, "µs", note},
		{"ingest_ack_p50_ms", percentile(took, 0.50).Seconds() * msPerS, "ms", note},
		{"ingest_ack_p99_ms", percentile(took, 0.99).Seconds() * msPerS, "ms", note},
		{"ingest_peak_rss_mib", float64(rss) / (1 << 20), "MiB", note},
	}
}
