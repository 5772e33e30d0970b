package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"
)

// figure is one line of the result.
type figure struct {
	// Name ends in the unit where it has one.
	Name string
	// Value of the figure, in Unit.
	Value float64
	// Unit of the value.
	Unit string
	// Note says under which conditions.
	Note string
}

// report is what is kept of a run. Figures of two machines cannot be compared,
// so the machine stands beside them. As JSON it is one object: each figure's
// value under its name, and machine, settings, units and notes.
type report map[string]any

// machine is where and when a run was made.
type machine struct {
	Cores int       `json:"cores"`
	OS    string    `json:"os"`
	Arch  string    `json:"arch"`
	Go    string    `json:"go"`
	Date  time.Time `json:"date"`
	// Load is the load average of the last minute before the run; left out
	// where it is not known. On a busy machine the figures say little.
	Load *float64 `json:"load_before,omitempty"`
}

func thisMachine(now time.Time) machine {
	m := machine{
		Cores: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Go: runtime.Version(), Date: now.UTC().Truncate(time.Second),
	}
	var load float64
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		if _, err := fmt.Sscan(string(data), &load); err == nil {
			m.Load = &load
		}
	}
	return m
}

func newReport(s *settings, m machine, figures []figure) report {
	units, notes := map[string]string{}, map[string]string{}
	r := report{
		"machine": m, "units": units, "notes": notes,
		"settings": map[string]any{
			"measure": s.Measure, "network": s.Network, "seed": s.Seed, "history": s.History, "agents": s.Agents,
			"kafka": s.Kafka, "live_s": s.Live.Seconds(), "profiled": s.Profile != "",
			"ingest_readings": s.Readings, "ingest_rate": s.Rate, "ingest_streams": s.Streams,
			"ingest_devices": s.Devices, "ingest_batch": s.Batch, "ingest_own_brokers": len(s.Brokers) > 0,
			"dashboard_days": s.Days, "dashboard_own_data": s.Data == "", "dashboard_viewers": s.Viewers, "dashboard_loads": s.Loads,
		},
	}
	for _, f := range figures {
		r[f.Name], units[f.Name], notes[f.Name] = f.Value, f.Unit, f.Note
	}
	return r
}

// write keeps the report as JSON.
func (r report) write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}

// table prints the figures in the order they were measured in.
func table(out io.Writer, figures []figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range figures {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Name, readable(f.Value), f.Unit, f.Note)
	}
	return w.Flush()
}

// readable is a value with as many digits as a measurement deserves.
func readable(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
