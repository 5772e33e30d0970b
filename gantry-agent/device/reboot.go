package device

import (
	"cmp"
	"slices"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// outage is a time in which the device is off.
type outage struct {
	from, to world.Micros
	end      bool // the epoch before it was closed
}

// outages are those that end at from or later and begin at to or earlier,
// oldest first. Those that meet are one: the device does not start between.
func (d *Device) outages(from, to world.Micros) []outage {
	var all []outage
	for i := range d.faults[world.FaultReboot] {
		f := &d.faults[world.FaultReboot][i]
		if f.PerDay == 0 {
			if f.To >= from && f.From <= to {
				all = append(all, outage{f.From, f.To, f.End})
			}
			continue
		}
		// No episode reaches beyond its day.
		slot := dayLong / second / int64(f.PerDay) * second
		for day := from / dayLong * dayLong; day <= to; day += dayLong {
			for n := range int64(f.PerDay) {
				if start, end := f.episode(day + n*slot); start < end && start <= to {
					all = append(all, outage{start, end, f.End})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b outage) int {
		if a.from == b.from && a.end != b.end {
			// Closing takes longer than the power takes to fail.
			if a.end {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.from, b.from)
	})
	merged := all[:0]
	for _, o := range all {
		if n := len(merged); n > 0 && o.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, o.to)
			continue
		}
		merged = append(merged, o)
	}
	return merged
}

// runs are the runs of the counter that begin before to and have not ended by
// from, as if the device had always been there. A day without the device has
// none.
func (d *Device) runs(from, to world.Micros) []Epoch {
	var runs []Epoch
	first, last := from/dayLong*dayLong, (to+dayLong-1)/dayLong*dayLong
	var out []outage
	if len(d.faults[world.FaultReboot]) > 0 {
		out = d.outages(first, last)
	}
	for day := first; day < to; day += dayLong {
		start, midnight := day, day+dayLong
		add := func(end world.Micros, noEnd bool) {
			if start < end && start < to && end > from {
				id := uint32(day/dayLong)<<epochShift | uint32((start-day)/second)
				runs = append(runs, Epoch{ID: id, Start: start, End: end, NoEnd: noEnd})
			}
		}
		for len(out) > 0 && out[0].from < midnight {
			add(out[0].from, !out[0].end)
			start = out[0].to
			if start > midnight {
				break // off until another day
			}
			out = out[1:]
		}
		add(midnight, len(out) > 0 && out[0].from == midnight && !out[0].end)
	}
	return runs
}
