package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/purge"
)

type purgeCmd struct {
	ClickHouseFlags
	Plate        []string      `help:"Number plate, written in any way; - reads plates from standard input, one a line, where no list of processes shows them."`
	Tag          []string      `help:"Tag of a toll gantry: nothing ties it to the plate, so a person who has one must name it too."`
	Reason       string        `required:"" help:"Why, for the record; without the plate."`
	Who          string        `help:"Who asks or answers for it, for the record (default: the user who runs this)."`
	PlateKeyFile []string      `required:"" type:"existingfile" help:"File with the key of plate tokens; once for every key there ever was."`
	Settle       time.Duration `default:"30s" help:"How long inserts of sinks may take that began before."`
	Timeout      time.Duration `default:"2h" help:"How long it may take."`
}

// Run erases and says what it could not reach.
func (c *purgeCmd) Run(ctx context.Context, _ *slog.Logger) error {
	cfg, err := c.purge(os.Stdin)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("not done within %s", c.Timeout))
	defer cancel()
	fmt.Printf("erasing; sinks and builds under way get %s to end, then it looks again\n", cfg.Settle)
	report, err := purge.Run(ctx, cfg)
	fmt.Printf("erased: %d rows of raw.readings, %d of raw.rejects\n", report.Readings, report.Rejects)
	for _, table := range slices.Sorted(maps.Keys(report.Derived)) {
		fmt.Printf("erased: %d rows of %s\n", report.Derived[table], table)
	}
	if err != nil {
		return err
	}
	fmt.Println("nothing of it is left in ClickHouse's tables, and sinks drop it from now on. Out of reach:")
	outOfReach(kafka.Topics(), "")
	outOfReach(kafka.JSONTopics(), "if it is written: its token in ")
	fmt.Print(`  spools of agents, until the readings are acknowledged
  replaced parts of tables on ClickHouse's disk, for about 8 minutes
  backups, and whatever was copied out
`)
	return nil
}

// outOfReach names the topics that keep what they were given for a time.
func outOfReach(topics []kafka.Topic, when string) {
	for _, t := range topics {
		if t.RetentionMS > 0 {
			fmt.Printf("  %stopic %s, until its retention is over (as created: %d days)\n", when, t.Name, t.RetentionMS/(24*3600*1000))
		}
	}
}

func (c *purgeCmd) purge(stdin io.Reader) (purge.Config, error) {
	cfg := purge.Config{Tags: c.Tag, Reason: c.Reason, Who: c.Who, Settle: c.Settle}
	var err error
	if cfg.ClickHouse, err = c.config(slog.Default()); err != nil {
		return cfg, err
	}
	for _, path := range c.PlateKeyFile {
		key, err := platekey.Load(path)
		if err != nil {
			return cfg, err
		}
		cfg.Keys = append(cfg.Keys, key)
	}
	for _, plate := range c.Plate {
		if plate != "-" {
			cfg.Plates = append(cfg.Plates, plate)
			continue
		}
		text, err := io.ReadAll(stdin)
		if err != nil {
			return cfg, fmt.Errorf("read plates from standard input: %w", err)
		}
		cfg.Plates = append(cfg.Plates, strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })...)
	}
	if cfg.Who == "" {
		u, err := user.Current()
		if err != nil {
			return cfg, errors.New("who runs this is not known here: give --who")
		}
		cfg.Who = u.Username
	}
	return cfg, nil
}
