package query

import (
	"context"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// GetPipeline implements gantry.v1.QueryService. What one stage does not say
// does not hide the others: each says why it is not known.
func (t *Traffic) GetPipeline(ctx context.Context, _ *gantryv1.GetPipelineRequest) (*gantryv1.GetPipelineResponse, error) {
	resp := &gantryv1.GetPipelineResponse{Basis: &gantryv1.Basis{}}
	resp.Stages = append(resp.Stages, t.kafkaStages(ctx)...)
	resp.Stages = append(resp.Stages, t.rawStages(ctx, resp)...)
	resp.Stages = append(resp.Stages, t.modelStages(ctx, resp)...)
	t.lastRun(ctx, resp)
	c := &gantryv1.Completeness{Of: "stages that are known", ExpectedCount: uint64(len(resp.Stages))}
	for _, s := range resp.Stages {
		if s.Unknown == "" {
			c.MeasuredCount++
		}
	}
	resp.Basis.Completeness = c
	return resp, nil
}

// kafkaStages are what Kafka took, and how far the sink is.
func (t *Traffic) kafkaStages(ctx context.Context) []*gantryv1.PipelineStage {
	produced := &gantryv1.PipelineStage{Stage: "produced", Counts: "records acknowledged in Kafka's reading topics, ends of epochs included, since the topics were made"}
	live := &gantryv1.PipelineStage{Stage: "sink live", Counts: "live records that the sink has committed"}
	backfill := &gantryv1.PipelineStage{Stage: "sink backfill", Counts: "backfill records that the sink has committed"}
	stages := []*gantryv1.PipelineStage{produced, live, backfill}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	f, err := t.stages.Kafka(ctx)
	if err != nil {
		for _, s := range stages {
			s.Unknown = "Kafka does not say: " + err.Error()
		}
		return stages
	}
	produced.Count = proto.Uint64(f.Produced)
	live.Count, live.LagCount = proto.Uint64(f.LiveCommitted), proto.Uint64(f.LiveLag)
	backfill.Count, backfill.LagCount = proto.Uint64(f.BackfillCommitted), proto.Uint64(f.BackfillLag)
	return stages
}

// rawStages are raw and the live minutes.
func (t *Traffic) rawStages(ctx context.Context, resp *gantryv1.GetPipelineResponse) []*gantryv1.PipelineStage {
	raw := &gantryv1.PipelineStage{Stage: "raw", Counts: "rows of raw.readings, copies that are not merged yet included"}
	live := &gantryv1.PipelineStage{Stage: "live", Counts: "minutes of stations still to be computed"}
	var count, stale uint64
	var newestAt, insertedAt time.Time
	_, err := t.planner.One(ctx, "SELECT raw_row_count, raw_newest_at, raw_inserted_at, stale_minute_count FROM live.pipeline", nil, &count, &newestAt, &insertedAt, &stale)
	if err != nil {
		raw.Unknown, live.Unknown = unknownBecause(err), unknownBecause(err)
		return []*gantryv1.PipelineStage{raw, live}
	}
	raw.Count, raw.NewestAt, raw.ChangedAt = proto.Uint64(count), since1970(newestAt), since1970(insertedAt)
	live.LagCount = proto.Uint64(stale)
	resp.StaleMinuteCount = proto.Uint64(stale)
	view, err := t.live(ctx, 1)
	if err != nil {
		live.Unknown = unknownBecause(err)
		return []*gantryv1.PipelineStage{raw, live}
	}
	live.ChangedAt = since1970(view.computedAt)
	if !view.window.to.IsZero() {
		live.NewestAt = moment(view.window.to)
		resp.Basis.AsOf = live.NewestAt
	}
	return []*gantryv1.PipelineStage{raw, live}
}

// modelStages are what dbt made, as of its last run.
func (t *Traffic) modelStages(ctx context.Context, resp *gantryv1.GetPipelineResponse) []*gantryv1.PipelineStage {
	staging := &gantryv1.PipelineStage{Stage: "staging", Counts: "readings of the days that the models know, copies collapsed, as of dbt's last run"}
	serving := &gantryv1.PipelineStage{Stage: "serving", Counts: "vehicles counted in the models, which must be the counters' readings in staging"}
	stages := []*gantryv1.PipelineStage{staging, serving}
	fresh, err := t.freshness(ctx)
	var received, counted, vehicles uint64
	if err == nil {
		_, err = t.planner.One(ctx, "SELECT sum(received_count), sum(counter_received_count), sum(vehicle_count) FROM serving.pipeline_days", nil, &received, &counted, &vehicles)
	}
	if err != nil {
		for _, s := range stages {
			s.Unknown = unknownBecause(err)
		}
		return stages
	}
	staging.Count, serving.Count = proto.Uint64(received), proto.Uint64(vehicles)
	serving.LagCount = proto.Uint64(counted - min(counted, vehicles))
	if fresh.known {
		for _, s := range stages {
			s.NewestAt, s.ChangedAt = moment(fresh.asOf), moment(fresh.computedAt)
		}
		resp.Basis.ComputedAt = moment(fresh.computedAt)
		if resp.Basis.AsOf == "" {
			resp.Basis.AsOf = moment(fresh.asOf)
		}
	}
	return stages
}

// lastRun reads dbt's last run, which it writes into ClickHouse itself.
func (t *Traffic) lastRun(ctx context.Context, resp *gantryv1.GetPipelineResponse) {
	run := &gantryv1.DbtRun{}
	var started, ended time.Time
	var failures [][]string
	found, err := t.planner.One(ctx, `SELECT run_id, command, passed_count, warned_count, failed_count, skipped_count,
		started_at, ended_at, arrayMap(f -> [f.1, f.2, f.3, f.4], failures) FROM serving.dbt_runs ORDER BY ended_at DESC LIMIT 1`, nil,
		&run.RunId, &run.Command, &run.PassedCount, &run.WarnedCount, &run.FailedCount, &run.SkippedCount, &started, &ended, &failures)
	switch {
	case err != nil:
		resp.DbtUnknown = unknownBecause(err)
	case !found:
		resp.DbtUnknown = "no run has ended yet that knew this table: wait for dbt's next"
	default:
		run.StartedAt, run.EndedAt = moment(started), moment(ended)
		for _, f := range failures {
			run.Failures = append(run.Failures, &gantryv1.DbtFailure{Name: f[0], Kind: f[1], Status: f[2], Message: f[3]})
		}
		resp.LastDbtRun = run
	}
}

// unknownBecause is an error as a stage tells it.
func unknownBecause(err error) string { return status.Convert(err).Message() }

func since1970(t time.Time) string {
	if t.Unix() <= 0 {
		return ""
	}
	return rfc3339(t)
}
