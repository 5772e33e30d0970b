package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/state"
	"github.com/gantry-dev/gantry/deploy/local/supervise"
)

// Stages of stopping, the highest first.
const (
	stageEngines = iota + 1
	stageCollector
	stageAgents
)

// Graces add up to less than the 30 s that stopping may take.
const (
	graceEngines   = 9 * time.Second
	graceCollector = 13 * time.Second
	graceAgents    = 6 * time.Second
)

// Waiting for a process to answer.
const (
	readyTimeout = 60 * time.Second
	readyEvery   = 100 * time.Millisecond
)

// up starts everything in order. Each step waits until the one before answers.
func (l *launcher) up(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"starting broker and ClickHouse …", func(ctx context.Context) error { return l.startEngines(ctx, self) }},
		{"migrating ClickHouse, applying the network …", l.apply},
		{"starting the collector …", l.startCollector},
		{"starting agents …", l.startAgents},
	} {
		l.at(step.what)
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	l.at("")
	return nil
}

func (l *launcher) startEngines(ctx context.Context, self string) error {
	p := l.state.Ports
	dir := l.command.State
	broker := []string{"broker", "--state", dir, "--kind", l.state.Kafka, "--addr", loopback(p.Kafka)}
	if l.installed.Jars != "" {
		broker = append(broker, "--libs", l.installed.Jars)
	}
	for _, spec := range []supervise.Spec{
		{Name: "broker", Path: self, Args: broker, Stage: stageEngines, Grace: graceEngines},
		{Name: "clickhouse", Path: self, Stage: stageEngines, Grace: graceEngines, Args: []string{
			"clickhouse", "--state", dir, "--lib", l.installed.Library,
			"--tcp-addr", loopback(p.ClickHouse), "--http-addr", loopback(p.ClickHouseHTTP),
		}},
	} {
		if err := l.group.Start(spec); err != nil {
			return err
		}
	}
	if err := l.await(ctx, "broker", dials(loopback(p.Kafka))); err != nil {
		return err
	}
	return l.await(ctx, "clickhouse", answers("http://"+loopback(p.ClickHouseHTTP)+"/ping"))
}

// apply brings ClickHouse's tables and the network topic to what this version
// wants. Both change nothing where it is so already.
func (l *launcher) apply(ctx context.Context) error {
	file := state.NetworkFile(l.command.State)
	if err := l.writeNetwork(ctx, file); err != nil {
		return err
	}
	for _, args := range [][]string{
		append([]string{"migrate"}, l.clickHouseFlags()...),
		{"network", "apply", file, "--kafka-brokers", loopback(l.state.Ports.Kafka)},
	} {
		spec := supervise.Spec{
			Name: "collector-" + args[0], Path: l.program("collector"), Args: args,
			Stage: stageCollector, Grace: graceAgents,
		}
		if err := l.group.Run(ctx, spec); err != nil {
			return err
		}
	}
	return nil
}

// writeNetwork has the agent describe the network of the world, its program
// being the one that knows worlds.
func (l *launcher) writeNetwork(ctx context.Context, file string) error {
	s := l.state
	args := []string{"world", "network", "--network=" + s.Network, fmt.Sprintf("--seed=%d", s.Seed)}
	if s.Recorded != "" {
		args = append(args, "--recorded="+s.Recorded)
	} else {
		// An offset may begin with a minus.
		args = append(args, "--zone="+s.Zone, "--valid-from="+s.ValidFrom.Format(time.RFC3339))
	}
	if s.Scenario != "" {
		args = append(args, "--scenario="+s.Scenario)
	}
	cmd := exec.CommandContext(ctx, l.program("gantry-agent"), args...)
	var problem bytes.Buffer
	cmd.Stderr, cmd.Env = &problem, childEnv(os.Environ())
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("gantry-agent world network: %w: %s", err, lastLine(problem.String()))
	}
	return os.WriteFile(file, text, 0o600)
}

func (l *launcher) startCollector(ctx context.Context) error {
	p, dir := l.state.Ports, l.command.State
	args := append([]string{
		"all",
		"--grpc-addr", loopback(p.GRPC), "--http-addr", loopback(p.HTTP), "--admin-addr", loopback(p.Admin),
		"--kafka-brokers", loopback(p.Kafka),
		"--tokens-file", state.TokensFile(dir), "--plate-key-file", state.PlateKeyFile(dir),
		"--clickhouse-planner-password-file", state.PasswordFile(dir, "planner"),
		"--clickhouse-enforcement-password-file", state.PasswordFile(dir, "enforcement"),
	}, l.clickHouseFlags()...)
	err := l.group.Start(supervise.Spec{
		Name: "collector", Path: l.program("collector"), Args: args,
		Stage: stageCollector, Grace: graceCollector,
	})
	if err != nil {
		return err
	}
	return l.await(ctx, "collector", answers("http://"+loopback(p.HTTP)+"/healthz"))
}

// clickHouseFlags are how the collector reaches ClickHouse.
func (l *launcher) clickHouseFlags() []string {
	const user = "collector"
	return []string{
		"--clickhouse-addr", loopback(l.state.Ports.ClickHouse), "--clickhouse-user", user,
		"--clickhouse-password-file", state.PasswordFile(l.command.State, user),
	}
}

func (l *launcher) startAgents(context.Context) error {
	for i := range l.command.Agents {
		name := fmt.Sprintf("agent-%d", i+1)
		dir := filepath.Join(l.command.State, "agents", name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		args := []string{
			"run", "--agent-id", name, "--collector", loopback(l.state.Ports.GRPC), "--state", dir,
			"--token-file", state.TokenFile(l.command.State, "agent"),
		}
		if l.state.Recorded != "" {
			args = append(args, "--recorded", l.state.Recorded)
		}
		err := l.group.Start(supervise.Spec{
			Name: name, Path: l.program("gantry-agent"), Stage: stageAgents, Grace: graceAgents, Args: args,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// childEnv is env without our own variables: GANTRY_SEED and the like are meant
// for the launcher, and each program would take them for its own flags.
func childEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, "GANTRY_") && !strings.HasPrefix(v, "GANTRY_CACHE=")
	})
}

// program is the path of one of our programs.
func (l *launcher) program(name string) string { return filepath.Join(l.command.Bin, name) }

// await waits until a process answers.
func (l *launcher) await(ctx context.Context, name string, answer func(context.Context) error) error {
	deadline := time.Now().Add(readyTimeout)
	for {
		err := answer(ctx)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer after %v (%w): see %s", name, readyTimeout, err,
				filepath.Join(l.command.State, "logs", name+".log"))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(readyEvery):
		}
	}
}

// dials tells whether something listens at an address.
func dials(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// answers tells whether a URL answers 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		err = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.Join(err, fmt.Errorf("%s answers %s", url, response.Status))
		}
		return err
	}
}
