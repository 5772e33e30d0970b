package query

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// violations are single readings over the limit.
var violations = list{
	table: "enforcement.violations",
	order: rows.By("observed_at DateTime64(6, 'UTC')", "device_id", "epoch UInt32", "seq UInt64").NewestFirst(),
	filters: map[string]filter{
		"station_id":   byStation,
		"usable_only":  {where: "is_usable"},
		"min_over_kmh": {where: "over_kmh >= {min_over_kmh:Float64}"},
	},
	moment: "observed_at",
	of:     "violations that can be proven", measured: "countIf(is_usable)", expected: "count()",
	enforcement: true,
}

// averageSpeedViolations are of sections between cameras.
var averageSpeedViolations = list{
	table: "enforcement.average_speed_violations",
	order: rows.By("to_observed_at DateTime64(6, 'UTC')", "to_device_id", "to_epoch UInt32", "to_seq UInt64", "from_device_id", "from_epoch UInt32", "from_seq UInt64").NewestFirst(),
	filters: map[string]filter{
		"from_station_id": byFrom,
		"usable_only":     {where: "is_usable"},
		"min_over_kmh":    {where: "over_kmh >= {min_over_kmh:Float64}"},
	},
	moment: "to_observed_at",
	of:     "violations that can be proven", measured: "countIf(is_usable)", expected: "count()",
	enforcement: true,
}

// ListViolations implements gantry.v1.QueryService.
func (t *Traffic) ListViolations(ctx context.Context, req *gantryv1.ListViolationsRequest) (*gantryv1.ListViolationsResponse, error) {
	return listed(ctx, t, violations, req, &gantryv1.ListViolationsResponse{})
}

// ListAverageSpeedViolations implements gantry.v1.QueryService.
func (t *Traffic) ListAverageSpeedViolations(ctx context.Context, req *gantryv1.ListAverageSpeedViolationsRequest) (*gantryv1.ListAverageSpeedViolationsResponse, error) {
	return listed(ctx, t, averageSpeedViolations, req, &gantryv1.ListAverageSpeedViolationsResponse{})
}

// evidence is the reading that a violation refers to. Copies have the same
// bytes, so one is enough. The bounds of observed_at are those that ingest
// accepts for an epoch, so that three days are searched and not all.
var evidence = rows.Select{
	Table: "raw.readings",
	Columns: map[string]string{
		"measured_speed_kmh": "speed_tenth_kmh / 10",
		"vehicle_class":      "toString(raw.readings.vehicle_class)",
	},
	Where: []string{
		"device_id = {device_id:String}", "epoch = {epoch:UInt32}", "seq = {seq:UInt64}", "kind = 'speed'",
		"observed_at >= {from:DateTime64(6, 'UTC')}", "observed_at < {to:DateTime64(6, 'UTC')}",
	},
	Tail: "LIMIT 1",
}

// GetEvidence implements gantry.v1.QueryService.
func (t *Traffic) GetEvidence(ctx context.Context, req *gantryv1.GetEvidenceRequest) (*gantryv1.GetEvidenceResponse, error) {
	source, err := t.source(true)
	if err != nil {
		return nil, err
	}
	if err := purpose(req.ProtoReflect()); err != nil {
		return nil, err
	}
	if req.DeviceId == "" {
		return nil, status.Error(codes.InvalidArgument, "device_id: say whose reading; take it, epoch and seq from a violation")
	}
	const aside = 36 * time.Hour
	day := epochStart(req.Epoch).Truncate(24 * time.Hour)
	query := evidence
	query.Args = []any{
		rows.Arg("device_id", req.DeviceId), rows.Arg("epoch", req.Epoch), rows.Arg("seq", req.Seq),
		rows.Arg("from", day.Add(-aside)), rows.Arg("to", day.Add(24*time.Hour+aside)),
	}
	resp := &gantryv1.GetEvidenceResponse{}
	err = source.Fill(ctx, query, resp.ProtoReflect().Descriptor(), resp.ProtoReflect)
	if err != nil {
		return nil, err
	}
	if resp.DeviceId == "" {
		return nil, status.Errorf(codes.NotFound, "device_id, epoch, seq: there is no reading of a camera %q with epoch %d and seq %d: take the three from a violation", req.DeviceId, req.Epoch, req.Seq)
	}
	resp.Basis = &gantryv1.Basis{AsOf: resp.ObservedAt}
	return resp, nil
}
