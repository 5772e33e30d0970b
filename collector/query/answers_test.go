package query_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestScreensAreRanked: yes first, then what cannot be told, each by benefit;
// the rank counts from 1 through all pages.
func TestScreensAreRanked(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	var sites []*gantryv1.SpeedCameraSite
	for token := ""; ; {
		resp, err := d.client().ListSpeedCameraScreen(t.Context(), &gantryv1.ListSpeedCameraScreenRequest{PageSize: 1, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		sites = append(sites, resp.Sites...)
		if token = resp.NextPageToken; token == "" {
			break
		}
	}
	if len(sites) != 4 {
		t.Fatalf("%d sites", len(sites))
	}
	class := map[gantryv1.Verdict]int{gantryv1.Verdict_VERDICT_YES: 1, gantryv1.Verdict_VERDICT_INSUFFICIENT_EVIDENCE: 2, gantryv1.Verdict_VERDICT_NO: 3}
	for i, s := range sites {
		if s.Rank != uint32(i+1) {
			t.Errorf("rank %d in place %d", s.Rank, i+1)
		}
		if i == 0 {
			continue
		}
		a, b := sites[i-1].Finding, s.Finding
		if class[a.Verdict] > class[b.Verdict] || class[a.Verdict] == class[b.Verdict] && a.GetPredictedSavingPerWeekday() < b.GetPredictedSavingPerWeekday() {
			t.Errorf("%v comes before %v", a, b)
		}
	}
}

// TestOdProfilesAddUp: sums over dates, by hour; weekends left out on request.
func TestOdProfilesAddUp(t *testing.T) {
	w := querytest.Start(t)
	w.Exec(`TRUNCATE TABLE serving.od_flow_hour`)
	w.Exec(`INSERT INTO serving.od_flow_hour (origin_zone, destination_zone, local_date, local_hour, journey_count, vehicle_count, car_count, measured_count, persons)
		SELECT 'Z0', 'Z1', toDate('2026-03-02') + number, 8, 10, 12.5, 11, 4, if(number = 0, NULL, 20) FROM numbers(7)
		UNION ALL SELECT 'Z0', 'Z2', toDate('2026-03-02'), 8, 1, 1, 1, 0, NULL`)
	d := open(t, w, rows.DefaultLimits())
	for _, c := range []struct {
		req                        *gantryv1.ListOdProfilesRequest
		days, journeys, pairs      int
		vehicles, persons          float64
		measuredCount, journeysAll uint64
	}{
		{&gantryv1.ListOdProfilesRequest{}, 7, 70, 2, 87.5, 120, 28, 71},
		{&gantryv1.ListOdProfilesRequest{WeekdaysOnly: true}, 5, 50, 2, 62.5, 80, 20, 51},
		{&gantryv1.ListOdProfilesRequest{FromDate: "2026-03-03", ToDate: "2026-03-04"}, 2, 20, 1, 25, 40, 8, 20},
	} {
		resp, err := d.client().ListOdProfiles(t.Context(), c.req)
		if err != nil {
			t.Fatal(err)
		}
		if len(resp.Profiles) != c.pairs {
			t.Fatalf("%v: %d profiles", c.req, len(resp.Profiles))
		}
		p := resp.Profiles[0]
		if int(p.DayCount) != c.days || int(p.JourneyCount) != c.journeys || p.VehicleCount != c.vehicles || p.GetPersons() != c.persons {
			t.Errorf("%v: %v", c.req, p)
		}
		if b := resp.Basis.Completeness; b.MeasuredCount != c.measuredCount || b.ExpectedCount != c.journeysAll {
			t.Errorf("%v: completeness %v", c.req, b)
		}
		if c.pairs == 2 && resp.Profiles[1].Persons != nil {
			t.Errorf("nobody was counted, and there are %v persons", resp.Profiles[1].GetPersons())
		}
	}
}

// TestV85OfAllLanes: ten vehicles at each of 80 to 119 km/h: 85 % are slower
// than 114. Of too few it is not told.
func TestV85OfAllLanes(t *testing.T) {
	w := querytest.Start(t)
	w.Exec(`TRUNCATE TABLE serving.speed_distribution`)
	w.Exec(`INSERT INTO serving.speed_distribution SELECT 'S0', 1 + number % 2, 'car', 80 + number, 12, 10, 0 FROM numbers(40)
		UNION ALL SELECT 'S1', 1, 'car', 80, 19, 19, 0`)
	d := open(t, w, rows.DefaultLimits())
	for station, want := range map[string]float64{"S0": 114, "S1": 0, "S2": 0} {
		resp, err := d.client().ListSpeedDistribution(t.Context(), &gantryv1.ListSpeedDistributionRequest{StationId: station})
		if err != nil {
			t.Fatal(err)
		}
		if resp.GetV85Kmh() != want || (resp.V85Kmh == nil) != (want == 0) {
			t.Errorf("%s: V85 is %v, want %v", station, resp.V85Kmh, want)
		}
	}
}

// TestEvidenceIsTheReading: with its plate, to the enforcement account alone,
// and of a camera only.
func TestEvidenceIsTheReading(t *testing.T) {
	w := querytest.Start(t)
	const day = 20_514 // 2026-03-02
	w.Exec(`INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, speed_tenth_kmh, limit_kmh, confidence_percent, plate) VALUES
		('V1', $1, 7, '2026-03-02 08:00:00.123456', 'speed', 2, 'van', 1234, 100, 93, 'AB 123'),
		('V1', $1, 7, '2026-03-02 08:00:00.123456', 'speed', 2, 'van', 1234, 100, 93, 'AB 123'),
		('T1', $1, 7, '2026-03-02 08:00:00.123456', 'toll', 2, 'van', 0, 0, 0, 'AB 123')`, uint32(day<<17))
	d := open(t, w, rows.DefaultLimits())
	got, err := d.client().GetEvidence(t.Context(), &gantryv1.GetEvidenceRequest{Purpose: "case 1", DeviceId: "V1", Epoch: day << 17, Seq: 7})
	if err != nil {
		t.Fatal(err)
	}
	if got.Plate != "AB 123" || got.MeasuredSpeedKmh != 123.4 || got.LimitKmh != 100 || got.ConfidencePercent != 93 || got.VehicleClass != "van" ||
		got.Lane != 2 || got.ObservedAt != "2026-03-02T08:00:00.123456Z" || got.Basis.AsOf != got.ObservedAt {
		t.Errorf("got %v", got)
	}
	for name, req := range map[string]*gantryv1.GetEvidenceRequest{
		"toll gantry": {Purpose: "x", DeviceId: "T1", Epoch: day << 17, Seq: 7}, "another seq": {Purpose: "x", DeviceId: "V1", Epoch: day << 17, Seq: 8},
		"another epoch": {Purpose: "x", DeviceId: "V1", Epoch: (day + 9) << 17, Seq: 7},
	} {
		if _, err := d.client().GetEvidence(t.Context(), req); status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The account is the second lock: a planner's cannot read what a bug in
	// this program would ask for.
	var n uint64
	_, err = w.Source(clickhousetest.Planner, rows.DefaultLimits()).One(t.Context(), "SELECT count() FROM enforcement.violations", nil, &n)
	if status.Code(err) != codes.FailedPrecondition || n != 0 {
		t.Errorf("a planner's account reads violations: %d, %v", n, err)
	}
}

// TestPipeline: counts from Kafka to the models, and what dbt said of its last
// run.
func TestPipeline(t *testing.T) {
	w := querytest.Start(t)
	w.Exec(`INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind) VALUES ('C1', 1, 1, '2026-03-02 08:00:00', 'counter'), ('C1', 1, 2, '2026-03-02 08:00:07', 'counter')`)
	for _, table := range []string{"dbt_runs", "pipeline_days"} {
		w.Exec(`TRUNCATE TABLE serving.` + table)
	}
	w.Exec(`INSERT INTO serving.pipeline_days (day, received_count, counter_received_count, vehicle_count) VALUES ('2026-03-01', 100, 60, 59), ('2026-03-02', 10, 6, 6)`)
	w.Exec(`INSERT INTO serving.dbt_runs VALUES ('old', 'build', 9, 0, 0, 0, [], '2026-03-01 00:00:00', '2026-03-01 00:01:00'),
		('new', 'build', 7, 0, 1, 2, [('unique_x', 'test', 'fail', 'Got 3 results, it\'s wrong')], '2026-03-02 00:00:00', '2026-03-02 00:01:00')`)
	d := open(t, w, rows.DefaultLimits())
	p, err := d.client().GetPipeline(t.Context(), &gantryv1.GetPipelineRequest{})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, s := range p.Stages {
		if s.Unknown != "" {
			t.Errorf("%s is not known: %s", s.Stage, s.Unknown)
		}
		counts[s.Stage] = s.GetCount()
	}
	if counts["produced"] != 7 || counts["raw"] != 2 || counts["staging"] != 110 || counts["serving"] != 65 {
		t.Errorf("counts %v", counts)
	}
	if lag := p.Stages[len(p.Stages)-1].GetLagCount(); lag != 1 {
		t.Errorf("serving lacks %d, want 1", lag)
	}
	if raw := p.Stages[3]; raw.Stage != "raw" || raw.NewestAt != "2026-03-02T08:00:07.000Z" || raw.ChangedAt == "" {
		t.Errorf("raw: %v", raw)
	}
	run := p.LastDbtRun
	if run.GetRunId() != "new" || run.FailedCount != 1 || run.SkippedCount != 2 || len(run.Failures) != 1 || run.Failures[0].Message != "Got 3 results, it's wrong" || run.Failures[0].Status != "fail" {
		t.Errorf("last run: %v", run)
	}
	if text := d.get(t, "/csv/GetPipeline").text; !strings.Contains(text, "\r\nraw,\"rows of raw.readings, copies") {
		t.Errorf("as CSV:\n%s", text)
	}
}

// TestNetworkHasDates: the network, and of what dates there are data.
func TestNetworkHasDates(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	n, err := d.client().GetNetwork(t.Context(), &gantryv1.GetNetworkRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if n.Name != "test" || n.Zone != "Europe/Berlin" || n.FirstDate != "2026-03-01" || n.LastDate != "2026-03-03" || n.Basis.AsOf != "2026-03-03T00:00:00Z" || n.Basis.Completeness.ExpectedCount != 4 {
		t.Errorf("got %v", n)
	}
}
