package kafkalocal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// FakeConfig has the settings of the fake broker.
type FakeConfig struct {
	// Addr to listen on, host:port; port 0 takes a free one.
	Addr string
	// Dir holds everything; empty keeps it in memory.
	Dir string
	// NoSync leaves syncing to the operating system: faster, and still safe
	// against kill -9 of the process, but not against loss of power.
	NoSync bool
	// RetentionBytes bounds each partition of uncompacted topics; 0 keeps all
	// that retention.ms of the topic keeps.
	RetentionBytes int64
	// DefaultPartitions of a topic whose creator names none; 0 takes 6.
	DefaultPartitions int
	// CleanEvery is the time between compactions; 0 takes a minute.
	CleanEvery time.Duration
	// Ready is told the address once clients are answered; may be nil.
	Ready func(addr string)
	// Log gets what the broker has to say; nil takes the default logger.
	Log *slog.Logger
}

// NewFake starts a fake broker in this process; Close stops it. Clean-up is
// the caller's: see RunFake. An empty Dir keeps everything in memory.
func NewFake(cfg FakeConfig) (*kfake.Cluster, error) {
	partitions := cfg.DefaultPartitions
	if partitions == 0 {
		partitions = 6
	}
	broker := map[string]string{
		"default.replication.factor": "1",
		"min.insync.replicas":        "1",
		// Transactions of a decider that died must not block readers long.
		"transaction.max.timeout.ms": "60000",
	}
	if cfg.RetentionBytes > 0 {
		broker["log.retention.bytes"] = strconv.FormatInt(cfg.RetentionBytes, 10)
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("gantry-fake"),
		kfake.DefaultNumPartitions(partitions),
		kfake.BrokerConfigs(broker),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, cfg.Addr) }),
	}
	if cfg.Dir != "" {
		opts = append(opts, kfake.DataDir(cfg.Dir))
		if !cfg.NoSync {
			opts = append(opts, kfake.SyncWrites())
		}
	}
	cluster, err := kfake.NewCluster(opts...)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the Kafka address %s is taken by another program: stop that one or choose another port", cfg.Addr)
	}
	if err != nil {
		return nil, fmt.Errorf("start the fake Kafka broker on %s with data in %q: %w", cfg.Addr, cfg.Dir, err)
	}
	return cluster, nil
}

// RunFake serves until the context ends. Dir must be given and belongs to
// this process alone meanwhile.
func RunFake(ctx context.Context, cfg FakeConfig) error {
	if cfg.Dir == "" {
		return errors.New("the fake Kafka broker needs a folder for its data")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	unlock, err := lockDir(cfg.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	cfg.Dir = filepath.Join(cfg.Dir, "data")
	began := time.Now()
	cluster, err := NewFake(cfg)
	if err != nil {
		return err
	}
	defer cluster.Close()
	addr := cluster.ListenAddrs()[0]
	cfg.Log.Info("fake Kafka broker is up", "addr", addr, "dir", cfg.Dir, "load_ms", time.Since(began).Milliseconds())
	if cfg.Ready != nil {
		cfg.Ready(addr)
	}
	every := cfg.CleanEvery
	if every == 0 {
		every = time.Minute
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			// Compact applies retention too. kfake itself would do both once
			// an hour, which no test and few developers would ever see.
			cluster.Compact()
		}
	}
}

// lockDir makes dir and keeps a second broker out of it: two would corrupt
// each other's logs. The lock ends with the process, however that ends.
func lockDir(dir string) (func(), error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the broker's folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the broker's folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another broker runs on %s: stop it or choose another folder", dir)
	}
	return func() { _ = f.Close() }, nil
}
