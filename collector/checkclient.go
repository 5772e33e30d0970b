package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/collector/conformance"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/proto/transport"
)

type conformanceCmd struct {
	GRPCAddr    string        `name:"grpc-addr" default:"127.0.0.1:50051" help:"Address that the client connects to. It is not encrypted and asks for no token."`
	Network     string        `type:"existingfile" help:"Network that has the client's devices; without it there are counter-1, camera-1 and toll-1, with four lanes."`
	Patience    time.Duration `default:"30s" help:"How long to wait for the client to connect, or to send a reading."`
	EndPatience time.Duration `default:"30s" help:"How long to wait, at last, for the end of an epoch."`
	Skip        []string      `placeholder:"NAME,…" help:"Requirements that the client need not keep, as the report names them."`
}

// Run plays a collector to one client and reports.
func (c *conformanceCmd) Run(ctx context.Context, log *slog.Logger) error {
	if transport.LeavesMachine(c.GRPCAddr) {
		log.Warn("whoever reaches this address may connect, and nothing is encrypted", "grpc", c.GRPCAddr)
	}
	network, err := conformance.Network()
	if c.Network != "" {
		n, readErr := kafka.ReadNetworkFile(c.Network)
		if readErr != nil {
			return readErr
		}
		network, err = kafka.SnapshotOf(n), nil
	}
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.GRPCAddr)
	if err != nil {
		return fmt.Errorf("listen for the client: %w: give another address with --grpc-addr", err)
	}
	cfg := conformance.DefaultConfig(listener, network)
	cfg.Patience, cfg.EndPatience, cfg.Skip, cfg.Log = c.Patience, c.EndPatience, c.Skip, log
	cfg.Progress = func(sentence string) { _, _ = fmt.Fprintln(os.Stderr, sentence) }
	_, _ = fmt.Fprintf(os.Stderr, "start the client with collector %s; devices: %s\n", listener.Addr(), few(network.DeviceIDs()))
	report, err := conformance.Run(ctx, cfg)
	if report != nil {
		err = errors.Join(err, report.Write(os.Stdout))
	}
	if err == nil && !report.Conforms() {
		err = errors.New("the client does not conform: see FAIL and not seen above")
	}
	return err
}

// few lists some of many names.
func few(names []string) string {
	const shown = 5
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}
