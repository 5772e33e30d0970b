package lease

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// write is a device's new holder.
type write struct {
	device string
	holder holder
}

// decision is what the decider has to write, and how things stand after it.
type decision struct {
	// expired are sessions to delete, ordered.
	expired []string
	// writes are the devices whose holder changes, ordered by device.
	writes []write
	// assigned, static and unassigned count the devices of the network.
	assigned, static, unassigned int
	// superseded counts the sessions that hold nothing because their agent
	// has a newer one.
	superseded int
}

// empty says that nothing is to be written.
func (d *decision) empty() bool { return len(d.expired) == 0 && len(d.writes) == 0 }

// share is a session's part in the assignment.
type share struct {
	session  string
	capacity int
	// keep are the devices it holds and may go on holding, ordered.
	keep []string
	// target is how many it should hold.
	target int
	// rest is the fraction of its exact share that target leaves out, in
	// units of 1/total capacity.
	rest int
}

// decide computes the assignment of the devices, which it sorts, and what has
// to be written for it. Beyond maxDevices, devices stay unassigned.
func (t *table) decide(devices []string, maxDevices int, now time.Duration) decision {
	var out decision
	expired := func(s *sessionEntry) bool { return t.expired(s, now) }
	newest := t.newest(expired)
	released := t.released(newest)
	// A superseded session is not deleted: while its stream lives, it would
	// be written again with every renewal.
	gone := func(s *sessionEntry) bool { return released(s) || expired(s) }
	for id, s := range t.sessions {
		if expired(s) {
			out.expired = append(out.expired, id)
		}
	}
	out.superseded = len(t.sessions) - len(out.expired) - len(newest)
	slices.Sort(out.expired)

	static := t.static(gone)
	pool := t.pool(devices, maxDevices, static, &out)
	shares := t.shares(gone, pool)
	setTargets(shares, len(pool))
	wanted := assign(shares, pool)
	out.assigned = len(wanted)
	out.unassigned += len(pool) - len(wanted)

	for device, session := range wanted {
		if old := t.devices[device]; old.session != session {
			out.writes = append(out.writes, write{device, holder{session, old.term + 1}})
		}
	}
	for device, old := range t.devices {
		if wanted[device] == "" && old.session != "" {
			out.writes = append(out.writes, write{device, holder{"", old.term + 1}})
		}
	}
	slices.SortFunc(out.writes, func(a, b write) int { return cmp.Compare(a.device, b.device) })
	return out
}

// pool gives the devices to be leased, ordered: those of the network that no
// session holds by hand, within the limit.
func (t *table) pool(devices []string, maxDevices int, static map[string]string, out *decision) []string {
	devices = slices.Compact(slices.Sorted(slices.Values(devices)))
	pool := make([]string, 0, min(len(devices), maxDevices))
	for _, d := range devices {
		_, known := t.devices[d]
		switch {
		case static[d] != "":
			out.static++
		case len(pool) >= maxDevices, !known && len(t.devices)+len(pool) >= 4*maxDevices:
			// Records of devices are never deleted, so that terms grow for
			// ever: what a network has ever named is bounded as well.
			out.unassigned++
		default:
			pool = append(pool, d)
		}
	}
	return pool
}

// shares gives the sessions that may be leased devices, ordered by session.
func (t *table) shares(gone func(*sessionEntry) bool, pool []string) []*share {
	out := make([]*share, 0, len(t.sessions))
	byID := map[string]*share{}
	for _, id := range slices.Sorted(maps.Keys(t.sessions)) {
		s := t.sessions[id]
		// A session with static devices asks for no lease.
		if gone(s) || s.record.Capacity == 0 || len(s.record.StaticDevices) > 0 {
			continue
		}
		sh := &share{session: id, capacity: int(s.record.Capacity)}
		out, byID[id] = append(out, sh), sh
	}
	for _, device := range pool {
		if sh := byID[t.devices[device].session]; sh != nil {
			sh.keep = append(sh.keep, device)
		}
	}
	return out
}

// setTargets spreads n devices in proportion to capacity: each share gets its
// exact part rounded down or up. Who is rounded up: first those who hold more
// than the part rounded down, for that moves nothing; then the largest
// fraction; then the first by session.
func setTargets(shares []*share, n int) {
	total := 0
	for _, s := range shares {
		total += s.capacity
	}
	if total <= n {
		for _, s := range shares {
			s.target = s.capacity
		}
		return
	}
	left := n
	for _, s := range shares {
		s.target, s.rest = n*s.capacity/total, n*s.capacity%total
		left -= s.target
	}
	order := slices.Clone(shares)
	slices.SortStableFunc(order, func(a, b *share) int {
		if a.rest == 0 || b.rest == 0 { // An exact part is never rounded up.
			return cmp.Compare(b.rest, a.rest)
		}
		return cmp.Or(
			cmp.Compare(min(max(len(b.keep)-b.target, 0), 1), min(max(len(a.keep)-a.target, 0), 1)),
			cmp.Compare(b.rest, a.rest),
		)
	})
	for _, s := range order[:left] {
		s.target++
	}
}

// assign gives each device its session: each share keeps what it holds up to
// its target, and what is left fills the others up in order, so that devices
// of one place tend to stay together.
func assign(shares []*share, pool []string) map[string]string {
	wanted := make(map[string]string, len(pool))
	for _, s := range shares {
		for _, device := range s.keep[:min(len(s.keep), s.target)] {
			wanted[device] = s.session
		}
	}
	i, room := 0, 0
	if len(shares) > 0 {
		room = shares[0].target - min(len(shares[0].keep), shares[0].target)
	}
	for _, device := range pool {
		if wanted[device] != "" {
			continue
		}
		for room == 0 {
			if i++; i >= len(shares) {
				return wanted
			}
			room = shares[i].target - min(len(shares[i].keep), shares[i].target)
		}
		wanted[device] = shares[i].session
		room--
	}
	return wanted
}
