package kafka_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
)

// TestBrokers holds what the collector builds on, against both brokers: the
// fake is only of use as long as it answers as the real one does.
func TestBrokers(t *testing.T) {
	kafkatest.Both(t, func(t *testing.T, broker string) {
		client := kafkatest.Client(t, broker)
		t.Run("topics", func(t *testing.T) { checkTopics(t, client) })
		t.Run("produce and consume", func(t *testing.T) { checkProduceConsume(t, broker) })
		t.Run("fencing", func(t *testing.T) { checkFencing(t, broker) })
		t.Run("network", func(t *testing.T) { checkNetwork(t, broker) })
	})
}

func checkTopics(t *testing.T, client *kgo.Client) {
	if err := kafka.EnsureTopics(t.Context(), client, 1); err != nil {
		t.Fatalf("a second time: %v", err)
	}
	admin := kadm.NewClient(client)
	for _, want := range kafka.Topics() {
		if got := partitions(t, admin, want.Name); got != int(want.Partitions) {
			t.Errorf("%s has %d partitions, want %d", want.Name, got, want.Partitions)
		}
		configs, err := admin.DescribeTopicConfigs(t.Context(), want.Name)
		if err != nil {
			t.Fatal(err)
		}
		policy := "delete"
		if want.Compact {
			policy = "compact"
		}
		for _, c := range configs[0].Configs {
			if c.Key == "cleanup.policy" && c.MaybeValue() != policy {
				t.Errorf("%s has cleanup.policy %s, want %s", want.Name, c.MaybeValue(), policy)
			}
		}
	}
}

// partitions counts the partitions of a topic once the broker knows it: Apache
// Kafka's controller answers a creation before the brokers have heard of it.
func partitions(t *testing.T, admin *kadm.Client, topic string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		details, err := admin.ListTopics(ctx, topic)
		if err != nil {
			t.Fatalf("the broker does not know %s: %v", topic, err)
		}
		if n := len(details[topic].Partitions); n > 0 {
			return n
		}
		<-time.After(20 * time.Millisecond)
	}
}

func checkProduceConsume(t *testing.T, broker string) {
	client := kafkatest.Client(t, broker, kgo.ConsumeTopics(kafka.TopicReading))
	const n = 500
	for i := range n {
		id := []byte{'d', byte('0' + i%7)}
		value := kafka.AppendIdentity(nil, id, 1, uint64(i+1))
		client.Produce(t.Context(), &kgo.Record{Topic: kafka.TopicReading, Key: id, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, seen := map[string]uint64{}, 0
	for seen < n {
		client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			var reading kafka.Reading
			if err := reading.Parse(r.Value); err != nil {
				t.Fatal(err)
			}
			if reading.Seq <= last[string(r.Key)] {
				t.Errorf("%s: %d came after %d", r.Key, reading.Seq, last[string(r.Key)])
			}
			last[string(r.Key)] = reading.Seq
			seen++
		})
	}
}

// checkFencing: the lease decider's transactional id must shut out whoever
// held it before, and what that one had open must never be read.
func checkFencing(t *testing.T, broker string) {
	transactional := func() *kgo.Client {
		return kafkatest.Client(t, broker, kgo.TransactionalID("gantry-test-0"), kgo.TransactionTimeout(30*time.Second))
	}
	record := func(v string) *kgo.Record {
		return &kgo.Record{Topic: kafka.TopicLease, Key: []byte("device/fencing"), Value: []byte(v)}
	}
	old, fresh := transactional(), transactional()
	if err := old.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := old.ProduceSync(t.Context(), record("old")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := fresh.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := fresh.ProduceSync(t.Context(), record("fresh")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := fresh.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	err := old.EndTransaction(t.Context(), kgo.TryCommit)
	if !errors.Is(err, kerr.ProducerFenced) && !errors.Is(err, kerr.InvalidProducerEpoch) {
		t.Errorf("the old holder's commit: %v, want it fenced", err)
	}
	reader := kafkatest.Client(t, broker, kgo.ConsumeTopics(kafka.TopicLease))
	fetches := reader.PollFetches(t.Context())
	if got := string(fetches.Records()[0].Value); got != "fresh" {
		t.Errorf("read %q first, want only what was committed", got)
	}
}
