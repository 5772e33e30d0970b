package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/deploy/score/warehouse"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// serveCommand is `score serve`: a warehouse for whoever writes models.
type serveCommand struct {
	Network  string    `default:"corridor" placeholder:"NAME|FILE" help:"Network that comes with the program, or a file."`
	Scenario string    `placeholder:"NAME|FILE" help:"Scenario that comes with the program, or a file; without it, the one that goes with the network."`
	Seed     uint64    `default:"1" help:"Seed of all chance."`
	From     time.Time `format:"2006-01-02" placeholder:"DATE" help:"First UTC day; without it, the first Monday of the network's life."`
	Days     int       `default:"7" help:"How many days."`
	Workdays bool      `help:"Mondays to Fridays only; they alone are counted by --days."`

	Dir      string `required:"" help:"Folder for data and secrets; one that is there already is served as it is."`
	TCPPort  int    `name:"clickhouse-port" default:"0" help:"Port of the native protocol; 0 takes a free one."`
	HTTPPort int    `name:"clickhouse-http-port" default:"0" help:"Port of the HTTP interface; 0 takes a free one."`
}

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context) error {
	_, err := os.Stat(c.Dir)
	there := err == nil
	h, err := warehouse.Start(ctx, c.Dir, c.TCPPort, c.HTTPPort)
	if err != nil {
		return err
	}
	defer h.Stop()
	if !there {
		if err := c.load(ctx, h); err != nil {
			return errors.Join(err, os.RemoveAll(c.Dir))
		}
	}
	if err := describe(os.Stdout, h); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-h.Done():
		return errors.New("the engine ended")
	}
}

func (c *serveCommand) load(ctx context.Context, h *warehouse.Warehouse) error {
	if c.Scenario == "" {
		c.Scenario = world.ScenarioFor(c.Network)
	}
	network, err := worldFile("network", c.Network)
	if err != nil {
		return err
	}
	scenario, err := worldFile("scenario", c.Scenario)
	if err != nil {
		return err
	}
	w, err := world.New(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: c.Seed})
	if err != nil {
		return err
	}
	from := c.From
	if from.IsZero() {
		from = firstMonday(w.Network().ValidFrom)
	}
	began := time.Now()
	sum, err := h.Load(ctx, []warehouse.Road{{World: w}}, days(from, c.Days, c.Workdays))
	if err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Fprintf(os.Stderr, "%d readings in %v, %.2f million per second; %d refused\n",
		sum.Readings, took.Round(time.Millisecond), float64(sum.Readings)/took.Seconds()/1e6, sum.Refused)
	return w.Fault()
}

// describe prints what a client needs, as lines of a shell.
func describe(out io.Writer, h *warehouse.Warehouse) error {
	_, port, _ := strings.Cut(h.HTTPAddr(), ":")
	_, err := fmt.Fprintf(out, `CLICKHOUSE_ADDR=%s
CLICKHOUSE_HTTP=http://%s/
OPERATOR_PASSWORD_FILE=%s
export GANTRY_CLICKHOUSE_HOST=127.0.0.1 GANTRY_CLICKHOUSE_HTTP_PORT=%s
export GANTRY_DBT_PASSWORD="$(cat '%s')"
# ready; Ctrl-C ends it, the folder %s stays and can be served again
`, h.TCPAddr(), h.HTTPAddr(), h.PasswordFile(clickhouselocal.UserOperator), port, h.PasswordFile(clickhouselocal.UserDBT), h.Dir())
	return err
}

// worldFile is a shipped file by its name, or any by its path.
func worldFile(kind, name string) ([]byte, error) {
	if text, ok := world.Shipped(kind, name); ok {
		return text, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--%s=%s is neither a %s that comes with the program nor a file that can be read: %w", kind, name, kind, err)
	}
	return text, nil
}
