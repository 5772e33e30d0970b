package lease

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// follow reads the lease topic until ctx ends.
func (m *Manager) follow(ctx context.Context) {
	for {
		fetches := m.client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, _ int32, err error) {
			m.cfg.Log.Warn("lease topic cannot be read, trying again", "topic", topic, "error", err)
		})
		m.take(fetches.Records())
	}
}

// take applies records that belong together and tells whom they concern.
func (m *Manager) take(records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	now := m.now()
	m.mu.Lock()
	var all effect
	var again []*Membership
	for _, r := range records {
		e, err := m.table.apply(string(r.Key), r.Value, now)
		m.counted(r, err)
		all.wanted = all.wanted || e.wanted
		all.held = all.held || e.held
		if ms := m.ownSession(string(r.Key)); ms != nil {
			again = append(again, ms)
		}
	}
	m.next = records[len(records)-1].Offset + 1
	close(m.moved)
	m.moved = make(chan struct{})
	if all.held {
		m.publish()
	}
	m.met.sessions.Set(float64(len(m.table.sessions)))
	m.mu.Unlock()

	for _, ms := range again {
		ms.renew()
	}
	if all.wanted {
		m.poke()
	}
}

// poke asks for a decision.
func (m *Manager) poke() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

func (m *Manager) counted(r *kgo.Record, err error) {
	result := "ok"
	switch {
	case errors.Is(err, errFull):
		result = "full"
	case err != nil:
		result = "unreadable"
	}
	m.met.records.WithLabelValues(result).Inc()
	if err != nil {
		m.cfg.Log.Error("record of the lease topic left out", "offset", r.Offset, "error", err)
	}
}

// publish tells every membership what it carries. The caller holds mu.
func (m *Manager) publish() {
	held := m.table.held(m.members)
	for id, ms := range m.members {
		s, known := m.table.sessions[id]
		ms.publish(held[id], known && s.record.Draining)
	}
}

// ownSession gives the membership whose session somebody else has just
// written: a decider that took it for dead, or a Drain. It is to be written
// again. The caller holds mu.
func (m *Manager) ownSession(key string) *Membership {
	if len(key) <= len(sessionPrefix) || key[:len(sessionPrefix)] != sessionPrefix {
		return nil
	}
	id := key[len(sessionPrefix):]
	ms, own := m.members[id]
	if !own {
		return nil
	}
	s, known := m.table.sessions[id]
	if !known || s.record.Draining && ms.drain() {
		return ms
	}
	return nil
}

// await waits until the record at the offset has been applied.
func (m *Manager) await(ctx context.Context, offset int64) error {
	for {
		m.mu.Lock()
		next, moved := m.next, m.moved
		m.mu.Unlock()
		if next > offset {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-moved:
		}
	}
}

// awaitEnd closes ready when the end that the topic has now is reached. The
// record before it may be a marker that is never delivered: then the next
// one of a decider, a third of a TTL later, makes up for it.
func (m *Manager) awaitEnd(ctx context.Context) {
	for {
		ends, err := kadm.NewClient(m.client).ListEndOffsets(ctx, kafka.TopicLease)
		if err == nil {
			err = ends.Error()
		}
		end, ok := ends.Lookup(kafka.TopicLease, 0)
		if err == nil && ok {
			if m.await(ctx, end.Offset-1) == nil {
				close(m.ready)
			}
			return
		}
		m.cfg.Log.Warn("end of the lease topic is not known yet, trying again", "error", err)
		if !pause(ctx, time.Second) {
			return
		}
	}
}

// pause waits; false means that ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
