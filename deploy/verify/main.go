package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

func main() {
	var cfg Config
	kong.Parse(&cfg, kong.Name("verify"),
		kong.Description("Compare what every device emitted with what ClickHouse holds, reading by reading."),
		kong.DefaultEnvars("GANTRY"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, &cfg)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "verify: %v\n", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg *Config) (bool, error) {
	started := time.Now()
	oracle, err := loadOracle(cfg.NetworkFile, cfg.Recorded)
	if err != nil {
		return false, err
	}
	until, err := cfg.until(started)
	if err != nil {
		return false, err
	}
	v, err := newVerification(cfg, oracle, until)
	if err != nil {
		return false, err
	}
	tally, err := v.run(ctx)
	if err != nil {
		return false, err
	}
	if cfg.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(tally); err != nil {
			return false, fmt.Errorf("print the tally: %w", err)
		}
		return tally.OK(), nil
	}
	if r := oracle.recording; r != nil {
		fmt.Printf("%s is replayed: %d passages in %d rows\n", cfg.Recorded, r.Passages, r.Rows)
	}
	fmt.Printf("%d devices of world %s, all that they emitted from %s to %s\n", len(oracle.devices),
		oracle.fingerprint, stamp(oracle.from), stamp(until))
	if err := tally.Print(os.Stdout); err != nil {
		return false, err
	}
	if tally.OK() {
		fmt.Printf("all zero: nothing lost, nothing counted twice (%.1f s)\n", time.Since(started).Seconds())
	} else if tally.Expected == 0 {
		fmt.Println("nothing was to be expected yet: let the devices emit for a minute, or give a later --until")
	}
	return tally.OK(), nil
}

// stamp writes a world time for people.
func stamp(us world.Micros) string {
	return strings.Replace(time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05.000000"), " ", "T", 1) + "Z"
}
