package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/kafka"
)

type networkCmd struct {
	Apply  networkApplyCmd  `cmd:"" help:"Bring the network topic to what a file says. Applying it again changes nothing."`
	Retire networkRetireCmd `cmd:"" help:"Take devices out of the network: their readings are refused from then on; what is stored stays."`
}

type networkRetireCmd struct {
	KafkaFlags
	Device  []string      `arg:"" help:"Devices, whose clients have ended their epochs and stopped."`
	Timeout time.Duration `default:"1m" help:"How long to wait for Kafka."`
}

// Run retires them.
func (c *networkRetireCmd) Run(ctx context.Context, log *slog.Logger) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, noAnswer(c.KafkaBrokers, c.Timeout))
	defer cancel()
	cfg, err := c.client("gantry-collector-network", log)
	if err != nil {
		return err
	}
	if _, err := kafka.RetireDevices(ctx, cfg, c.Device); err != nil {
		return orCause(ctx, err)
	}
	fmt.Printf("retired: %s\nTake them out of the network's file too, or applying it brings them back.\n", strings.Join(c.Device, ", "))
	return nil
}

func noAnswer(brokers []string, after time.Duration) error {
	return fmt.Errorf("no answer from Kafka at %v within %s: is it running, and is --kafka-brokers right?", brokers, after)
}

type networkApplyCmd struct {
	KafkaFlags
	File     string        `arg:"" type:"existingfile" help:"The network, as the YAML form of gantry.v1.Network."`
	NewWorld bool          `help:"Replace another network or world that the topic holds."`
	Timeout  time.Duration `default:"1m" help:"How long to wait for Kafka."`
}

// Run applies the file.
func (c *networkApplyCmd) Run(ctx context.Context, log *slog.Logger) error {
	n, err := kafka.ReadNetworkFile(c.File)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, noAnswer(c.KafkaBrokers, c.Timeout))
	defer cancel()
	cfg, err := c.client("gantry-collector-network", log)
	if err != nil {
		return err
	}
	client, err := kafka.NewClient(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := kafka.EnsureTopics(ctx, client, c.ReplicationFactor); err != nil {
		return orCause(ctx, err)
	}
	done, err := kafka.WriteNetwork(ctx, cfg, n, kafka.WriteOptions{NewWorld: c.NewWorld})
	if err != nil {
		return orCause(ctx, err)
	}
	fmt.Printf("network %s: %d stations, %d devices, %d tariffs; %d records written, %d unchanged, %d removed\n",
		n.Name, len(n.Stations), len(n.Devices), len(n.Tariffs), done.Written, done.Unchanged, done.Removed)
	return nil
}

// orCause prefers the sentence that ended the context over the library's.
func orCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w (%w)", cause, err)
	}
	return err
}

type migrateCmd struct {
	ClickHouseFlags
	Timeout time.Duration `default:"2m" help:"How long it may take."`
}

// Run migrates the raw schema.
func (c *migrateCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg, err := c.config(log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	if err := migrate(ctx, cfg); err != nil {
		return err
	}
	log.Info("raw schema is up to date", "clickhouse", cfg.Addr)
	return nil
}

func migrate(ctx context.Context, cfg clickhouse.Config) error {
	return clickhouse.MigrateTo(ctx, cfg)
}

type versionCmd struct{}

// Run prints version, commit where it is known, and toolchain.
func (versionCmd) Run() error { //nolint:unparam // kong calls nothing else
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	fmt.Printf("collector %s%s %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
