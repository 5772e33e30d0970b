package world

// planned are the times at which a day's trips would cross each station in
// free flow: the demand there, before anything holds it up.
type planned struct {
	number int
	times  [][]uint32 // by station, ticks since the day's start, in no order
}

// Planned is how many trips would cross a station in [from, to) if each drove
// at its own speed and nothing slowed it. It is what the model was told, and
// what counts may be held against.
func (w *World) Planned(stationID string, from, to Micros) int {
	station, ok := w.stations[stationID]
	if !ok || w.recorded != nil { // nobody planned what was recorded
		return 0
	}
	n := 0
	for day := w.zone.dayOf(from) - 1; w.zone.dayStart(day) < to; day++ {
		start := w.zone.dayStart(day)
		for _, at := range w.plannedOf(day).times[station] {
			if t := start + Micros(at)*tick; from <= t && t < to {
				n++
			}
		}
	}
	return n
}

// plannedOf computes a day's times, or takes them from the last two days asked
// for.
func (w *World) plannedOf(day int) *planned {
	w.plannedMu.Lock()
	defer w.plannedMu.Unlock()
	for _, p := range w.plannedKept {
		if p != nil && p.number == day {
			return p
		}
	}
	w.days.mu.Lock() // for the drafts of the plan
	defer w.days.mu.Unlock()
	p := &planned{day, make([][]uint32, len(w.net.Stations))}
	g := w.gridOf(day)
	dry := flow{weather: conditions{speedPercent: 100}}
	for i, trips := 0, w.plan(day); i < len(trips); i++ {
		t := &trips[i]
		at := t.entry
		for _, s := range w.routes.all[t.route].segments {
			segment := &g.segments[s]
			at += travelTicks(segment.lengthM, dry.drive(&stretch{segment: segment}, t))
			if segment.station >= 0 {
				p.times[segment.station] = append(p.times[segment.station], at)
			}
		}
	}
	w.plannedKept[1], w.plannedKept[0] = w.plannedKept[0], p
	return p
}

// SpeedingStations are the stations on links where the scenario lets drivers
// be faster than elsewhere.
func (w *World) SpeedingStations() []string {
	var ids []string
	if w.recorded != nil {
		return nil
	}
	for i := range w.net.Stations {
		for _, s := range w.scn.speeding {
			if w.base.segments[w.base.at[i]].link == s.link {
				ids = append(ids, w.net.Stations[i].ID)
				break
			}
		}
	}
	return ids
}
