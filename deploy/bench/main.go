package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

// settings are the flags of a run.
type settings struct {
	Readings int      `default:"2000000" help:"Readings to send."`
	Rate     int      `default:"0" help:"Readings per second, all streams together; 0 as many as go."`
	Streams  int      `default:"12" help:"Agents' streams."`
	Devices  int      `default:"72" help:"Devices, spread over the streams."`
	Batch    int      `default:"1000" help:"Readings in a batch."`
	Brokers  []string `help:"Kafka brokers; without any, a fake one is started."`
	Out      string   `help:"File for the figures as JSON."`
	Role     string   `hidden:"" enum:"bench,collector,broker" default:"bench"`
}

// figure is one line of the result.
type figure struct {
	// Value of the figure, in Unit.
	Value float64 `json:"value"`
	// Unit of the value.
	Unit string `json:"unit"`
	// Note says under which conditions.
	Note string `json:"note,omitempty"`
}

func main() {
	var s settings
	kong.Parse(&s, kong.Description("Measure what a reading costs the collector."), kong.DefaultEnvars("GANTRY_BENCH"))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := s.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (s *settings) run(ctx context.Context) error {
	switch s.Role {
	case "collector":
		return serveCollector(ctx, s)
	case "broker":
		return serveBroker(ctx)
	}
	figures, err := s.measureIngest(ctx)
	if err != nil {
		return err
	}
	if err := table(figures); err != nil {
		return err
	}
	if s.Out == "" {
		return nil
	}
	b, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.Out, append(b, '\n'), 0o600)
}

// table prints the figures by name.
func table(figures map[string]figure) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	names := make([]string, 0, len(figures))
	for n := range figures {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		f := figures[n]
		fmt.Fprintf(w, "%s\t%.3f\t%s\t%s\n", n, f.Value, f.Unit, f.Note)
	}
	return w.Flush()
}
