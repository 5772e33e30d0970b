package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
)

// cli is the command line.
type cli struct {
	Run   runCommand   `cmd:"" help:"Score the verdicts of the models."`
	Truth truthCommand `cmd:"" help:"Print what would really happen on the planted roads: what each intervention saves, and who speeds."`
	Serve serveCommand `cmd:"" help:"Start a ClickHouse with history of simulated roads in raw, and keep it until Ctrl-C."`
}

func main() {
	clickhouselocal.Main()
	var c cli
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	k := kong.Parse(&c, kong.Name("score"), kong.Description("Compare what the models answer with what would really happen."),
		kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	err := k.Run()
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err == nil:
		return
	case interrupted:
		err = errors.New("interrupted; nothing was kept")
	}
	fmt.Fprintln(os.Stderr, "score:", err)
	os.Exit(1)
}
