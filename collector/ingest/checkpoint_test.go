package ingest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Readings go on for as long as checkpoints are written, and more come: the
// writing must end all the same.
func TestCheckpointsEndWhileReadingsGoOn(t *testing.T) {
	addr, cluster := broker(t)
	c := start(t, addr, network(""), func(c *ingest.Config) { c.CheckpointInterval = time.Hour })
	a, _ := c.connect(&gantryv1.Hello{})
	next := uint64(1)
	more := func() {
		a.batch(run("D01", today, next, 10))
		next += 10
		a.await()
	}
	more()
	writes := 0
	onProduce(cluster, kafka.TopicPosition, func() {
		if writes++; writes <= 50 {
			more()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.server.FlushCheckpoints(ctx); err != nil {
		t.Fatal(err)
	}
	if writes != 1 {
		t.Errorf("positions were written %d times, want once", writes)
	}
	if at := checkpointed(t, addr, 1); at[0] != 10 {
		t.Errorf("checkpoint is at %d, want the 10 that were durable when it was asked for", at[0])
	}
}

// History that Kafka is slow to take holds no checkpoint up.
func TestCheckpointsPassReadings(t *testing.T) {
	addr, cluster := broker(t)
	c := start(t, addr, network(""), func(c *ingest.Config) { c.CheckpointInterval = time.Hour })
	a, _ := c.connect(&gantryv1.Hello{})
	a.batch(run("D01", today, 1, 10))
	a.await()
	held, stalled := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	defer release()
	stall := sync.OnceFunc(func() { close(stalled) })
	onProduce(cluster, kafka.TopicBackfill, func() { stall(); <-held })
	a.lane(true, run("D01", today-1, 1, 100))
	<-stalled
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.server.FlushCheckpoints(ctx); err != nil {
		t.Fatal(err)
	}
	release()
	a.await()
	if err := c.server.FlushCheckpoints(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := checkpointed(t, addr, 2); !slices.Equal(at, []uint64{10, 100}) {
		t.Errorf("checkpoints are %v, want 10 and 100", at)
	}
}

// onProduce calls do, beside the broker's loop, for each produce request that
// has records of the topic, and lets it go on when do returns.
func onProduce(c *kfake.Cluster, topic string, do func()) {
	id := c.TopicInfo(topic).TopicID
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if slices.ContainsFunc(r.(*kmsg.ProduceRequest).Topics, func(t kmsg.ProduceRequestTopic) bool { return t.TopicID == id || t.Topic == topic }) {
			c.SleepControl(do)
		}
		return nil, nil, false
	})
}

// checkpointed gives the positions of the first n records of the topic.
func checkpointed(t *testing.T, addr string, n int) []uint64 {
	t.Helper()
	var out []uint64
	for _, r := range records(t, addr, n, kafka.TopicPosition) {
		c := &gantryv1.Checkpoint{}
		if err := proto.Unmarshal(r.Value, c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c.GetPosition().GetSeq())
	}
	return out
}
