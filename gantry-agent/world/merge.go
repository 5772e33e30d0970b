package world

// meet passes vehicles on at a junction where several lines meet: segments
// that merge, and trips that begin there.
func (f *flow) meet(j *crossroads) {
	if f.deserted(j) {
		return
	}
	for i := range j.bids {
		f.renew(j, i)
	}
	for {
		first := f.first(j)
		if first < 0 || j.bids[first].at >= f.now+f.step {
			return
		}
		b := j.bids[first]
		if j.contested(first) {
			j.credit[first] += uint64(f.trips[b.trip].units()) * creditScale / uint64(f.priority(j, first))
		}
		if first < len(j.in) {
			f.pass(&f.stretches[j.in[first]], &b)
		} else {
			f.depart(&f.entrances[j.entrances[first-len(j.in)]], &b)
		}
		for i := range j.bids {
			if i == first || j.bids[i].to == b.to {
				f.renew(j, i)
			}
		}
	}
}

// deserted says that nobody is there in this step.
func (f *flow) deserted(j *crossroads) bool {
	for _, in := range j.in {
		if f.stretches[in].head >= 0 {
			return false
		}
	}
	for _, e := range j.entrances {
		if t := f.entrances[e].trips; len(t) > 0 && f.trips[t[0]].entry < f.now+f.step {
			return false
		}
	}
	return true
}

// renew finds out what the head of line i can do by now.
func (f *flow) renew(j *crossroads, i int) {
	if i < len(j.in) {
		j.bids[i] = f.bid(&f.stretches[j.in[i]])
		return
	}
	s := &f.entrances[j.entrances[i-len(j.in)]]
	j.bids[i] = bid{at: never, trip: -1}
	if len(s.trips) == 0 {
		return
	}
	t := s.trips[0]
	b := bid{trip: t, at: f.trips[t].entry, to: int32(s.segment), lane: 1}
	if b.at < f.now+f.step {
		f.enter(&b, f.trips[t].class(), &f.trips[t])
	}
	j.bids[i] = b
}

// first is the line whose head passes first, -1 when none can. Lines that wait
// for the same room take turns by their priority.
func (f *flow) first(j *crossroads) int {
	best := -1
	for i := range j.bids {
		if j.bids[i].at != never && (best < 0 || j.bids[i].at < j.bids[best].at) {
			best = i
		}
	}
	if best >= 0 && j.contested(best) {
		return j.contest(best)
	}
	return best
}

// contested says whether a line and another one both wait to go the same way.
func (j *crossroads) contested(line int) bool {
	b := &j.bids[line]
	if b.bound == byNothing {
		return false
	}
	for i := range j.bids {
		if a := &j.bids[i]; i != line && a.to == b.to && a.bound != byNothing {
			return true
		}
	}
	return false
}

// creditScale keeps the fractions of a unit over a priority.
const creditScale = 1 << 16

// courtesy is how much later a waiting vehicle may be and still have its turn,
// in ticks: a ramp has one lane, and would else lose each second turn by a
// moment.
const courtesy = uint32(1 * second / tick)

// rivals says whether line i waits for what line best would take.
func (j *crossroads) rivals(i, best int) bool {
	a, b := &j.bids[i], &j.bids[best]
	return a.to == b.to && a.bound != byNothing && a.at != never && a.at <= b.at+courtesy
}

// contest chooses among a line and its rivals: the one that has had the least
// so far, in units over its priority. A line that comes new to a contest starts
// level with the others, for what it had before is past.
func (j *crossroads) contest(first int) int {
	best, most := -1, uint64(0)
	for i := range j.bids {
		if j.rivals(i, first) {
			most = max(most, j.credit[i])
		}
	}
	for i := range j.bids {
		if !j.rivals(i, first) {
			continue
		}
		j.credit[i] = max(j.credit[i], most-min(most, 5*carUnits*creditScale))
		if best < 0 || j.credit[i] < j.credit[best] {
			best = i
		}
	}
	return best
}

// priority of a line at a merge.
func (f *flow) priority(j *crossroads, i int) uint32 {
	if i < len(j.in) {
		return f.stretches[j.in[i]].priority
	}
	return 1
}

// depart lets the next trip of a source enter.
func (f *flow) depart(s *entrance, b *bid) {
	s.trips = s.trips[1:]
	f.totals.depart(&f.trips[b.trip], b.at-f.moves[b.trip].ready)
	f.admit(b, draw(f.stretches[b.to].key+1, f.trips[b.trip].key()))
}
