package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// addressCommand prints an address of a stack, for scripts and the Makefile.
type addressCommand struct {
	folderSetting
	Name string `arg:"" enum:"grpc,http,admin,kafka,clickhouse,clickhouse-http" help:"Which: ${enum}."`
}

// Run prints the address.
func (c *addressCommand) Run() error {
	s, err := openState(c.State)
	if err != nil {
		return err
	}
	fmt.Println(loopback(map[string]int{
		"grpc": s.Ports.GRPC, "http": s.Ports.HTTP, "admin": s.Ports.Admin,
		"kafka": s.Ports.Kafka, "clickhouse": s.Ports.ClickHouse, "clickhouse-http": s.Ports.ClickHouseHTTP,
	}[c.Name]))
	return nil
}

// recordingCommand prints the recording that a stack replays, nothing when its
// traffic is simulated.
type recordingCommand struct{ folderSetting }

// Run prints its path.
func (c *recordingCommand) Run() error {
	s, err := openState(c.State)
	if err == nil && s.Recorded != "" {
		fmt.Println(s.Recorded)
	}
	return err
}

// openState reads a folder that must hold a stack.
func openState(dir string) (*state.State, error) {
	s, err := state.ReadOrNil(dir)
	if err == nil && s == nil {
		err = fmt.Errorf("%s holds no stack: start one with make run, or say which with STATE=dir", dir)
	}
	return s, err
}

// installCommand gets what a run needs, for tests that want it beforehand.
type installCommand struct {
	Kafka  string `enum:"fake,apache" default:"fake" env:"KAFKA,GANTRY_KAFKA" help:"Broker to install for: ${enum}."`
	Checks bool   `help:"Get what checks models, templates, workflows and compose files too."`
	// Clients need neither broker nor engine.
	Clients bool `help:"Get what the Python client is made with and needs, and nothing else."`
}

// Run installs and prints NAME=path lines on stdout; progress goes to stderr.
func (c *installCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if c.Clients {
		return printFolder(ctx, "GANTRY_CLIENTS", lockedClients)
	}
	got, err := install(ctx, c.Kafka, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Printf("GANTRY_LIBCHDB=%s\nGANTRY_DBT=%s\n", got.Library, got.DBT)
	if got.Jars != "" {
		fmt.Printf("GANTRY_KAFKA_LIBS=%s\n", got.Jars)
	}
	if c.Checks {
		return printFolder(ctx, "GANTRY_CHECKS", lockedChecks)
	}
	return nil
}

// printFolder installs a locked set and prints the folder of its programs.
func printFolder(ctx context.Context, name string, set locked) error {
	program, err := set.ensure(ctx, ".", os.Stderr)
	if err != nil {
		return err
	}
	fmt.Printf("%s=%s\n", name, filepath.Dir(program))
	return nil
}
