package world

import (
	"slices"
	"time"
)

// checkedDays is how many days Check evaluates at the most.
const checkedDays = 8

// Check evaluates the days most likely to end in a queue, from the network's
// first day on: a Friday, and those with lanes closed by the scenario. It
// returns the scenario's fault, nil when it finds none.
func (w *World) Check() error {
	if w.recorded != nil {
		return nil // no queue is simulated
	}
	first := w.zone.dayOf(w.net.ValidFrom)
	days := []int{first}
	for weekday(days[0]) != time.Friday {
		days[0]++
	}
	for i := range w.scn.incidents {
		days = append(days, w.scn.incidents[i].day)
	}
	for i := range w.scn.works {
		days = append(days, w.scn.works[i].firstDay)
	}
	slices.Sort(days)
	days = slices.Compact(days)
	for _, day := range days[:min(len(days), checkedDays)] {
		w.Totals(day)
	}
	return w.Fault()
}

// Widening is a station that gets one more lane.
type Widening struct {
	// Station as it is from then on.
	Station Station
	// From is when.
	From Micros
}

// WidenedLink is a link that gets one more lane.
type WidenedLink struct {
	// Link as it is from then on.
	Link Link
	// From is when.
	From Micros
}

// addedLanes are the interventions that add a lane, by time.
func (w *World) addedLanes() []intervention {
	if w.recorded != nil {
		return nil
	}
	added := slices.Clone(w.scn.interventions)
	added = slices.DeleteFunc(added, func(v intervention) bool { return v.addLane == nil })
	slices.SortStableFunc(added, func(a, b intervention) int { return a.day - b.day })
	return added
}

// WidenedLinks are the links that get lanes, by time.
func (w *World) WidenedLinks() []WidenedLink {
	var list []WidenedLink
	lanes := map[int]uint8{}
	for _, v := range w.addedLanes() {
		i := v.addLane.link
		lanes[i]++
		l := w.net.Links[i]
		l.Lanes += lanes[i]
		list = append(list, WidenedLink{l, w.zone.dayStart(v.day)})
	}
	return list
}

// Widenings are the stations that get lanes, by time. An instrument must
// know the lane before the first vehicle is in it.
func (w *World) Widenings() []Widening {
	var list []Widening
	lanes := map[int]uint8{}
	for _, v := range w.addedLanes() {
		for i := range w.net.Stations {
			if w.base.segments[w.base.at[i]].link != v.addLane.link {
				continue
			}
			lanes[i]++
			s := w.net.Stations[i]
			s.Lanes += lanes[i]
			list = append(list, Widening{s, w.zone.dayStart(v.day)})
		}
	}
	return list
}
