package dbt_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/sink"
	"github.com/gantry-dev/gantry/gantry-agent/truth"
)

// mirror brings networks into raw by the way that they always take: printed by
// `gantry-agent world network` with these arguments, checked and written to the
// network topic, and read from there by a sink. It gives what was printed.
func (w *warehouse) mirror(networks ...[]string) (printed [][]byte) {
	w.t.Helper()
	broker := kafkatest.Fake(w.t)
	client := kafkatest.Client(w.t, broker)
	for _, args := range networks {
		text := worldNetwork(w.t, args...)
		n, err := kafka.ParseNetwork("network.yaml", text)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := kafka.WriteNetwork(w.t.Context(), kafka.DefaultClientConfig(broker), n, kafka.WriteOptions{NewWorld: true}); err != nil {
			w.t.Fatal(err)
		}
		printed = append(printed, text)
	}
	key := platekey.New([16]byte([]byte("0123456789abcdef")))
	snk, err := sink.New(sink.DefaultConfig(kafka.DefaultClientConfig(broker), w.server.Config(clickhousetest.Collector), key),
		slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- snk.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			w.t.Error("sink ended:", err)
		}
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		lags, err := kadm.NewClient(client).Lag(ctx, kafka.GroupSinkNetwork)
		if err == nil {
			if lag, ok := lags[kafka.GroupSinkNetwork].Lag.TotalByTopic()[kafka.TopicNetwork]; ok && lag.Lag == 0 {
				return printed
			}
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the sink has not read all of the network topic: %v", err)
		}
	}
}

// worldNetwork is what `gantry-agent world network` prints.
func worldNetwork(t *testing.T, args ...string) []byte {
	t.Helper()
	var cli struct {
		World truth.Cmd `cmd:""`
	}
	var out bytes.Buffer
	k, err := kong.New(&cli, kong.Writers(&out, &out), kong.DefaultEnvars("GANTRY"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := k.Parse(append([]string{"world", "network"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	ctx.BindTo(t.Context(), (*context.Context)(nil))
	if err := ctx.Run(); err != nil {
		t.Fatalf("gantry-agent world network %v: %v", args, err)
	}
	return out.Bytes()
}
