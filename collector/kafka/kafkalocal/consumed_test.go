package kafkalocal_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
)

// TestOnlyConsumedRecordsAreDeleted to keep to the bound, however much there
// is above it.
func TestOnlyConsumedRecordsAreDeleted(t *testing.T) {
	const records, size, kept = 1000, 1000, 100_000
	up, down := make(chan string, 1), make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer func() {
		stop()
		if err := <-down; err != nil {
			t.Error(err)
		}
	}()
	go func() {
		down <- kafkalocal.RunFake(ctx, kafkalocal.FakeConfig{
			Addr: "127.0.0.1:0", Dir: t.TempDir(), CleanEvery: 10 * time.Millisecond,
			RetentionBytes: kept, Consumers: map[string]string{kafka.TopicReading: "sink"},
			Ready: func(addr string) { up <- addr }, Log: slog.New(slog.DiscardHandler),
		})
	}()
	addr := <-up
	client := kafkatest.Client(t, addr, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	admin := kadm.NewClient(client)
	for range records {
		r := &kgo.Record{Topic: kafka.TopicReading, Partition: 2, Value: make([]byte, size)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	start := func() int64 {
		offsets, err := admin.ListStartOffsets(t.Context(), kafka.TopicReading)
		if err != nil {
			t.Fatal(err)
		}
		o, _ := offsets.Lookup(kafka.TopicReading, 2)
		return o.Offset
	}
	commit := func(group string, at int64) {
		if err := admin.CommitAllOffsets(t.Context(), group, kadm.OffsetsFromRecords(kgo.Record{Topic: kafka.TopicReading, Partition: 2, Offset: at - 1})); err != nil {
			t.Fatal(err)
		}
	}
	// awaitStart waits for the start, and for some rounds of cleaning more.
	awaitStart := func(from, to int64) {
		t.Helper()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		deadline := time.After(20 * time.Second)
		for calm := 0; calm < 20; {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("the partition begins at %d, want %d to %d", start(), from, to)
			}
			switch at := start(); {
			case at > to:
				t.Fatalf("the partition begins at %d: record %d was not consumed, or is within the bound", at, to)
			case at >= from:
				calm++
			}
		}
	}
	awaitStart(0, 0) // Nobody has consumed anything.
	commit("another", records)
	awaitStart(0, 0)
	commit("sink", 300)
	awaitStart(300, 300)
	commit("sink", records)
	awaitStart(records-kept/size, records-kept/size+20) // A batch has a head, too.
}
