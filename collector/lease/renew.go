package lease

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// renew writes the session again without waiting for Kafka. While the record
// before is under way it only notes that one more is wanted, so that a Kafka
// that stands still collects no heap of renewals.
func (ms *Membership) renew() {
	ms.write.Lock()
	defer ms.write.Unlock()
	if ms.left {
		return
	}
	if !ms.written {
		ms.again = true
		ms.m.met.renewals.WithLabelValues("late").Inc()
		return
	}
	ms.written, ms.again = false, false
	ms.record.Renewal++
	ms.m.client.Produce(context.Background(), sessionRecord(ms.record), func(_ *kgo.Record, err error) {
		result := "ok"
		if err != nil {
			result = "error"
			ms.m.cfg.Log.Warn("session could not be renewed, trying again", "session", ms.id, "error", err)
		}
		ms.m.met.renewals.WithLabelValues(result).Inc()
		ms.write.Lock()
		ms.written = true
		again := ms.again && err == nil
		ms.write.Unlock()
		if again { // What is written may be older than what asked for it.
			ms.renew()
		}
	})
}

// drain notes that the session drains; true when that is news.
func (ms *Membership) drain() bool {
	ms.write.Lock()
	defer ms.write.Unlock()
	news := !ms.record.Draining
	ms.record.Draining = true
	return news
}

// publish makes the Change in the channel say what is different from what its
// reader knows. The caller holds the manager's mu, and nobody else sends.
func (ms *Membership) publish(terms map[string]uint64, drain bool) {
	select {
	case <-ms.changes: // Not read: the reader still stands at base.
	default:
		ms.base = ms.sent
	}
	// A drain is never taken back, though a renewal may cross it.
	ms.sent = state{terms: terms, drain: drain || ms.base.drain || ms.sent.drain}
	if c := difference(ms.base, ms.sent); !c.empty(ms.base.drain) {
		ms.changes <- c
	} else {
		ms.sent = ms.base
	}
}

// difference says what leads from one state to another.
func difference(from, to state) Change {
	c := Change{Drain: to.drain}
	for _, device := range slices.Sorted(maps.Keys(to.terms)) {
		if term, held := from.terms[device]; !held || term != to.terms[device] {
			c.Granted = append(c.Granted, Grant{DeviceID: device, Term: to.terms[device]})
		}
	}
	for _, device := range slices.Sorted(maps.Keys(from.terms)) {
		if _, held := to.terms[device]; !held {
			c.Revoked = append(c.Revoked, device)
		}
	}
	return c
}
