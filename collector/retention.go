package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
)

type retentionCmd struct {
	ClickHouseFlags
	Readings *int          `placeholder:"DAYS" help:"Readings and ends of epochs, from when they were observed; 0 is for ever."`
	Plates   *int          `placeholder:"DAYS" help:"Plates and tags of readings; their rows stay. 0 is for as long as these."`
	Rejects  *int          `placeholder:"DAYS" help:"Refused readings, from when they arrived; 0 is for ever."`
	Timeout  time.Duration `default:"2h" help:"How long it may take."`
}

// Run sets what was given, and leaves the rest as it is.
func (c *retentionCmd) Run(ctx context.Context, log *slog.Logger) error {
	if c.Readings == nil && c.Plates == nil && c.Rejects == nil {
		return errors.New("nothing to set: give --readings, --plates or --rejects in days, 0 for ever")
	}
	cfg, err := c.config(log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("not done within %s", c.Timeout))
	defer cancel()
	cfg.ReadTimeout = c.Timeout // parts are rewritten meanwhile, and nothing is said
	conn, err := clickhouse.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // all that was written was confirmed
	changed, err := clickhouse.SetRetention(ctx, conn, clickhouse.Retention{
		ReadingsDays: days(c.Readings), PlatesDays: days(c.Plates), RejectsDays: days(c.Rejects),
	})
	for _, statement := range changed {
		fmt.Println(statement)
	}
	if err == nil && len(changed) == 0 {
		fmt.Println("it is so already")
	}
	return err
}

// days is a flag that may not be given.
func days(flag *int) int {
	if flag == nil {
		return clickhouse.AsItIs
	}
	return *flag
}
