package lease

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const (
	testTTL     = 15 * time.Second
	testDevices = 12
)

// entry is a record of the simulated topic; compaction leaves gaps.
type entry struct {
	offset int
	key    string
	value  []byte
}

// reader is a collector's follower: a table with its own place in the log.
type reader struct {
	table *table
	next  int
}

func newReader() *reader { return &reader{table: newTable(testTTL, 1000)} }

// sim is a topic, its collectors and sessions, in virtual time.
type sim struct {
	t        *rapid.T
	now      time.Duration
	log      []entry
	end      int
	readers  []*reader
	sessions map[string]*gantryv1.SessionRecord // those that renew
	renewed  map[string]time.Duration
	made     int
	devices  []string
	terms    map[string]uint64
}

func (s *sim) append(key string, value []byte) {
	s.log = append(s.log, entry{s.end, key, value})
	s.end++
}

func (s *sim) renew(id string) {
	r := s.sessions[id]
	r.Renewal++
	s.renewed[id] = s.now
	kr := sessionRecord(r)
	s.append(string(kr.Key), kr.Value)
}

// catchUp lets a reader see everything.
func (s *sim) catchUp(r *reader) {
	for _, e := range s.log {
		if e.offset < r.next {
			continue
		}
		if _, err := r.table.apply(e.key, e.value, s.now); err != nil {
			s.t.Fatal(err)
		}
		r.next = e.offset + 1
	}
	// What the decider does with its first record and each beat.
	r.table.observe(s.now)
}

// compact keeps the last record of each key, and each tombstone or not.
func compact(log []entry, keepTombstones bool) []entry {
	last := map[string]int{}
	for _, e := range log {
		last[e.key] = e.offset
	}
	var out []entry
	for _, e := range log {
		if last[e.key] == e.offset && (keepTombstones || len(e.value) > 0) {
			out = append(out, e)
		}
	}
	return out
}

// decide lets a reader be the decider for one transaction, and checks it.
func (s *sim) decide(r *reader) {
	s.catchUp(r)
	before := maps.Clone(r.table.devices)
	d := r.table.decide(s.devices, 1000, s.now)
	for _, id := range d.expired {
		if age := s.now - s.renewed[id]; age <= testTTL {
			s.t.Fatalf("session %s expired %s after its renewal", id, age)
		}
	}
	for _, kr := range d.records() {
		s.append(string(kr.Key), kr.Value)
	}
	for _, w := range d.writes {
		if w.holder.term <= s.terms[w.device] {
			s.t.Fatalf("%s: term %d after %d", w.device, w.holder.term, s.terms[w.device])
		}
		s.terms[w.device] = w.holder.term
	}
	s.catchUp(r)
	s.checkAssignment(r.table, d, before)
	if again := r.table.decide(s.devices, 1000, s.now); !again.empty() {
		s.t.Fatalf("a second decision moves devices: %+v", again)
	}
}

func (s *sim) checkAssignment(t *table, d decision, before map[string]holder) {
	static := t.static(t.released(t.newest(nil)))
	newest := t.newest(nil)
	count, gained, lost, capacity := map[string]int{}, map[string]bool{}, map[string]bool{}, 0
	pool := 0
	for _, device := range s.devices {
		h := t.devices[device].session
		if static[device] != "" {
			if h != "" {
				s.t.Fatalf("static %s is leased to %s", device, h)
			}
			continue
		}
		pool++
		if h == "" {
			continue
		}
		count[h]++
		if old := before[device].session; old != h {
			gained[h], lost[old] = true, true
		}
	}
	assigned := 0
	for id, e := range t.sessions {
		n := count[id]
		assigned += n
		r := e.record
		old := newest[r.AgentId] != id
		if (r.Draining || old || len(r.StaticDevices) > 0) && n > 0 || n > int(r.Capacity) {
			s.t.Fatalf("session %s with capacity %d, draining %v, superseded %v, static %v has %d devices", id, r.Capacity, r.Draining, old, r.StaticDevices, n)
		}
		if !r.Draining && !old && len(r.StaticDevices) == 0 {
			capacity += int(r.Capacity)
		}
		if gained[id] && lost[id] {
			s.t.Fatalf("session %s both gained and lost devices", id)
		}
	}
	if want := min(pool, capacity); assigned != want || d.assigned != want {
		s.t.Fatalf("%d devices assigned (decision says %d), want %d of %d with capacity %d", assigned, d.assigned, want, pool, capacity)
	}
	for id, e := range t.sessions {
		if capacity == 0 || e.record.Draining || newest[e.record.AgentId] != id || len(e.record.StaticDevices) > 0 {
			continue
		}
		exact := float64(min(pool, capacity)) * float64(e.record.Capacity) / float64(capacity)
		if n := float64(count[id]); n <= exact-1 || n >= exact+1 {
			s.t.Fatalf("session %s has %v devices, its part is %v", id, n, exact)
		}
	}
}

// picture is a table without its times.
func picture(t *table) string {
	sessions := map[string]string{}
	for id, e := range t.sessions {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(e.record)
		if err != nil {
			panic(err)
		}
		sessions[id] = string(b)
	}
	return fmt.Sprint(t.decider, t.devices, sessions)
}

func (s *sim) pick(name string) string {
	ids := slices.Sorted(maps.Keys(s.sessions))
	if len(ids) == 0 {
		s.t.Skip("no session")
	}
	return rapid.SampledFrom(ids).Draw(s.t, name)
}

func TestTableOverInterleavings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &sim{
			sessions: map[string]*gantryv1.SessionRecord{}, renewed: map[string]time.Duration{},
			terms: map[string]uint64{}, devices: names("d", testDevices), readers: []*reader{newReader(), newReader()},
		}
		on := func(f func()) func(*rapid.T) { return func(rt *rapid.T) { s.t = rt; f() } }
		t.Repeat(map[string]func(*rapid.T){
			"join": on(func() {
				s.made++
				id := fmt.Sprintf("s%03d", s.made)
				// Few agents and few clock readings: sessions supersede each
				// other, and tie.
				r := &gantryv1.SessionRecord{
					SessionId: id, AgentId: fmt.Sprintf("a%d", rapid.IntRange(0, 5).Draw(s.t, "agent")),
					Capacity:      rapid.Uint32Range(0, 8).Draw(s.t, "capacity"),
					ConnectedAtUs: rapid.Int64Range(0, 9).Draw(s.t, "connected"),
				}
				if rapid.IntRange(0, 5).Draw(s.t, "static") == 0 {
					r.StaticDevices = rapid.SliceOfNDistinct(rapid.SampledFrom(names("d", testDevices)), 1, 3, rapid.ID).Draw(s.t, "statics")
				}
				s.sessions[id] = r
				s.renew(id)
			}),
			"leave": on(func() {
				id := s.pick("session")
				delete(s.sessions, id)
				s.append(sessionPrefix+id, nil)
			}),
			"die":   on(func() { delete(s.sessions, s.pick("session")) }),
			"renew": on(func() { s.renew(s.pick("session")) }),
			"drain": on(func() {
				id := s.pick("session")
				s.sessions[id].Draining = true
				s.renew(id)
			}),
			"repeat": on(func() { // A producer's retry is no news.
				if len(s.log) > 0 {
					e := s.log[len(s.log)-1]
					s.append(e.key, e.value)
				}
			}),
			"devices": on(func() {
				s.devices = names("d", rapid.IntRange(0, testDevices).Draw(s.t, "devices"))
			}),
			"wait": on(func() { s.now += time.Duration(rapid.IntRange(1, 20_000).Draw(s.t, "ms")) * time.Millisecond }),
			"compact": on(func() {
				for _, r := range s.readers {
					s.catchUp(r) // Tombstones outlive any reader's lag.
				}
				s.log = compact(s.log, rapid.Bool().Draw(s.t, "tombstones"))
			}),
			"collector": on(func() { s.readers = append(s.readers, newReader()) }),
			"follow":    on(func() { s.catchUp(rapid.SampledFrom(s.readers).Draw(s.t, "reader")) }),
			"decide":    on(func() { s.decide(rapid.SampledFrom(s.readers).Draw(s.t, "reader")) }),
			"": func(rt *rapid.T) {
				full, short := newReader(), newReader()
				s.t = rt
				s.catchUp(full)
				log := s.log
				s.log = compact(log, false)
				s.catchUp(short)
				s.log = log
				if a, b := picture(full.table), picture(short.table); a != b {
					rt.Fatalf("compaction changes the table:\n%s\n%s", a, b)
				}
			},
		})
		settle(t, s)
	})
}

// settle lets time pass with renewals: the dead must be gone and their
// devices with the living.
func settle(t *rapid.T, s *sim) {
	s.t = t
	r := s.readers[0]
	s.catchUp(r)
	for range 8 {
		s.now += testTTL / 3
		for _, id := range slices.Sorted(maps.Keys(s.sessions)) {
			s.renew(id)
		}
		s.decide(r)
	}
	if got, want := slices.Sorted(maps.Keys(r.table.sessions)), slices.Sorted(maps.Keys(s.sessions)); !slices.Equal(got, want) {
		t.Fatalf("sessions %v, those alive are %v", got, want)
	}
}
