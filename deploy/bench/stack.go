package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/sdk/freeport"

	"github.com/gantry-dev/gantry/deploy/local/state"
	"github.com/gantry-dev/gantry/deploy/local/supervise"
)

// launcherGrace is longer than the 30 s that a launcher may take to stop.
const launcherGrace = 45 * time.Second

// stack is a launcher under measurement with all that it has started, on a
// folder and ports of its own.
type stack struct {
	root    string // the checkout
	dir     string // everything: programs, state, log of the launcher
	state   string
	ports   state.Ports
	group   *supervise.Group
	started time.Time
	ended   chan struct{} // closed when the launcher has ended
	why     error         // then says how
}

// startStack builds the programs and starts the launcher. stop must follow.
func startStack(ctx context.Context, s *settings) (*stack, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gantry-bench-")
	if err != nil {
		return nil, err
	}
	k := &stack{root: root, dir: dir, state: filepath.Join(dir, "state"), ended: make(chan struct{})}
	if err := k.start(ctx, s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return k, nil
}

func (k *stack) start(ctx context.Context, s *settings) error {
	// Built anew, so that never an old program is measured.
	bin := filepath.Join(k.dir, "bin")
	build := exec.CommandContext(ctx, "go", "build", "-o", bin+string(filepath.Separator), "./gantry-agent", "./collector", "./deploy/local")
	build.Dir = k.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, lastLine(string(out)))
	}
	var err error
	if k.ports, err = freePorts(); err != nil {
		return err
	}
	if k.group, err = supervise.New(supervise.DefaultConfig(k.dir)); err != nil {
		return err
	}
	k.started = time.Now()
	go func() {
		defer close(k.ended)
		// Not ctx: stop takes a picture before it ends the launcher.
		k.why = k.group.Run(context.WithoutCancel(ctx), supervise.Spec{
			Name: "launcher", Path: filepath.Join(bin, "local"), Dir: k.root, Grace: launcherGrace,
			Args: k.args(s, bin),
		})
	}()
	return nil
}

// args sets everything that the launcher could otherwise take from the
// environment.
func (k *stack) args(s *settings, bin string) []string {
	p := k.ports
	args := []string{
		"run", "--bin=" + bin, "--state=" + k.state, "--dbt-every=0s",
		"--network=" + s.Network, "--history=" + s.History, "--kafka=" + s.Kafka,
		fmt.Sprintf("--agents=%d", s.Agents), fmt.Sprintf("--seed=%d", s.Seed),
	}
	for name, number := range map[string]int{
		"grpc": p.GRPC, "http": p.HTTP, "admin": p.Admin,
		"kafka": p.Kafka, "clickhouse": p.ClickHouse, "clickhouse-http": p.ClickHouseHTTP,
	} {
		args = append(args, fmt.Sprintf("--%s-port=%d", name, number))
	}
	return args
}

// pid is the launcher's; 0 when it does not run.
func (k *stack) pid() int {
	for _, p := range k.group.Status() {
		return p.PID
	}
	return 0
}

// failure says why the launcher has ended; nil while it runs.
func (k *stack) failure() error {
	select {
	case <-k.ended:
	default:
		return nil
	}
	if k.why == nil {
		return errors.New("the stack stopped by itself")
	}
	return fmt.Errorf("the stack ended: %s", strings.TrimPrefix(lastLine(k.why.Error()), "gantry: "))
}

// stop ends the launcher, which ends its children, and removes the folder;
// after a failure it keeps it, because the logs are there.
func (k *stack) stop(failed bool) error {
	k.group.Stop()
	<-k.ended
	if failed {
		return nil
	}
	return os.RemoveAll(k.dir)
}

// poll calls done until it is true or fails, the launcher ends, or limit is
// over. what names the thing waited for.
func (k *stack) poll(ctx context.Context, every, limit time.Duration, what string, done func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	over := time.NewTimer(limit)
	defer over.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-k.ended:
			return k.failure()
		case <-over.C:
			return fmt.Errorf("%s: not within %v", what, limit)
		case <-tick.C:
		}
	}
}

// moduleRoot is the folder of the checkout: the launcher looks for dbt there.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w: run it in a checkout of Gantry", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// freePorts are none of those that the system gives to whoever asks, such as the
// stack itself.
func freePorts() (p state.Ports, err error) {
	numbers := []*int{&p.GRPC, &p.HTTP, &p.Admin, &p.Kafka, &p.ClickHouse, &p.ClickHouseHTTP}
	taken, err := freeport.Take(len(numbers))
	if err != nil {
		return p, err
	}
	for i, number := range numbers {
		*number = taken[i]
	}
	return p, nil
}

// loopback is the address of a port on this machine.
func loopback(number int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(number)) }

// lastLine is the last line of s that is not empty.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
