package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/collector/redrive"
)

type redriveCmd struct {
	KafkaFlags
	ClickHouseFlags
	Device  []string      `placeholder:"ID,…" help:"Only readings of these devices."`
	DryRun  bool          `help:"Only say what would be done."`
	Limit   int           `default:"2000000" help:"Most readings to send again in one run; their identities are kept in memory."`
	Timeout time.Duration `default:"1h" help:"How long it may take."`
}

// Run sends again and reports.
func (c *redriveCmd) Run(ctx context.Context, log *slog.Logger) error {
	cfg := redrive.Config{Devices: c.Device, DryRun: c.DryRun, MaxReadings: c.Limit}
	var err error
	if cfg.Kafka, err = c.client("gantry-collector-redrive", log); err != nil {
		return err
	}
	if cfg.ClickHouse, err = c.config(log); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("not done within %s", c.Timeout))
	defer cancel()
	report, err := redrive.Run(ctx, cfg)
	fmt.Printf("dead letters: %d, of which %d are no readings and %d repeat another\n", report.Letters, report.Others, report.Repeats)
	verb := "sent again"
	if c.DryRun {
		verb = "would be sent again"
	}
	printReasons(verb+", refused then as", report.Sent)
	printReasons("refused still, as", report.Stay)
	fmt.Printf("rejects taken out of raw.rejects: %d\n", report.Deleted)
	return err
}

// printReasons prints a count for each reason, the largest first.
func printReasons(what string, reasons map[redrive.Why]int) {
	sum := 0
	for _, n := range reasons {
		sum += n
	}
	fmt.Printf("%s: %d\n", what, sum)
	byCount := slices.SortedFunc(maps.Keys(reasons), func(a, b redrive.Why) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Field, b.Field))
	})
	for _, why := range byCount {
		fmt.Printf("  %8d  %s %s\n", reasons[why], strings.TrimPrefix(why.Code.String(), "REJECT_CODE_"), why.Field)
	}
}
