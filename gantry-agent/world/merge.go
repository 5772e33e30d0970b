package world

// meet passes vehicles on at a junction where several lines meet: segments
// that merge, and trips that begin there.
func (f *flow) meet(j *crossroads) {
	for i := range j.bids {
		f.renew(j, i)
	}
	for {
		first := f.first(j)
		if first < 0 || j.bids[first].at >= f.now+f.step {
			return
		}
		b := j.bids[first]
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
		f.enter(&b, f.trips[t].vehicle.Class(), &f.trips[t])
	}
	j.bids[i] = b
}

// first is the line whose head passes first, -1 when none can. Lines that wait
// for the same room at the same time take turns by their priority.
func (f *flow) first(j *crossroads) int {
	best := -1
	for i := range j.bids {
		if j.bids[i].at != never && (best < 0 || j.bids[i].at < j.bids[best].at) {
			best = i
		}
	}
	if best < 0 {
		return best
	}
	at, to, rivals := j.bids[best].at, j.bids[best].to, 0
	for i := range j.bids {
		if i != best && j.bids[i].at == at && j.bids[i].to == to {
			rivals++
		}
	}
	if rivals > 0 {
		best = f.contest(j, at, to)
	}
	return best
}

// contest chooses among lines that could pass at the same time: the one that
// has had the least so far, in units over its priority. A line that comes new to
// a contest starts level with the others, for what it had before is past.
func (f *flow) contest(j *crossroads, at uint32, to int32) int {
	const scale = 1 << 16
	best, most := -1, uint64(0)
	in := func(i int) bool { return j.bids[i].at == at && j.bids[i].to == to }
	for i := range j.bids {
		if in(i) {
			most = max(most, j.credit[i])
		}
	}
	for i := range j.bids {
		if !in(i) {
			continue
		}
		j.credit[i] = max(j.credit[i], most-min(most, 3*carUnits*scale))
		if best < 0 || j.credit[i] < j.credit[best] {
			best = i
		}
	}
	j.credit[best] += uint64(f.trips[j.bids[best].trip].units()) * scale / uint64(f.priority(j, best))
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
	f.totals.depart(&f.trips[b.trip], b.at-f.ready[b.trip])
	f.admit(b, draw(f.stretches[b.to].key+1, uint64(f.trips[b.trip].key)))
}
