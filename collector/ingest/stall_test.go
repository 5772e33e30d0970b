package ingest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// stall holds all produce requests of a broker until the function it returns
// is called.
func stall(c *kfake.Cluster) (resume func()) {
	held := make(chan struct{})
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-held })
		return nil, nil, false
	})
	return sync.OnceFunc(func() { close(held) })
}

// gauge reads a metric without labels.
func gauge(t testing.TB, r prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// With Kafka stalled an agent is stopped by flow control, what the collector
// holds stays within its credit, and nothing is lost when Kafka is back.
func TestStalledKafkaPushesBack(t *testing.T) {
	addr, cluster := broker(t)
	metrics := prometheus.NewRegistry()
	c := start(t, addr, network(""), func(c *ingest.Config) {
		c.Metrics, c.BufferedRecords, c.MaxInFlightBytes = metrics, 2000, 256<<10
		c.Silence = time.Minute
	})
	resume := stall(cluster)
	defer resume()
	a, _ := c.connect(&gantryv1.Hello{})
	const batches, each = 600, 500
	sent := make(chan int, batches)
	go func() {
		for i := range batches {
			a.batch(run("D01", today, uint64(1+i*each), each))
			sent <- i
		}
		close(sent)
	}()
	// The sender stands still when nothing has gone for half a second.
	stopped := 0
	for standing := false; !standing; {
		select {
		case i, ok := <-sent:
			if !ok {
				t.Fatal("all batches could be sent while Kafka was stalled")
			}
			stopped = i + 1
		case <-time.After(500 * time.Millisecond):
			standing = true
		}
	}
	if n := gauge(t, metrics, "gantry_ingest_credit_used_records"); n > 2000 || n < 500 {
		t.Errorf("%g records are held, want 500 to 2000", n)
	}
	if stopped > batches/2 {
		t.Errorf("%d of %d batches went out while Kafka was stalled", stopped, batches)
	}
	resume()
	for a.ack.BatchNumber < batches {
		m, err := a.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		a.ack.BatchNumber = max(a.ack.BatchNumber, m.GetAck().GetBatchNumber())
	}
	if d := c.positions.Durable("D01"); d[0].Seq != batches*each {
		t.Errorf("durable is %v, want %d", d, batches*each)
	}
	if n := gauge(t, metrics, "gantry_ingest_credit_used_records"); n != 0 {
		t.Errorf("%g records are held at the end", n)
	}
}

// A batch that Kafka refuses ends its stream; the agent sends it again.
func TestRefusedBatchEndsTheStream(t *testing.T) {
	addr, cluster := broker(t)
	c := start(t, addr, network(""), nil)
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		req := r.(*kmsg.ProduceRequest)
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.InvalidRecord.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	a, _ := c.connect(&gantryv1.Hello{})
	a.batch(run("D01", today, 1, 10))
	if err := a.end(); status.Code(err) != codes.Unavailable {
		t.Fatalf("the stream ended with %v, want Unavailable", err)
	}
	if d := c.positions.Durable("D01"); len(d) != 0 {
		t.Fatalf("durable is %v, want nothing", d)
	}
	b, _ := c.connect(&gantryv1.Hello{})
	b.batch(run("D01", today, 1, 10))
	if ack := b.await(); len(ack.Durable) != 1 || ack.Durable[0].Seq != 10 {
		t.Errorf("sent again, the answer is %v", ack)
	}
	if got := identities(t, records(t, addr, 10, kafka.TopicReading)); len(got) != 10 {
		t.Errorf("%d readings, want 10", len(got))
	}
}

func TestSilentAgentIsDropped(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), func(c *ingest.Config) {
		c.Heartbeat, c.Silence, c.HelloTimeout = 20*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	})
	a, _ := c.connect(&gantryv1.Hello{})
	if err := a.end(); status.Code(err) != codes.Unavailable {
		t.Errorf("a silent stream ended with %v, want Unavailable", err)
	}
	if err := c.open().end(); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a stream without Hello ended with %v, want DeadlineExceeded", err)
	}
}

func TestTooManyStreamsAndOldOnes(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), func(c *ingest.Config) { c.MaxStreams, c.MaxStreamAge, c.DrainGrace = 1, time.Second, time.Second })
	a, _ := c.connect(&gantryv1.Hello{})
	if err := c.open().end(); status.Code(err) != codes.Unavailable {
		t.Errorf("one stream too many ended with %v", err)
	}
	for {
		m, err := a.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if d := m.GetDrain(); d != nil {
			if d.Reason == "" || d.ReconnectAfterMs == 0 {
				t.Errorf("Drain is %v", d)
			}
			break
		}
	}
	if err := a.end(); status.Code(err) != codes.Unavailable {
		t.Errorf("a stream that ignores Drain ended with %v", err)
	}
}

// Backfill pauses while the sink is far behind and goes on when it is not.
func TestBackfillPausesWhileTheSinkIsBehind(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), func(c *ingest.Config) { c.BackfillLag, c.LagInterval = 100, 10*time.Millisecond })
	a, w := c.connect(&gantryv1.Hello{})
	a.lane(true, run("D01", today-1, 1, 200))
	paused := w.GetFlow().GetBackfill().GetBatches() == 0
	for !paused {
		m, err := a.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		f := m.GetFlow()
		paused = f != nil && f.GetBackfill().GetBatches() == 0 && f.GetLive().GetBatches() > 0
	}
	commit(t, addr, kafka.GroupSinkBackfill, kafka.TopicBackfill)
	for {
		m, err := a.stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetFlow().GetBackfill().GetBatches() > 1 {
			break
		}
	}
}
