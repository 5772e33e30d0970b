package kafkalocal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ApacheConfig has the settings of the real broker.
type ApacheConfig struct {
	// Addr to listen on, host:port; port 0 takes a free one.
	Addr string
	// Dir holds everything.
	Dir string
	// Libs is the folder of jars: see EnsureApache.
	Libs string
	// HeapMB is the Java heap; 0 takes 96.
	HeapMB int
	// StopTimeout is how long an orderly stop may take; 0 takes 15 s.
	StopTimeout time.Duration
	// Secured adds a listener with TLS and SCRAM; nil for none.
	Secured *SecuredListener
	// Ready is told the address once clients are answered; may be nil.
	Ready func(addr string)
	// Log gets what happens to the process; nil takes the default logger.
	// The broker's own log is broker.log in Dir.
	Log *slog.Logger
}

// RunApache runs a broker until the context ends, then stops it in good
// order. Where the system allows it, the broker dies with this process.
func RunApache(ctx context.Context, cfg ApacheConfig) error {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 15 * time.Second
	}
	unlock, err := lockDir(cfg.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	cmd, addr, err := apacheCommand(ctx, cfg)
	if err != nil {
		return err
	}
	began := time.Now()
	exited := startBound(cmd)
	up, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- waitAnswer(up, addr) }()
	for {
		select {
		case err := <-exited:
			return fmt.Errorf("the Apache Kafka broker on %s ended (%w): see %s", addr, errOr(err), filepath.Join(cfg.Dir, "broker.log"))
		case err := <-answered:
			answered = nil
			if err == nil {
				cfg.Log.Info("Apache Kafka broker is up", "addr", addr, "dir", cfg.Dir, "pid", cmd.Process.Pid, "start_ms", time.Since(began).Milliseconds())
				if cfg.Ready != nil {
					cfg.Ready(addr)
				}
			}
		case <-ctx.Done():
			return stopApache(cmd, exited, cfg.StopTimeout)
		}
	}
}

func stopApache(cmd *exec.Cmd, exited <-chan error, timeout time.Duration) error {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-exited:
		return nil
	case <-time.After(timeout):
		_ = cmd.Process.Kill()
		<-exited
		return fmt.Errorf("the Apache Kafka broker did not stop within %s and was killed", timeout)
	}
}

// startBound starts the process from a thread of its own that lives as long
// as the process does: the kernel's parent-death signal goes by thread.
func startBound(cmd *exec.Cmd) <-chan error {
	started, exited := make(chan struct{}), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		close(started)
		if err == nil {
			err = cmd.Wait()
		}
		exited <- err
	}()
	<-started
	return exited
}

// waitAnswer returns nil once the broker answers, or when the context ends.
func waitAnswer(ctx context.Context, addr string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.DialTimeout(time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	for client.Ping(ctx) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// apacheCommand writes the settings, formats a new folder and gives the
// command that runs the broker, with the address it will listen on.
func apacheCommand(ctx context.Context, cfg ApacheConfig) (*exec.Cmd, string, error) {
	addr, err := freeAddr(cfg.Addr)
	if err != nil {
		return nil, "", err
	}
	controller, err := freeAddr("127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, "", fmt.Errorf("folder of the broker: %w", err)
	}
	props := filepath.Join(dir, "server.properties")
	settings := properties(addr, controller, filepath.Join(dir, "data"))
	if cfg.Secured != nil {
		if settings, err = cfg.Secured.add(settings, dir); err != nil {
			return nil, "", err
		}
	}
	if err := os.WriteFile(props, settings, 0o600); err != nil {
		return nil, "", fmt.Errorf("write the broker's settings: %w", err)
	}
	java := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "java", slices.Concat(memoryFlags(cfg.HeapMB), []string{"-cp", filepath.Join(cfg.Libs, "*")}, args)...)
		cmd.Dir = dir
		// The context's end stops the broker with SIGTERM in RunApache, not
		// with SIGKILL here.
		cmd.Cancel = func() error { return nil }
		cmd.SysProcAttr = boundProcess()
		return cmd
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "meta.properties")); errors.Is(err, os.ErrNotExist) {
		out, err := java(slices.Concat([]string{"kafka.tools.StorageTool", "format", "-t", clusterID, "-c", props}, cfg.Secured.user())...).CombinedOutput()
		if err != nil {
			return nil, "", fmt.Errorf("format the broker's folder %s (%w): %s", dir, err, tail(out, 400))
		}
	}
	log, err := os.OpenFile(filepath.Join(dir, "broker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, "", fmt.Errorf("open the broker's log: %w", err)
	}
	cmd := java("-Dorg.slf4j.simpleLogger.showDateTime=true", "kafka.Kafka", props)
	cmd.Stdout, cmd.Stderr = log, log
	return cmd, addr, nil
}

// clusterID is what a folder is formatted with; one node needs no other.
const clusterID = "Z2FudHJ5LWxvY2FsLWthZg"

// memoryFlags keep one idle broker near 170 MB of resident memory.
func memoryFlags(heapMB int) []string {
	if heapMB == 0 {
		heapMB = 96
	}
	return []string{fmt.Sprintf("-Xmx%dm", heapMB), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
}

// properties are the settings of one combined KRaft node. All replication
// factors are 1, for there is no second node, and the log cleaner's buffer is
// small, or it alone would exhaust the heap.
func properties(addr, controller, data string) []byte {
	lines := []string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.voters=1@" + controller,
		"listeners=PLAINTEXT://" + addr + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + addr,
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + data,
		"num.partitions=6",
		"auto.create.topics.enable=false",
		"default.replication.factor=1",
		"min.insync.replicas=1",
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.state.log.num.partitions=4",
		"share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1",
		"share.coordinator.state.topic.num.partitions=1",
		"log.cleaner.dedupe.buffer.size=8388608",
		"log.cleaner.backoff.ms=15000",
		"log.retention.check.interval.ms=60000",
		"group.initial.rebalance.delay.ms=0",
		"num.network.threads=2",
		"num.io.threads=2",
		"",
	}
	return []byte(strings.Join(lines, "\n"))
}

// freeAddr resolves port 0 and says in one sentence when the port is taken.
func freeAddr(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", fmt.Errorf("the Kafka address %s is taken by another program: stop that one or choose another port", addr)
	}
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", addr, err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

func errOr(err error) error {
	if err == nil {
		return errors.New("without an error")
	}
	return err
}
