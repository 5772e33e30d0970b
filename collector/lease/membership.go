package lease

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Membership is a joined session. Its Changes have one reader; all else may
// be called from anywhere.
type Membership struct {
	m       *Manager
	id      string
	changes chan Change

	// Guarded by the manager's mu; base and sent are what the reader was
	// told before and with the Change in the channel.
	base, sent state

	write   sync.Mutex // orders this session's records; after mu where both are held
	record  *gantryv1.SessionRecord
	written bool // the last record was acknowledged or has failed
	again   bool // another was asked for meanwhile
	left    bool
}

// state is what a membership carries.
type state struct {
	terms map[string]uint64
	drain bool
}

// Join adds a session; its record is in Kafka when Join returns. The error is
// ErrLimit, ErrSession, ErrClosed or Kafka's. After an error the session is
// not joined, though others may see it for a TTL.
func (m *Manager) Join(ctx context.Context, s Session) (*Membership, error) {
	ms := &Membership{
		m: m, id: s.ID, changes: make(chan Change, 1), written: true,
		record: &gantryv1.SessionRecord{
			SessionId: s.ID, AgentId: s.AgentID, Version: s.Version, CollectorId: m.cfg.CollectorID,
			Capacity: s.Capacity, StaticDevices: slices.Compact(slices.Sorted(slices.Values(s.Static))),
			ConnectedAtUs: s.ConnectedAt.UnixMicro(), Renewal: 1,
		},
	}
	if err := m.checkSession(ms.record); err != nil {
		m.met.refused.WithLabelValues("invalid").Inc()
		return nil, err
	}
	if err := m.admit(ms); err != nil {
		m.met.refused.WithLabelValues("limit").Inc()
		return nil, err
	}
	ms.write.Lock()
	r := sessionRecord(ms.record)
	ms.write.Unlock()
	if err := produce(ctx, m.client, r); err != nil {
		m.met.refused.WithLabelValues("kafka").Inc()
		ms.forget()
		// Should the record arrive after all, this follows it.
		m.client.Produce(context.WithoutCancel(ctx), leaseRecord(sessionPrefix+s.ID, nil), nil)
		return nil, fmt.Errorf("lease: write session %q: %w", s.ID, err)
	}
	return ms, nil
}

// checkSession says what is wrong with a session's record.
func (m *Manager) checkSession(r *gantryv1.SessionRecord) error {
	for _, s := range append([]string{r.SessionId, r.AgentId, r.Version}, r.StaticDevices...) {
		if !utf8.ValidString(s) {
			return fmt.Errorf("lease: %w: %.80q is not UTF-8", ErrSession, s)
		}
	}
	switch size := proto.Size(r); {
	case r.SessionId == "" || r.AgentId == "":
		return fmt.Errorf("lease: %w: session %q of agent %q: both need a name", ErrSession, r.SessionId, r.AgentId)
	case size > m.cfg.MaxRecordBytes:
		return fmt.Errorf("lease: %w: session %.80q has a record of %d bytes, more than %d: name fewer static devices",
			ErrSession, r.SessionId, size, m.cfg.MaxRecordBytes)
	}
	return nil
}

// admit adds a membership within the limits.
func (m *Manager) admit(ms *Membership) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.table.sessions[ms.id]
	switch {
	case m.closed:
		return fmt.Errorf("lease: join session %q: %w", ms.id, ErrClosed)
	case known || m.members[ms.id] != nil:
		return fmt.Errorf("lease: %w: session id %q is taken: give each stream a new one", ErrSession, ms.id)
	case max(len(m.table.sessions), len(m.members)) >= m.cfg.MaxSessions:
		return fmt.Errorf("lease: join session %q: %w: %d sessions: raise it on all collectors", ms.id, ErrLimit, m.cfg.MaxSessions)
	}
	// Collectors' clocks differ: what joins later must not look older, or the
	// dead session of an agent would supersede the living one.
	if old := m.table.sessions[m.table.newest(nil)[ms.record.AgentId]]; old != nil {
		ms.record.ConnectedAtUs = max(ms.record.ConnectedAtUs, old.record.ConnectedAtUs+1)
	}
	m.members[ms.id] = ms
	m.met.members.Set(float64(len(m.members)))
	return nil
}

// Changes gives what is to be carried; closed after Leave or when the manager
// ends. Changes that were not read in time are merged into one.
func (ms *Membership) Changes() <-chan Change { return ms.changes }

// Leave gives all devices back and ends the membership. A second call does
// nothing. When Kafka does not take the news in time, the session expires.
func (ms *Membership) Leave(ctx context.Context) {
	ms.write.Lock()
	again := ms.left
	ms.left = true
	ms.write.Unlock()
	if again {
		return
	}
	ms.forget()
	// Behind all renewals: none is produced once left is set.
	if err := produce(ctx, ms.m.client, leaseRecord(sessionPrefix+ms.id, nil)); err != nil {
		ms.m.cfg.Log.Warn("session could not be taken back, it will expire", "session", ms.id, "error", err)
	}
}

// forget ends the membership on this side.
func (ms *Membership) forget() {
	m := ms.m
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.members[ms.id] == ms {
		delete(m.members, ms.id)
		m.met.members.Set(float64(len(m.members)))
		close(ms.changes)
	}
}

// leaveAll ends all memberships and lets no more in.
func (m *Manager) leaveAll() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	m.mu.Lock()
	m.closed = true
	members := slices.Collect(maps.Values(m.members))
	m.mu.Unlock()
	var wg sync.WaitGroup
	for _, ms := range members {
		wg.Go(func() { ms.Leave(ctx) })
	}
	wg.Wait()
}

// renew writes all own sessions every third of the TTL until ctx ends.
func (m *Manager) renew(ctx context.Context) {
	t := time.NewTicker(m.cfg.TTL / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		m.mu.Lock()
		members := slices.Collect(maps.Values(m.members))
		m.mu.Unlock()
		for _, ms := range members {
			ms.renew()
		}
	}
}
