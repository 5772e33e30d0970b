package lease

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Keys of the lease topic.
const (
	sessionPrefix = "session/"
	devicePrefix  = "device/"
	deciderKey    = "decider"
)

// Errors of Table.Apply; the record is left out.
var (
	errRecord = errors.New("unreadable lease record")
	errFull   = errors.New("too many sessions")
)

// table is what the lease topic says: a pure state machine whose input is the
// topic's records with the time they were seen. Times are durations on one
// process's monotonic clock.
//
// It is a function of the last record of each key and of when it was seen.
type table struct {
	ttl         time.Duration
	maxSessions int

	sessions map[string]*sessionEntry
	devices  map[string]holder
	decider  string

	// seen is when the last record of any kind was seen, and calm the start
	// of the time in which there was no silence: sessions are not blamed for
	// renewals that nobody could have seen.
	seen, calm time.Duration
	any        bool
}

// sessionEntry is a session as last renewed.
type sessionEntry struct {
	record *gantryv1.SessionRecord
	seen   time.Duration
}

// holder says who carries a device, since which term.
type holder struct {
	session string
	term    uint64
}

// effect says what a record changed.
type effect struct {
	// wanted: what should be assigned may differ.
	wanted bool
	// held: what some session carries, or whether it drains, may differ.
	held bool
}

func newTable(ttl time.Duration, maxSessions int) *table {
	return &table{
		ttl: ttl, maxSessions: maxSessions,
		sessions: map[string]*sessionEntry{}, devices: map[string]holder{},
	}
}

// apply takes the topic's next record; an empty value deletes the key.
func (t *table) apply(key string, value []byte, now time.Duration) (effect, error) {
	t.observe(now)
	if key == deciderKey {
		return effect{}, t.applyDecider(value)
	}
	if id, ok := strings.CutPrefix(key, sessionPrefix); ok {
		return t.applySession(id, value, now)
	}
	if id, ok := strings.CutPrefix(key, devicePrefix); ok {
		return t.applyDevice(id, value)
	}
	return effect{}, fmt.Errorf("%w: key %.80q is of no known kind", errRecord, key)
}

// observe notes that the topic can be read at this time. After a silence of
// two renewals all sessions begin anew: the silence was Kafka's or our own,
// and nobody could be seen renewing.
func (t *table) observe(now time.Duration) {
	if !t.any || now-t.seen > t.ttl*2/3 {
		t.calm = now
	}
	t.any, t.seen = true, now
}

func (t *table) applyDecider(value []byte) error {
	if len(value) == 0 {
		t.decider = ""
		return nil
	}
	record, err := parse(deciderKey, value, (*gantryv1.LeaseRecord).GetDecider)
	if err != nil {
		return err
	}
	t.decider = record.CollectorId
	return nil
}

func (t *table) applySession(id string, value []byte, now time.Duration) (effect, error) {
	old := t.sessions[id]
	if len(value) == 0 {
		delete(t.sessions, id)
		return effect{wanted: old != nil, held: old != nil}, nil
	}
	record, err := parse(id, value, (*gantryv1.LeaseRecord).GetSession)
	if err != nil {
		return effect{}, err
	}
	if old == nil && len(t.sessions) >= t.maxSessions {
		return effect{}, fmt.Errorf("%w: session %.80q is beyond the limit of %d: raise it on all collectors", errFull, id, t.maxSessions)
	}
	t.sessions[id] = &sessionEntry{record: record, seen: now}
	changed := old == nil || old.record.Capacity != record.Capacity || old.record.Draining != record.Draining ||
		!slices.Equal(old.record.StaticDevices, record.StaticDevices)
	return effect{wanted: changed, held: changed}, nil
}

func (t *table) applyDevice(id string, value []byte) (effect, error) {
	old := t.devices[id]
	if len(value) == 0 {
		delete(t.devices, id)
		return effect{wanted: true, held: true}, nil
	}
	record, err := parse(id, value, (*gantryv1.LeaseRecord).GetDevice)
	if err != nil {
		return effect{}, err
	}
	next := holder{session: record.SessionId, term: record.Term}
	t.devices[id] = next
	return effect{wanted: next != old, held: next != old}, nil
}

// parse reads a record of one kind.
func parse[T any](key string, value []byte, get func(*gantryv1.LeaseRecord) *T) (*T, error) {
	record := &gantryv1.LeaseRecord{}
	if err := proto.Unmarshal(value, record); err != nil {
		return nil, fmt.Errorf("%w of key %.80q: %w", errRecord, key, err)
	}
	inner := get(record)
	if inner == nil {
		return nil, fmt.Errorf("%w of key %.80q: of another kind than its key", errRecord, key)
	}
	return inner, nil
}

// expired says that a session was not renewed for one TTL in which it could
// have been.
func (t *table) expired(s *sessionEntry, now time.Duration) bool {
	return now-max(s.seen, t.calm) > t.ttl
}

// newest gives each agent's live session: of those for which skip is not true,
// the one that connected last, by its collector's clock, and of one moment the
// greater by id. The others are superseded: their process or their collector
// was killed and is not expired yet, or two processes share a name. A nil skip
// leaves out none.
func (t *table) newest(skip func(*sessionEntry) bool) map[string]string {
	out := make(map[string]string, len(t.sessions))
	for id, s := range t.sessions {
		if skip != nil && skip(s) {
			continue
		}
		best, ok := t.sessions[out[s.record.AgentId]]
		if !ok || cmp.Or(
			cmp.Compare(s.record.ConnectedAtUs, best.record.ConnectedAtUs),
			strings.Compare(id, best.record.SessionId),
		) > 0 {
			out[s.record.AgentId] = id
		}
	}
	return out
}

// released gives a function that says whether a session is to hold nothing:
// it drains, or is not its agent's newest.
func (t *table) released(newest map[string]string) func(*sessionEntry) bool {
	return func(s *sessionEntry) bool {
		return s.record.Draining || newest[s.record.AgentId] != s.record.SessionId
	}
}

// static gives the devices assigned by hand with their sessions: of several
// that name one device, the first by id. Sessions for which skip is true hold
// none.
func (t *table) static(skip func(*sessionEntry) bool) map[string]string {
	out := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(t.sessions)) {
		s := t.sessions[id]
		if skip(s) {
			continue
		}
		for _, d := range s.record.StaticDevices {
			if _, taken := out[d]; !taken {
				out[d] = id
			}
		}
	}
	return out
}

// held gives what each of the sessions asked for carries: static devices with
// term 0, unless it is released, and those that are leased to it.
func (t *table) held(wanted map[string]*Membership) map[string]map[string]uint64 {
	out := make(map[string]map[string]uint64, len(wanted))
	for id := range wanted {
		out[id] = map[string]uint64{}
	}
	for device, h := range t.devices {
		if m, ok := out[h.session]; ok {
			m[device] = h.term
		}
	}
	released := t.released(t.newest(nil))
	for id, m := range out {
		s, ok := t.sessions[id]
		if !ok || released(s) {
			continue
		}
		for _, device := range s.record.StaticDevices {
			m[device] = 0
		}
	}
	return out
}

// agents lists all sessions, by agent and session.
func (t *table) agents() []Agent {
	count := map[string]uint32{}
	for _, h := range t.devices {
		count[h.session]++
	}
	released := t.released(t.newest(nil))
	out := make([]Agent, 0, len(t.sessions))
	for id, s := range t.sessions {
		devices := count[id]
		if !released(s) {
			devices += uint32(len(s.record.StaticDevices))
		}
		out = append(out, Agent{
			AgentID: s.record.AgentId, SessionID: id, Version: s.record.Version,
			CollectorID: s.record.CollectorId, Capacity: s.record.Capacity, Devices: devices,
			ConnectedAt: time.UnixMicro(s.record.ConnectedAtUs).UTC(), Draining: s.record.Draining,
		})
	}
	slices.SortFunc(out, func(a, b Agent) int {
		if c := strings.Compare(a.AgentID, b.AgentID); c != 0 {
			return c
		}
		return strings.Compare(a.SessionID, b.SessionID)
	})
	return out
}

// leases lists all devices that ever had a holder, by device.
func (t *table) leases() []DeviceLease {
	out := make(map[string]DeviceLease, len(t.devices))
	for id, h := range t.devices {
		out[id] = DeviceLease{DeviceID: id, SessionID: h.session, Term: h.term}
	}
	for id, session := range t.static(t.released(t.newest(nil))) {
		out[id] = DeviceLease{DeviceID: id, SessionID: session, Term: t.devices[id].term, Static: true}
	}
	for id, l := range out {
		if s, ok := t.sessions[l.SessionID]; ok {
			l.AgentID = s.record.AgentId
			out[id] = l
		}
	}
	return slices.SortedFunc(maps.Values(out), func(a, b DeviceLease) int {
		return strings.Compare(a.DeviceID, b.DeviceID)
	})
}
