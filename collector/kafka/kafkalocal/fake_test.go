package kafkalocal_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
)

// TestFakeKeepsWhatItAcknowledged across a restart, at the same address.
func TestFakeKeepsWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	addr, stop := kafkatest.FakeAt(t, "127.0.0.1:0", dir)
	client := kafkatest.Client(t, addr)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.TopicReading, Key: []byte("d"), Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	stop()
	kafkatest.FakeAt(t, addr, dir)
	reader := kafkatest.Client(t, addr, kgo.ConsumeTopics(kafka.TopicReading))
	if got := reader.PollFetches(t.Context()).Records(); len(got) != 1 || string(got[0].Value) != "v" {
		t.Errorf("after a restart the topic holds %v", got)
	}
}

func TestTwoBrokersInOneFolder(t *testing.T) {
	dir := t.TempDir()
	kafkatest.FakeAt(t, "127.0.0.1:0", dir)
	err := kafkalocal.RunFake(t.Context(), kafkalocal.FakeConfig{Addr: "127.0.0.1:0", Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "another broker runs on "+dir) {
		t.Errorf("got %v", err)
	}
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	addr := l.Addr().String()
	for name, err := range map[string]error{
		"fake":   kafkalocal.RunFake(context.Background(), kafkalocal.FakeConfig{Addr: addr, Dir: t.TempDir()}),
		"apache": kafkalocal.RunApache(context.Background(), kafkalocal.ApacheConfig{Addr: addr, Dir: t.TempDir()}),
	} {
		if err == nil || !strings.Contains(err.Error(), addr+" is taken by another program") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestApacheKeepsItsFolder stops the real broker in good order and starts it
// again where it was.
func TestApacheKeepsItsFolder(t *testing.T) {
	dir := t.TempDir()
	addr, stop := kafkatest.ApacheAt(t, "127.0.0.1:0", dir)
	client := kafkatest.Client(t, addr)
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.TopicReading, Key: []byte("d"), Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	stop()
	kafkatest.ApacheAt(t, addr, dir)
	reader := kafkatest.Client(t, addr, kgo.ConsumeTopics(kafka.TopicReading))
	if got := reader.PollFetches(t.Context()).Records(); len(got) != 1 {
		t.Errorf("after a restart the topic holds %v", got)
	}
}
