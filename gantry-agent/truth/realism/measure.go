package realism

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Options say what is measured.
type Options struct {
	// Stations to measure at, in the network's order; all when empty.
	Stations []world.Station
	// From is a moment of the first day.
	From world.Micros
	// Days to look at in detail.
	Days int
	// YearDays to count hours on, from the same day on. Less than Days is as many.
	YearDays int
	// Workers is how many days are read at a time, the number of processors when
	// 0. It changes no figure.
	Workers int
}

// Report is what was measured.
type Report struct {
	// Rows are the properties, always all of them and in the same order.
	Rows []Row `json:"rows"`
	// AADT of each station; empty without a year.
	AADT []AADT `json:"stations,omitempty"`
}

// measure takes days in one after the other and says what they show.
type measure interface {
	// add takes in a detailed day.
	add(*day)
	rows() []Row
}

// Measure reads the passages and makes the report.
func Measure(ctx context.Context, src Source, o Options) (*Report, error) {
	if o.Stations == nil {
		o.Stations = src.Network().Stations
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Days < 1 || len(o.Stations) == 0 {
		return nil, fmt.Errorf("realism: %d days at %d stations show nothing", o.Days, len(o.Stations))
	}
	o.YearDays = max(o.YearDays, o.Days)
	zone, err := Location(src.Network().Zone)
	if err != nil {
		return nil, err
	}
	days := plan(src, &o)
	for i := range days {
		days[i].date = dateOf(days[i].start, zone)
	}
	hours := newYears(o.Stations, days[1].date, o.YearDays, o.Days)
	measures := []measure{
		newPeaks(o.Stations), &heavies{}, &dispersion{}, &capacity{}, &speeds{}, &laneUse{},
		newBottlenecks(o.Stations), newWaves(o.Stations), &headways{},
		&agreement{src: src, stations: o.Stations}, &limits{src: src, stations: o.Stations},
	}
	err = read(ctx, src, &o, days, func(d *day) {
		hours.add(d)
		if d.detailed {
			for _, m := range measures {
				m.add(d)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return assemble(hours, measures), nil
}

// plan is the world days to read: the first one only for the hours after its
// midnight, which belong to the first date.
func plan(src Source, o *Options) []day {
	first := src.DayStart(o.From)
	start := src.DayStart(first - 1)
	days := make([]day, 0, o.YearDays+1)
	for i := range o.YearDays + 1 {
		end := nextDay(src, start)
		days = append(days, day{start: start, end: end, detailed: 0 < i && i <= o.Days})
		start = end
	}
	return days
}

// runDays is how many days in a row one goroutine reads: a world may have to
// look at the day before the first.
const runDays = 7

// read hands out the days in order. No more are in memory than the workers
// have begun.
func read(ctx context.Context, src Source, o *Options, days []day, each func(*day)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make([]chan struct{}, len(days))
	for i := range done {
		done[i] = make(chan struct{})
	}
	begun := make(chan struct{}, o.Workers+1) // runs that are read or wait to be handed out
	runs := make(chan int)
	var workers sync.WaitGroup
	workers.Go(func() {
		defer close(runs)
		for first := 0; first < len(days); first += runDays {
			select {
			case begun <- struct{}{}:
				runs <- first
			case <-ctx.Done():
				return
			}
		}
	})
	for range o.Workers {
		workers.Go(func() {
			for first := range runs {
				readRun(ctx, src, o, days[first:min(first+runDays, len(days))], done[first:])
			}
		})
	}
	defer workers.Wait()
	for i := range days {
		select {
		case <-done[i]:
		case <-ctx.Done():
			return ctx.Err()
		}
		each(&days[i])
		days[i].stations, days[i].hours = nil, nil
		if i%runDays == runDays-1 {
			<-begun
		}
	}
	return nil
}

// readRun reads days that follow each other and closes done of each.
func readRun(ctx context.Context, src Source, o *Options, run []day, done []chan struct{}) {
	r := newReader(src, o.Stations, run[0].start, run[len(run)-1].end)
	for i := range run {
		if ctx.Err() != nil {
			return
		}
		r.day(&run[i])
		close(done[i])
	}
}

// assemble sorts all rows into the order of the table.
func assemble(hours *years, measures []measure) *Report {
	byName := map[string]Row{}
	for _, r := range hours.rows() {
		byName[r.Name] = r
	}
	for _, m := range measures {
		for _, r := range m.rows() {
			byName[r.Name] = r
		}
	}
	report := &Report{AADT: hours.aadts()}
	for _, b := range bands {
		report.Rows = append(report.Rows, byName[b.name])
	}
	return report
}
