package conformance

import (
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// answer makes everything durable that is under way, and says so in one Ack.
func (s *session) answer() {
	if len(s.flights) == 0 {
		return
	}
	ack := &gantryv1.Ack{}
	touched := map[key]bool{}
	for _, f := range s.flights {
		ack.BatchNumber = f.number
		ack.Resends = append(ack.Resends, f.resends...)
		s.run.ledger.durable(f)
		for _, m := range f.moves {
			touched[m.key] = true
			s.reject(ack, m)
		}
	}
	for k := range touched {
		p := s.run.ledger.of(k)
		p.told = p.durable
		if p.durable > 0 {
			ack.Durable = append(ack.Durable, &gantryv1.Position{DeviceId: k.device, Epoch: k.epoch, Seq: p.durable, Ended: p.end != 0 && p.end <= p.durable})
		}
	}
	s.flights = nil
	s.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Ack{Ack: ack}})
}

// reject refuses the first reading of a move, once, if that is asked for: as a
// collector whose network has fewer lanes would.
func (s *session) reject(ack *gantryv1.Ack, m move) {
	p := s.run.ledger.of(m.key)
	if !s.rejecting || m.first == p.end || p.refused[m.first] {
		return
	}
	s.rejecting, s.rejected = false, &m
	p.refused[m.first] = true
	ack.Rejects = append(ack.Rejects, &gantryv1.Reject{
		DeviceId: m.device, Epoch: m.epoch, Seq: m.first, Code: gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD,
		Field: "lane", Reason: "lane is refused by the conformance check, whatever it is: go on.",
	})
}

// sendAgain answers everything under way, but has one epoch come again from a
// position on, not sooner than after.
func (s *session) sendAgain(k key, from uint64, after time.Duration) {
	a := &ask{from: from, notBefore: time.Now().Add(after)}
	s.asked[k] = a
	s.next[k] = from
	for _, f := range s.flights {
		var others []move
		for _, m := range f.moves {
			if m.key != k {
				others = append(others, m)
			}
		}
		f.moves = others
	}
	last := s.flights[len(s.flights)-1]
	last.resends = append(last.resends, s.resend(k, a))
	s.answer()
}

// flow changes the window of both lanes.
func (s *session) flow(batches uint32, bytes uint64) {
	s.before, s.window, s.changedAt = s.window, &gantryv1.Window{Batches: batches, Bytes: bytes}, time.Now()
	s.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Flow{Flow: &gantryv1.Flow{Live: s.window, Backfill: s.window}}})
}

// grant makes the lease message of devices, at their durable positions less
// lag, and notes where their epochs must begin.
func (s *session) grant(devices []string, lag func(key, *progress) uint64) *gantryv1.Lease {
	l := &gantryv1.Lease{}
	for _, id := range devices {
		c := s.devices[id]
		if c == nil {
			c = &carried{}
			s.devices[id] = c
		}
		c.revokedAt = time.Time{}
		c.granted++
		positions := s.run.ledger.positions(id, lag)
		for _, p := range positions {
			k := key{id, p.GetEpoch()}
			s.start[k] = max(s.start[k], p.GetSeq()+1)
			if at := s.run.ledger.of(k); at.told < p.GetSeq() {
				at.told = p.GetSeq()
			}
			delete(s.next, k)
		}
		l.Granted = append(l.Granted, &gantryv1.LeasedDevice{
			DeviceId: id, Term: c.granted, ValidFromUs: s.run.cfg.Network.Devices[id].ValidFromUS, Durable: positions,
		})
	}
	return l
}

// welcome answers Hello.
func (s *session) welcome(devices []string, lag func(key, *progress) uint64) {
	cfg := &s.run.cfg
	// What the client claims counts where it goes on behind it.
	for _, p := range s.hello.GetAcknowledged() {
		k := key{p.GetDeviceId(), p.GetEpoch()}
		s.start[k] = p.GetSeq() + 1
	}
	s.window = &gantryv1.Window{Batches: wideBatches, Bytes: wideBytes}
	s.welcomed = true
	s.send(&gantryv1.ConnectResponse{Message: &gantryv1.ConnectResponse_Welcome{Welcome: &gantryv1.Welcome{
		SessionId: "conformance", CollectorId: "conformance", Lease: s.grant(devices, lag),
		Flow:          &gantryv1.Flow{Live: s.window, Backfill: s.window},
		MaxBatchBytes: cfg.MaxBatchBytes, MaxBatchReadings: cfg.MaxBatchReadings,
		HeartbeatMs: uint32(cfg.Heartbeat / time.Millisecond), LeaseTtlMs: 15_000,
		CollectorTimeUs: time.Now().UnixMicro(), World: cfg.Network.World,
	}}})
}

// A window that no case is about.
const (
	wideBatches = 32
	wideBytes   = 4 << 20
)
