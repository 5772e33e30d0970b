package dbt_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/query"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// noKafka is a pipeline without a broker.
type noKafka struct{}

// Kafka implements query.Stages.
func (noKafka) Kafka(context.Context) (query.KafkaFigures, error) {
	return query.KafkaFigures{}, fmt.Errorf("there is none in this test")
}

// answers fails unless the query service answers every question over what dbt
// made, as the accounts that it has in production, and unless dbt left an
// account of its runs, of one that fails too.
func (w *warehouse) answers() {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	open := func(user string) *rows.Source {
		s, err := rows.Open(w.server.Config(user), rows.DefaultLimits(), log)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = s.Close() })
		return s
	}
	traffic := query.NewTraffic(query.DefaultConfig(), open(clickhousetest.Planner), open(clickhousetest.Enforcement), noKafka{})
	asked := map[string]string{"station_id": "S1", "purpose": "test", "direction": "northbound", "device_id": "V1"}
	for _, method := range gantryv1.QueryService_ServiceDesc.Methods {
		if method.MethodName == "GetEvidence" {
			continue // of a reading; collector/query has a test of it
		}
		resp, err := method.Handler(traffic, w.t.Context(), func(req any) error {
			m := req.(proto.Message).ProtoReflect()
			for name, value := range asked {
				if fd := m.Descriptor().Fields().ByName(protoreflect.Name(name)); fd != nil {
					m.Set(fd, protoreflect.ValueOfString(value))
				}
			}
			return nil
		}, nil)
		if err != nil {
			w.t.Errorf("%s: %v", method.MethodName, err)
			continue
		}
		if basis, ok := resp.(interface{ GetBasis() *gantryv1.Basis }); !ok || basis.GetBasis().GetAsOf() == "" {
			w.t.Errorf("%s does not say of when it is: %v", method.MethodName, resp)
		}
	}
	days, err := traffic.ListPipelineDays(w.t.Context(), &gantryv1.ListPipelineDaysRequest{})
	if err != nil || len(days.Days) == 0 {
		w.t.Fatalf("days of the pipeline: %v, %v", days, err)
	}
	for _, d := range days.Days {
		if d.VehicleCount == 0 || d.VehicleCount != d.CounterReceivedCount {
			w.t.Errorf("%s: %d vehicles of %d readings of counters", d.Day, d.VehicleCount, d.CounterReceivedCount)
		}
	}
	w.tellsOfFailures(traffic)
}

// tellsOfFailures breaks a table, has dbt test it, and looks for what it says.
func (w *warehouse) tellsOfFailures(traffic *query.Traffic) {
	w.t.Helper()
	last := func() *gantryv1.DbtRun {
		p, err := traffic.GetPipeline(w.t.Context(), &gantryv1.GetPipelineRequest{})
		if err != nil {
			w.t.Fatal(err)
		}
		return p.LastDbtRun
	}
	if run := last(); run.GetCommand() != "build" || run.PassedCount < 100 || run.FailedCount != 0 || len(run.Failures) != 0 {
		w.t.Errorf("the last run: %v", run)
	}
	w.exec(`INSERT INTO serving.networks SELECT * FROM serving.networks`)
	if out, err := w.tryDBT("test", "--select", "networks"); err == nil {
		w.t.Errorf("a network that is there twice passes:\n%s", out)
	}
	run := last()
	if run.GetCommand() != "test" || run.FailedCount != 1 || len(run.Failures) != 1 {
		w.t.Fatalf("the run that failed: %v", run)
	}
	if f := run.Failures[0]; !strings.Contains(f.Name, "unique_grain_networks") || f.Kind != "test" || f.Status != "fail" || !strings.Contains(f.Message, "Got 1 result") {
		w.t.Errorf("the failure: %v", f)
	}
	w.dbt("run", "--select", "networks")
}
