package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// fleetDevices is how many devices the memory of an agent is measured with.
const fleetDevices = 100

// worldDays is how many days each measurement of the world takes.
const worldDays = 5

// worldFigures are what a child of one core has measured.
type worldFigures struct {
	ReadingsPerS float64 `json:"readings_per_s,omitempty"`
	FirstReading float64 `json:"first_reading_s,omitempty"`
	MetroDay     float64 `json:"metro_day_s,omitempty"`
	CorridorDay  float64 `json:"corridor_day_s,omitempty"`
	FleetMiB     float64 `json:"fleet_mib,omitempty"`
}

// measureWorld measures what making readings costs, on one core in a process
// of its own, and in another the memory of an agent's devices.
func (s *settings) measureWorld(ctx context.Context) ([]figure, error) {
	var f worldFigures
	for _, role := range []string{"world", "fleet"} {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, self, "--role="+role, fmt.Sprintf("--seed=%d", s.Seed))
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
		var problem bytes.Buffer
		cmd.Stderr = &problem
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &f)
		}
		if err != nil {
			return nil, fmt.Errorf("measure the world: %w: %s", err, problem.String())
		}
	}
	days := fmt.Sprintf("processor time, mean of %d days", worldDays)
	return []figure{
		{"world_readings_per_s", f.ReadingsPerS, "1/s", "corridor, all devices, generated and encoded on one core, field included; by processor time"},
		{"world_corridor_day_s", f.CorridorDay, "s", "the shared field of a workday; " + days},
		{"world_metro_day_s", f.MetroDay, "s", "the shared field of a workday; " + days},
		{"world_first_reading_s", f.FirstReading, "s", "corridor, from the files' text to the first reading"},
		{"agent_100_devices_mib", f.FleetMiB, "MiB", "corridor, greatest resident memory of 100 cursors live and in backfill (48 devices, most of them twice)"},
	}, nil
}

// printWorld measures in this process and prints JSON.
func printWorld(seed uint64, fleet bool) error {
	var f worldFigures
	var err error
	if fleet {
		f.FleetMiB, err = fleetMemory(seed)
	} else {
		err = f.measure(seed)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// start of the days measured: a Monday.
var worldStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMicro()

const dayMicros = 24 * 3600 * 1_000_000

func (f *worldFigures) measure(seed uint64) error {
	began := time.Now()
	w, devices, err := openWorld("corridor", seed)
	if err != nil {
		return err
	}
	if _, ok := devices[0].Open(devices[0].Epochs(worldStart, worldStart+1)[0], 0).Next(); !ok {
		return fmt.Errorf("no reading")
	}
	f.FirstReading = time.Since(began).Seconds()

	before, readings := cpuTime(), 0
	var wire []byte
	for day := range int64(worldDays) {
		at := worldStart + day*dayMicros
		for _, d := range devices {
			c := d.Open(d.Epochs(at, at+1)[0], 0)
			for r, ok := c.Next(); ok; r, ok = c.Next() {
				wire = r.AppendWire(wire[:0])
				readings++
			}
		}
	}
	f.ReadingsPerS = float64(readings) / (cpuTime() - before).Seconds()

	f.CorridorDay = fieldTime(w)
	metro, _, err := openWorld("metro", seed)
	if err != nil {
		return err
	}
	f.MetroDay = fieldTime(metro)
	return nil
}

// fieldTime is what the field of a workday costs, once memory is there.
func fieldTime(w *world.World) float64 {
	day := w.DayNumber(worldStart) + 365
	w.Totals(day)
	before := cpuTime()
	for i := range worldDays {
		w.Totals(day + 7*(i+1))
	}
	return (cpuTime() - before).Seconds() / worldDays
}

func openWorld(network string, seed uint64) (*world.World, []*device.Device, error) {
	networkYAML, _ := world.Shipped("network", network)
	scenarioYAML, _ := world.Shipped("scenario", world.ScenarioFor(network))
	w, err := world.New(world.Spec{NetworkYAML: networkYAML, ScenarioYAML: scenarioYAML, Seed: seed})
	if err != nil {
		return nil, nil, err
	}
	var devices []*device.Device
	for _, in := range w.Network().Devices {
		d, err := device.New(w, in.ID, w.Network().ValidFrom)
		if err != nil {
			return nil, nil, err
		}
		devices = append(devices, d)
	}
	return w, devices, nil
}

// fleetMemory holds a live cursor for each device and runs through history
// beside, as an agent does, and returns the process's greatest resident memory.
func fleetMemory(seed uint64) (float64, error) {
	debug.SetGCPercent(10) // as gantry-agent does
	w, devices, err := openWorld("corridor", seed)
	if err != nil {
		return 0, err
	}
	w.Keep(1) // too
	live := worldStart + 20*dayMicros
	cursors := make([]*device.Cursor, fleetDevices)
	for i := range cursors {
		d := devices[i%len(devices)]
		cursors[i] = d.Open(d.Epochs(live, live+1)[0], 10_000)
	}
	for day := range int64(worldDays) {
		at := live - (day+1)*dayMicros
		for i := range fleetDevices {
			d := devices[i%len(devices)]
			c := d.Open(d.Epochs(at, at+1)[0], 0)
			for more := true; more; {
				_, more = c.Next()
			}
		}
	}
	runtime.KeepAlive(cursors)
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("resident memory: %w", err)
	}
	peak := float64(usage.Maxrss) / 1024 // KiB on Linux
	if runtime.GOOS == "darwin" {
		peak /= 1024
	}
	return peak, nil
}

// cpuTime is this process's so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
