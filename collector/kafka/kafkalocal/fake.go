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

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
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
	// Consumers names, for topics, the group that has to have consumed a record
	// before it may be deleted to keep to RetentionBytes. Topics not named keep
	// all that their own settings keep.
	Consumers map[string]string
	// RetentionBytes is about what each partition of these topics keeps at the
	// least, whether consumed or not; above it goes what is consumed. 0 deletes
	// nothing.
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

// segmentBytes is the size of one file of a partition.
const segmentBytes = 16 << 20

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
		// Files are deleted whole.
		"log.segment.bytes": strconv.Itoa(segmentBytes),
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
	return cfg.clean(ctx, cluster, addr)
}

// clean compacts and deletes until the context ends.
func (cfg FakeConfig) clean(ctx context.Context, cluster *kfake.Cluster, addr string) error {
	every := cfg.CleanEvery
	if every == 0 {
		every = time.Minute
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ClientID("gantry-fake-cleaner"))
	if err != nil {
		return fmt.Errorf("client of the fake Kafka broker's own: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		// Compact applies retention too. kfake itself would do both once
		// an hour, which no test and few developers would ever see.
		cluster.Compact()
		if cfg.RetentionBytes <= 0 || len(cfg.Consumers) == 0 {
			continue
		}
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		if err := deleteConsumed(attempt, admin, cfg.Consumers, cfg.RetentionBytes); err != nil && ctx.Err() == nil {
			cfg.Log.Warn("consumed records could not be deleted, trying again", "error", err)
		}
		cancel()
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
