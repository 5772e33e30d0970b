package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/kafka"
)

type networkCmd struct {
	Apply networkApplyCmd `cmd:"" help:"Bring the network topic to what a file says. Applying it again changes nothing."`
}

type networkApplyCmd struct {
	KafkaFlags
	File     string        `arg:"" type:"existingfile" help:"The network, as the YAML form of gantry.v1.Network."`
	NewWorld bool          `help:"Replace another network or world that the topic holds."`
	Timeout  time.Duration `default:"1m" help:"How long to wait for Kafka."`
}

// Run applies the file.
func (c *networkApplyCmd) Run(ctx context.Context, _ *slog.Logger) error {
	n, err := kafka.ReadNetworkFile(c.File)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout,
		fmt.Errorf("no answer from Kafka at %v within %s: is it running, and is --kafka-brokers right?", c.KafkaBrokers, c.Timeout))
	defer cancel()
	cfg := c.client("gantry-collector-network")
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
	cfg, err := c.config()
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
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return clickhouse.Migrate(ctx, conn)
}

type healthcheckCmd struct {
	HTTPAddr string        `name:"http-addr" default:"127.0.0.1:8080" help:"The collector's HTTP address."`
	Live     bool          `help:"Ask only whether it has started and does not stop, whatever is away: what decides whether to start it anew."`
	Timeout  time.Duration `default:"3s" help:"How long to wait for the answer."`
}

// Run asks /healthz, or /livez, and fails unless the answer is 200.
func (c *healthcheckCmd) Run(ctx context.Context, _ *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(c.HTTPAddr)
	if err != nil {
		return fmt.Errorf("--http-addr: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1" // the collector listens everywhere; ask it here
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+c.path(), nil)
	if err != nil {
		return fmt.Errorf("--http-addr: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the collector does not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	_, _ = os.Stdout.Write(body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the collector is not ready: %s", resp.Status)
	}
	return nil
}

func (c *healthcheckCmd) path() string {
	if c.Live {
		return "/livez"
	}
	return "/healthz"
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
