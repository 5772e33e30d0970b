// Command collector takes readings in over gRPC, keeps them in Kafka, writes
// them to ClickHouse and answers questions about the fleet. Its roles run in
// one process (collector all) or in several.
//
// This package only wires: what a role does is in ingest, lease, sink and
// query, and what a request to forget a vehicle does in purge; kafka and
// clickhouse are what they share. serve.go starts things in
// the order of the way of a reading and stops them in the reverse.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // networks name time zones; containers have none

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/proto/secretenv"
)

// version of the program; the release sets it with -ldflags -X main.version=.
var version = "devel"

// cli is the command line.
type cli struct {
	LogFlags

	All         allCmd         `cmd:"" help:"Run ingest, sink and query in one process."`
	Ingest      ingestCmd      `cmd:"" help:"Accept readings from agents and keep them in Kafka."`
	Sink        sinkCmd        `cmd:"" help:"Write readings from Kafka to ClickHouse."`
	Query       queryCmd       `cmd:"" help:"Answer questions about the fleet."`
	Network     networkCmd     `cmd:"" help:"Work on the network: what stands at the roadside."`
	Migrate     migrateCmd     `cmd:"" help:"Bring ClickHouse's raw schema up to date and exit."`
	Purge       purgeCmd       `cmd:"" help:"Erase a vehicle's plate or tag from ClickHouse, for good and for what comes later."`
	Conformance conformanceCmd `cmd:"" help:"Play a collector to the client of a real device, and say which requirements it keeps."`
	Redrive     redriveCmd     `cmd:"" help:"Send refused readings again that are acceptable by now, and say which are not."`
	Retention   retentionCmd   `cmd:"" help:"Set how long ClickHouse keeps readings, plates and rejects."`
	DevCA       devCACmd       `cmd:"" name:"dev-ca" help:"Make a certificate authority for development, and certificates of collectors and agents from it."`
	Token       tokenCmd       `cmd:"" help:"Work on the tokens that scripts and agents prove their roles with."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running collector whether it is ready; exit 1 when it is not."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

// run executes one command line and gives the exit status.
func run(args []string) int {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("collector"),
		kong.Description("Collects traffic readings from gantry agents. Every flag is also an environment variable: --kafka-brokers is GANTRY_KAFKA_BROKERS."),
		kong.DefaultEnvars("GANTRY"),
		kong.Resolvers(secretenv.Resolver("GANTRY")),
		kong.UsageOnError(),
	)
	if err != nil {
		panic(err) // the structs above are wrong
	}
	command, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		return 2
	}
	ctx, stop := signalContext()
	defer stop()
	log := c.logger(os.Stderr)
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(log); err != nil && !errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintf(os.Stderr, "collector: %s\n", err)
		return 1
	}
	return 0
}

// signalContext ends with the first SIGINT or SIGTERM; the second ends the
// process at once.
func signalContext() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		first, ok := <-signals
		if !ok {
			return
		}
		cancel(fmt.Errorf("got %s", first))
		if second, ok := <-signals; ok {
			_, _ = fmt.Fprintf(os.Stderr, "collector: got %s again, quitting without waiting\n", second)
			os.Exit(130)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel(nil)
	}
}
