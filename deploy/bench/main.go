package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
)

// settings are the flags of a run. Those that the launcher has too are set
// like its own, as make bench HISTORY=7d.
type settings struct {
	Measure string `enum:"all,world,ingest,stack,dashboard" default:"all" help:"What to measure: ${enum}."`
	Out     string `help:"File for the figures as JSON."`

	History string        `env:"HISTORY,GANTRY_HISTORY" default:"2d" placeholder:"2d" help:"Days of history to backfill."`
	Agents  int           `env:"AGENTS,GANTRY_AGENTS" default:"2" help:"Agent processes."`
	Network string        `env:"NETWORK,GANTRY_NETWORK" default:"corridor" help:"Network to simulate."`
	Seed    uint64        `env:"SEED,GANTRY_SEED" default:"1" help:"Seed of the world."`
	Kafka   string        `env:"KAFKA,GANTRY_KAFKA" enum:"fake,apache" default:"fake" help:"Broker of the stack: ${enum}."`
	Live    time.Duration `default:"30s" help:"How long to measure at live rate."`
	Models  bool          `default:"true" negatable:"" help:"Measure dbt on the history too."`
	Profile string        `placeholder:"DIR" help:"Folder for CPU and heap profiles of the collector during the backfill."`

	Data    string `placeholder:"DIR" type:"existingdir" help:"Dashboard: a state folder whose data and models are there already, as score serve leaves it; a copy is served. Without it, data are made."`
	Days    int    `env:"DASHBOARD_DAYS,GANTRY_BENCH_DAYS" default:"3" help:"Dashboard: days of corridor to make. The budgets are for 28, which take minutes to load and build."`
	Viewers int    `default:"50" help:"Dashboard: how many watch the live minutes."`
	Loads   int    `default:"5" help:"Dashboard: how often each page is opened."`

	Readings int      `default:"2000000" help:"Ingest alone: readings to send."`
	Rate     int      `default:"0" help:"Ingest alone: readings per second, all streams together; 0 as many as go."`
	Streams  int      `default:"12" help:"Ingest alone: agents' streams."`
	Devices  int      `default:"72" help:"Ingest alone: devices, spread over the streams."`
	Batch    int      `default:"1000" help:"Ingest alone: readings in a batch."`
	Brokers  []string `help:"Ingest alone: Kafka brokers; without any, a fake one is started."`
	Role     string   `hidden:"" enum:"bench,collector,broker,world,fleet" default:"bench"`
}

func main() {
	clickhouselocal.Main() // an engine runs in a child of this program
	var s settings
	kong.Parse(&s, kong.Description("Measure what a reading costs, and how long it takes."), kong.DefaultEnvars("GANTRY_BENCH"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := s.run(ctx)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case err != nil && interrupted:
		err = errors.New("interrupted; nothing was kept")
	case err == nil:
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func (s *settings) run(ctx context.Context) error {
	switch s.Role {
	case "collector":
		return serveCollector(ctx, s)
	case "broker":
		return serveBroker(ctx)
	case "world", "fleet":
		return printWorld(s.Seed, s.Role == "fleet")
	}
	m := thisMachine(time.Now())
	figures, err := s.measure(ctx)
	if err != nil {
		return err
	}
	if err := table(os.Stdout, figures); err != nil || s.Out == "" {
		return err
	}
	return newReport(s, m, figures).write(s.Out)
}

// measure takes one thing after the other: on few cores they would measure
// each other.
func (s *settings) measure(ctx context.Context) ([]figure, error) {
	var figures []figure
	for _, part := range []struct {
		name string
		take func(context.Context) ([]figure, error)
	}{
		{"world", s.measureWorld},
		{"stack", s.measureStack},
		{"ingest", s.measureIngest},
		{"dashboard", s.measureDashboard},
	} {
		if s.Measure != "all" && s.Measure != part.name {
			continue
		}
		taken, err := part.take(ctx)
		if err != nil {
			return nil, err
		}
		figures = append(figures, taken...)
	}
	return figures, nil
}

// historyDays reads History as the launcher does.
func (s *settings) historyDays() (int, error) {
	digits, ok := strings.CutSuffix(s.History, "d")
	days, err := strconv.Atoi(digits)
	if !ok || err != nil || days < 0 {
		return 0, fmt.Errorf("HISTORY=%s is not a number of days: give it as HISTORY=2d", s.History)
	}
	return days, nil
}
