package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Config is what the command line gives.
type Config struct {
	NetworkFile            string        `required:"" type:"existingfile" help:"The file that was given to collector network apply, with the world in it."`
	Recorded               string        `type:"existingfile" help:"The recording that the network replays, if it replays one."`
	PlateKeyFile           string        `required:"" type:"existingfile" help:"The collector's key of plate tokens."`
	ClickhouseAddr         string        `default:"127.0.0.1:9000" help:"ClickHouse's native port."`
	ClickhouseUser         string        `default:"operator" help:"A user that may read raw."`
	ClickhousePasswordFile string        `required:"" type:"existingfile" help:"File with that user's password."`
	TokensOnly             bool          `help:"Readings came through the JSON topics: raw must hold their tokens, and no plate and no tag."`
	Until                  string        `help:"T: compare all that was emitted up to this time, RFC 3339. Default: now less the lease's time less 10 s."`
	LeaseTTL               time.Duration `default:"15s" help:"How long a device may be without an agent after one died."`
	Ahead                  time.Duration `default:"5s" help:"How far an agent's clock may be ahead of this machine's."`
	Parallel               int           `default:"2" help:"Devices compared at the same time."`
	JSON                   bool          `help:"Print the counts as JSON."`
}

// settleTime is what a reading may take from its device to ClickHouse when
// nothing is wrong.
const settleTime = 10 * time.Second

func (c *Config) until(now time.Time) (world.Micros, error) {
	if c.Until == "" {
		return now.Add(-c.LeaseTTL - settleTime).UnixMicro(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, c.Until)
	if err != nil {
		return 0, fmt.Errorf("--until %q is no time: write it as 2026-11-23T07:30:00Z", c.Until)
	}
	return t.UnixMicro(), nil
}

// secret reads a file that holds one password.
func secret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
