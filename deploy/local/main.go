package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// cli is the command line. Settings have the plain names that `make run` uses
// beside the GANTRY_ ones.
type cli struct {
	Run        runCommand        `cmd:"" default:"withargs" help:"Start the whole stack and keep it running."`
	SQL        sqlCommand        `cmd:"" name:"sql" help:"Run a statement against the running ClickHouse."`
	Address    addressCommand    `cmd:"" help:"Print an address of the stack: grpc, http, kafka, clickhouse."`
	Recording  recordingCommand  `cmd:"" help:"Print the recording that the stack replays, if it replays one."`
	Install    installCommand    `cmd:"" help:"Get what a run needs and print where it is."`
	Broker     brokerCommand     `cmd:"" hidden:"" help:"The embedded broker; started by run."`
	ClickHouse clickHouseCommand `cmd:"" name:"clickhouse" hidden:"" help:"The embedded ClickHouse; started by run."`
}

func main() {
	var c cli
	ctx := kong.Parse(&c,
		kong.Name("local"),
		kong.Description("Gantry on one machine."),
		kong.DefaultEnvars("GANTRY"),
		kong.UsageOnError(),
	)
	if err := ctx.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "gantry:", err)
		os.Exit(1)
	}
}
