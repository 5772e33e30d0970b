package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/lease"
	"github.com/gantry-dev/gantry/collector/query"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// leaseSource shows a lease.Manager to query.
type leaseSource struct{ m *lease.Manager }

var _ query.Leases = leaseSource{}

// Agents translates the manager's agents.
func (s leaseSource) Agents() []*gantryv1.Agent {
	agents := s.m.Agents()
	out := make([]*gantryv1.Agent, 0, len(agents))
	for _, a := range agents {
		out = append(out, &gantryv1.Agent{
			AgentId: a.AgentID, SessionId: a.SessionID, Version: a.Version, CollectorId: a.CollectorID,
			Capacity: a.Capacity, Devices: a.Devices, Draining: a.Draining,
			ConnectedAt: a.ConnectedAt.UTC().Format("2006-01-02T15:04:05.000Z"),
		})
	}
	return out
}

// Leases translates the manager's leases, static ones included.
func (s leaseSource) Leases() []*gantryv1.DeviceLease {
	leases := s.m.Leases()
	out := make([]*gantryv1.DeviceLease, 0, len(leases))
	for _, l := range leases {
		out = append(out, &gantryv1.DeviceLease{DeviceId: l.DeviceID, AgentId: l.AgentID, SessionId: l.SessionID, Term: l.Term})
	}
	return out
}

// Decider names the deciding collector.
func (s leaseSource) Decider() string { return s.m.Decider() }

// Drain passes the operator's wish on.
func (s leaseSource) Drain(ctx context.Context, agentID string) (int, error) {
	return s.m.Drain(ctx, agentID)
}

// positionSource shows ingest's positions to query.
type positionSource struct{ p *ingest.Positions }

var _ query.Positions = positionSource{}

// Device translates a device's status.
func (s positionSource) Device(deviceID string) query.DevicePositions {
	status := s.p.Device(deviceID)
	out := query.DevicePositions{ClockSkewUS: status.ClockSkewUS, Rejects: status.Rejects}
	for _, e := range status.Epochs {
		out.Epochs = append(out.Epochs, query.EpochPosition(e))
	}
	return out
}

// stageSource shows Kafka's figures to query.
type stageSource struct{ admin *kadm.Client }

var _ query.Stages = stageSource{}

// Kafka asks how far the sink is in both reading topics.
func (s stageSource) Kafka(ctx context.Context) (query.KafkaFigures, error) {
	live, err := kafka.ProgressOf(ctx, s.admin, kafka.TopicReading, kafka.GroupSinkLive)
	if err != nil {
		return query.KafkaFigures{}, err
	}
	backfill, err := kafka.ProgressOf(ctx, s.admin, kafka.TopicBackfill, kafka.GroupSinkBackfill)
	return query.KafkaFigures{
		Produced:      uint64(live.End + backfill.End),
		LiveCommitted: uint64(live.Committed), LiveLag: uint64(live.Lag),
		BackfillCommitted: uint64(backfill.Committed), BackfillLag: uint64(backfill.Lag),
	}, err
}
