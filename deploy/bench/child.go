package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// child is a process of this program in another role. Its processor time is
// its own, which is what is measured.
type child struct {
	cmd  *exec.Cmd
	addr string
}

// childGrace is how long a child may take to clean up.
const childGrace = 10 * time.Second

// startChild starts a role and waits for the address that it prints.
func startChild(ctx context.Context, args ...string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, exe, args...)}
	// An interrupted child cleans up behind itself.
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGTERM) }
	c.cmd.WaitDelay = childGrace
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %v: %w", args, err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		return nil, fmt.Errorf("%v did not come up: %w", args, err)
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

// stop ends the child and returns its processor time and greatest memory.
func (c *child) stop() (cpu time.Duration, rssBytes int64) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.cmd.Wait()
	s := c.cmd.ProcessState
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		rssBytes = u.Maxrss * 1024
		if runtime.GOOS == "darwin" {
			rssBytes = u.Maxrss // which counts in bytes
		}
	}
	return s.UserTime() + s.SystemTime(), rssBytes
}

// serveBroker runs a fake broker and prints its address.
func serveBroker(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "gantry-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return kafkalocal.RunFake(ctx, kafkalocal.FakeConfig{
		Addr: "127.0.0.1:0", Dir: dir, Ready: func(addr string) { fmt.Println(addr) }, Log: slog.New(slog.DiscardHandler),
	})
}

// benchNetwork has counters only, and is always ready.
type benchNetwork struct{ snap *kafka.NetworkSnapshot }

func (n benchNetwork) Snapshot() *kafka.NetworkSnapshot { return n.snap }

func (n benchNetwork) Ready() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func deviceName(i int) string { return fmt.Sprintf("BENCH-%04d", i) }

func newBenchNetwork(devices int) benchNetwork {
	s := &kafka.NetworkSnapshot{Network: &gantryv1.Network{Name: "bench"}, Devices: map[string]*kafka.DeviceInfo{}}
	for i := range devices {
		id := deviceName(i)
		s.Devices[id] = &kafka.DeviceInfo{ID: id, Kind: gantryv1.DeviceKind_DEVICE_KIND_COUNTER, StationID: "S", Lanes: 4}
	}
	return benchNetwork{s}
}

// serveCollector runs ingest alone and prints its address.
func serveCollector(ctx context.Context, s *settings) error {
	client := kafka.DefaultClientConfig(s.Brokers...)
	cfg := ingest.DefaultConfig("bench", client)
	cfg.Log = slog.New(slog.DiscardHandler)
	setup, err := kafka.NewClient(client)
	if err != nil {
		return err
	}
	err = kafka.EnsureTopics(ctx, setup, 1)
	setup.Close()
	if err != nil {
		return err
	}
	positions := ingest.NewPositions(client, cfg.MaxDeviceEpochs, cfg.Log)
	server, err := ingest.New(cfg, newBenchNetwork(s.Devices), nil, positions)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	g := grpc.NewServer(append(cfg.ServerOptions(), grpc.StaticStreamWindowSize(1<<20), grpc.StaticConnWindowSize(2<<20))...)
	gantryv1.RegisterIngestServiceServer(g, server)
	var wait sync.WaitGroup
	wait.Go(func() { _ = positions.Run(ctx) })
	wait.Go(func() { _ = server.Run(ctx) })
	wait.Go(func() { _ = g.Serve(l) })
	fmt.Println(l.Addr())
	<-ctx.Done()
	g.Stop()
	wait.Wait()
	return nil
}
