package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// transactionalID is the same for all deciders: the broker fences all but the
// last to begin.
const transactionalID = "gantry-lease-0"

// decider writes decisions while its office lasts.
type decider struct {
	m      *Manager
	client *kgo.Client
	beats  uint64
}

// office decides until ctx ends, which returns nil, or until an error. Its
// first transaction fences an older decider; once its record is read back,
// all that an older one wrote has been read as well.
func (m *Manager) office(ctx context.Context) error {
	client, err := m.newClient(
		kgo.TransactionalID(transactionalID),
		// A transaction left open hides later records from every reader; the
		// next decider's first ends it sooner.
		kgo.TransactionTimeout(max(m.cfg.TTL, 5*time.Second)),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	d := &decider{m: m, client: client}
	if err = d.beat(ctx); err != nil {
		return unlessDone(ctx, err)
	}
	m.cfg.Log.Info("this collector decides on leases", "collector", m.cfg.CollectorID)
	err = d.serve(ctx)
	if ctx.Err() != nil {
		d.resign(ctx)
	}
	return unlessDone(ctx, err)
}

// unlessDone forgets an error that only says that ctx ended.
func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// serve decides on news, a little after it came, and by the clock.
func (d *decider) serve(ctx context.Context) error {
	beats := time.NewTicker(d.m.cfg.TTL / 3)
	defer beats.Stop()
	// Expiry and a changed network have no record: look often enough.
	looks := time.NewTicker(min(d.m.cfg.TTL/4, time.Second))
	defer looks.Stop()
	if err := d.decide(ctx); err != nil {
		return err
	}
	var soon <-chan time.Time
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.m.dirty:
			if soon == nil {
				soon = time.After(d.m.cfg.Debounce)
			}
		case <-soon:
			soon = nil
			err = d.decide(ctx)
		case <-looks.C:
			// News that wait for company are not decided on early.
			if soon == nil {
				err = d.decide(ctx)
			}
		case <-beats.C:
			err = d.beat(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// beat says that this collector decides, and finds out whether it still may.
func (d *decider) beat(ctx context.Context) error {
	d.beats++
	return d.commit(ctx, "", leaseRecord(deciderKey, &gantryv1.LeaseRecord{
		Record: &gantryv1.LeaseRecord_Decider{Decider: &gantryv1.DeciderRecord{
			CollectorId: d.m.cfg.CollectorID, Beat: d.beats,
		}},
	}))
}

// resign says that nobody decides. A newer decider has fenced it; then it is
// not for this one to say.
func (d *decider) resign(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := d.commit(ctx, "", leaseRecord(deciderKey, nil)); err != nil {
		d.m.cfg.Log.Debug("decider left without a word", "error", err)
	}
}

// decide computes what is to be assigned and writes what differs.
func (d *decider) decide(ctx context.Context) error {
	m := d.m
	devices := m.cfg.Devices()
	m.mu.Lock()
	decision := m.table.decide(devices, m.cfg.MaxDevices, m.now())
	m.mu.Unlock()
	if !decision.empty() {
		if err := d.commit(ctx, "lease.deciding", decision.records()...); err != nil {
			return err
		}
		m.cfg.Log.Info("devices assigned", "moved", len(decision.writes), "expired", len(decision.expired),
			"assigned", decision.assigned, "static", decision.static, "unassigned", decision.unassigned)
	}
	m.met.decided(decision)
	return nil
}

// records gives what a decision writes.
func (d *decision) records() []*kgo.Record {
	out := make([]*kgo.Record, 0, len(d.expired)+len(d.writes))
	for _, id := range d.expired {
		out = append(out, leaseRecord(sessionPrefix+id, nil))
	}
	for _, w := range d.writes {
		out = append(out, leaseRecord(devicePrefix+w.device, &gantryv1.LeaseRecord{
			Record: &gantryv1.LeaseRecord_Device{Device: &gantryv1.DeviceLeaseRecord{
				DeviceId: w.device, SessionId: w.holder.session, Term: w.holder.term,
			}},
		}))
	}
	return out
}

// commit writes records in one transaction and waits until the follower has
// applied them, so that the next decision builds on them.
func (d *decider) commit(ctx context.Context, crash string, records ...*kgo.Record) error {
	if err := d.client.BeginTransaction(); err != nil {
		return fmt.Errorf("lease: begin a transaction: %w", err)
	}
	// A decider that Kafka does not hear, or that cannot read back, must not stay in office.
	known, stop := context.WithTimeout(ctx, max(leaveTimeout, d.m.cfg.TTL))
	defer stop()
	err := produce(known, d.client, records...)
	if err == nil && crash != "" {
		d.m.cfg.crash(crash)
	}
	// The end is written even when ctx has ended: an open transaction hides
	// what comes later from every reader.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(leaveTimeout, d.m.cfg.TTL/3))
	defer cancel()
	if err != nil {
		return errors.Join(fmt.Errorf("lease: write %d records: %w", len(records), err),
			d.client.AbortBufferedRecords(end), d.client.EndTransaction(end, kgo.TryAbort))
	}
	if err := d.client.EndTransaction(end, kgo.TryCommit); err != nil {
		return fmt.Errorf("lease: commit %d records: %w", len(records), err)
	}
	if err := d.m.await(known, records[len(records)-1].Offset); err != nil {
		return fmt.Errorf("lease: read own record at offset %d back: %w", records[len(records)-1].Offset, err)
	}
	return nil
}
