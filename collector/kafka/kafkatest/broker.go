package kafkatest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
)

// Fake starts a fake broker in memory and returns its address.
func Fake(t testing.TB) string {
	t.Helper()
	return FakeCluster(t).ListenAddrs()[0]
}

// FakeCluster is Fake with the broker itself, for injecting faults and
// compacting on demand.
func FakeCluster(t testing.TB) *kfake.Cluster {
	t.Helper()
	c, err := kafkalocal.NewFake(kafkalocal.FakeConfig{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// FakeAt starts a fake broker at addr (port 0 for a free one) with its data in
// dir. The function it returns stops it before the test ends; start again with
// the same arguments to go on.
func FakeAt(t testing.TB, addr, dir string) (address string, stop func()) {
	t.Helper()
	return run(t, func(ctx context.Context, ready func(string)) error {
		return kafkalocal.RunFake(ctx, kafkalocal.FakeConfig{
			Addr: addr, Dir: dir, Ready: ready, Log: slog.New(slog.DiscardHandler),
		})
	})
}

// Apache starts a real Apache Kafka broker and returns its address. It takes
// about five seconds, and the first time ever a download.
func Apache(t testing.TB) string {
	t.Helper()
	addr, _ := ApacheAt(t, "127.0.0.1:0", t.TempDir())
	return addr
}

// ApacheAt is Apache at an address and with its data in dir; see FakeAt.
func ApacheAt(t testing.TB, addr, dir string) (address string, stop func()) {
	t.Helper()
	libs, err := kafkalocal.EnsureApache(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return run(t, func(ctx context.Context, ready func(string)) error {
		return kafkalocal.RunApache(ctx, kafkalocal.ApacheConfig{
			Addr: addr, Dir: dir, Libs: libs, Ready: ready, Log: slog.New(slog.DiscardHandler),
		})
	})
}

// ApacheSecured is Apache with TLS and SCRAM-SHA-512 for one user; the
// certificate must be of 127.0.0.1.
func ApacheSecured(t testing.TB, certFile, keyFile, user, password string) string {
	t.Helper()
	libs, err := kafkalocal.EnsureApache(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	secured := &kafkalocal.SecuredListener{Addr: addr, CertFile: certFile, KeyFile: keyFile, User: user, Password: password}
	run(t, func(ctx context.Context, ready func(string)) error {
		return kafkalocal.RunApache(ctx, kafkalocal.ApacheConfig{
			Addr: "127.0.0.1:0", Dir: t.TempDir(), Libs: libs, Secured: secured, Ready: ready, Log: slog.New(slog.DiscardHandler),
		})
	})
	return addr
}

// Both runs the test against the fake and against Apache Kafka.
func Both(t *testing.T, test func(t *testing.T, broker string)) {
	t.Helper()
	t.Run("fake", func(t *testing.T) { test(t, Fake(t)) })
	t.Run("apache", func(t *testing.T) { test(t, Apache(t)) })
}

// Client makes a client of the broker that is closed when the test ends, with
// all of Gantry's topics in place.
func Client(t testing.TB, broker string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kafka.NewClient(kafka.DefaultClientConfig(broker), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := kafka.EnsureTopics(t.Context(), client, 1); err != nil {
		t.Fatal(err)
	}
	return client
}

// run starts a broker that blocks and waits until it is up.
func run(t testing.TB, serve func(context.Context, func(string)) error) (string, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	up, down := make(chan string, 1), make(chan error, 1)
	go func() { down <- serve(ctx, func(addr string) { up <- addr }) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	select {
	case addr := <-up:
		return addr, stop
	case err := <-down:
		down <- nil
		t.Fatal(err)
	case <-time.After(time.Minute):
		t.Fatal("the broker did not come up within a minute")
	}
	return "", stop
}
