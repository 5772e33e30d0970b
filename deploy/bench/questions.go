package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
	"github.com/gantry-dev/gantry/proto/gen/gantry/v1/gantryv1connect"
)

// What a question may take, and how often each is asked.
const (
	questionBudget = 300 * time.Millisecond
	questionAsks   = 20
	benchPurpose   = "bench"
)

// question is one request of QueryService; suffix tells two of a method apart.
type question struct {
	suffix  string
	request proto.Message
}

// method is the name of the rpc: requests are named after it.
func (q question) method() string {
	return strings.TrimSuffix(string(q.request.ProtoReflect().Descriptor().Name()), "Request")
}

// name as a figure has it: GetCorridor with suffix all is get_corridor_all.
func (q question) name() string {
	var b strings.Builder
	for i, r := range q.method() {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String()) + q.suffix
}

// facts are what questions are about: places and days that are in the data.
type facts struct {
	station, road, direction string
	origin, destination      string
	firstDate                string
	from, dayFrom, to        string // begin of all days and of the last, end of both
	violation                *gantryv1.Violation
}

// questions are what the pages ask, with their bounds, and the most that a
// caller may ask of the large tables. Every unary method is among them.
func questions(f *facts) []question {
	return []question{
		{"", &gantryv1.GetNetworkRequest{}},
		{"", &gantryv1.ListStationsRequest{PageSize: 10_000}},
		{"", &gantryv1.ListLinksRequest{PageSize: 10_000}},
		{"", &gantryv1.ListNodesRequest{PageSize: 10_000}},
		{"", &gantryv1.ListLiveStationsRequest{}},
		{"", &gantryv1.GetCorridorRequest{Road: f.road, Direction: f.direction, From: f.dayFrom, To: f.to}},
		{"_all_days", &gantryv1.GetCorridorRequest{Road: f.road, Direction: f.direction, From: f.from, To: f.to}},
		{"_minutes", &gantryv1.GetCorridorRequest{Road: f.road, Direction: f.direction, BinMin: 1}},
		{"", &gantryv1.GetStationSeriesRequest{StationId: f.station, From: f.dayFrom, To: f.to, WeeksBefore: 4}},
		{"", &gantryv1.ListStationDaysRequest{}},
		{"", &gantryv1.ListStationYearsRequest{}},
		{"", &gantryv1.ListFundamentalDiagramRequest{StationId: f.station}},
		{"", &gantryv1.ListStationCapacitiesRequest{}},
		{"", &gantryv1.ListSpeedComplianceRequest{StationId: f.station}},
		{"", &gantryv1.ListSpeedDistributionRequest{StationId: f.station, PageSize: 10_000}},
		{"", &gantryv1.ListBottlenecksRequest{}},
		{"", &gantryv1.ListSuspectedIncidentsRequest{}},
		{"", &gantryv1.ListLinkDaysRequest{}},
		{"", &gantryv1.ListNetworkHoursRequest{}},
		{"", &gantryv1.ListTravelTimesRequest{FromStationId: f.station}},
		{"_all_days", &gantryv1.ListTravelTimesRequest{From: f.from, To: f.to, PageSize: 10_000}},
		{"", &gantryv1.ListTravelTimeReliabilityRequest{}},
		{"", &gantryv1.ListOdFlowsRequest{}},
		{"_most", &gantryv1.ListOdFlowsRequest{PageSize: 10_000}},
		{"", &gantryv1.ListOdProfilesRequest{OriginZone: f.origin, DestinationZone: f.destination, WeekdaysOnly: true}},
		{"_all", &gantryv1.ListOdProfilesRequest{}},
		{"", &gantryv1.ListCommuterSharesRequest{}},
		{"", &gantryv1.ListUpgradeScreenRequest{}},
		{"", &gantryv1.ListPublicTransportScreenRequest{}},
		{"", &gantryv1.ListFlexiTimeScreenRequest{}},
		{"", &gantryv1.ListFlexiTimeCurveRequest{}},
		{"", &gantryv1.ListSpeedCameraScreenRequest{}},
		{"", &gantryv1.ListViolationsRequest{Purpose: benchPurpose, UsableOnly: true}},
		{"_all_days", &gantryv1.ListViolationsRequest{Purpose: benchPurpose, From: f.from, To: f.to}},
		{"", &gantryv1.ListAverageSpeedViolationsRequest{Purpose: benchPurpose, UsableOnly: true}},
		{"_all_days", &gantryv1.ListAverageSpeedViolationsRequest{Purpose: benchPurpose, From: f.from, To: f.to}},
		{"", &gantryv1.GetEvidenceRequest{Purpose: benchPurpose, DeviceId: f.violation.GetDeviceId(), Epoch: f.violation.GetEpoch(), Seq: f.violation.GetSeq()}},
		{"", &gantryv1.ListDeviceHealthRequest{}},
		{"_all_days", &gantryv1.ListDeviceHealthRequest{FromDay: f.firstDate, PageSize: 10_000}},
		{"", &gantryv1.ListPipelineDaysRequest{}},
		{"", &gantryv1.GetPipelineRequest{}},
	}
}

// learn asks what there is to ask about.
func (d *dashboard) learn(ctx context.Context) (*facts, error) {
	c := gantryv1connect.NewQueryServiceClient(http.DefaultClient, d.url, connect.WithInterceptors(bearer(d.token)))
	network, err := c.GetNetwork(ctx, &gantryv1.GetNetworkRequest{})
	if err != nil {
		return nil, err
	}
	stations, err := c.ListStations(ctx, &gantryv1.ListStationsRequest{})
	if err != nil {
		return nil, err
	}
	pairs, err := c.ListPublicTransportScreen(ctx, &gantryv1.ListPublicTransportScreenRequest{})
	if err != nil {
		return nil, err
	}
	violations, err := c.ListViolations(ctx, &gantryv1.ListViolationsRequest{Purpose: benchPurpose, PageSize: 1})
	if err != nil {
		return nil, err
	}
	if len(stations.Stations) == 0 || len(pairs.Sites) == 0 || len(violations.Violations) == 0 || network.LastDate == "" {
		return nil, fmt.Errorf("the data have %d stations, %d pairs of zones and %d violations, and their last day is %q: the bench needs some of each",
			len(stations.Stations), len(pairs.Sites), len(violations.Violations), network.LastDate)
	}
	first, last, err := wholeDays(network)
	if err != nil {
		return nil, err
	}
	s := stations.Stations[len(stations.Stations)/2]
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return &facts{
		station: s.StationId, road: s.Road, direction: s.Direction,
		origin: pairs.Sites[0].OriginZone, destination: pairs.Sites[0].DestinationZone,
		firstDate: network.FirstDate,
		from:      stamp(first), dayFrom: stamp(last), to: stamp(last.AddDate(0, 0, 1)),
		violation: violations.Violations[0],
	}, nil
}

// wholeDays are the begins of the first and the last local day of the models.
func wholeDays(n *gantryv1.GetNetworkResponse) (first, last time.Time, err error) {
	zone, err := time.LoadLocation(n.Zone)
	if at, wrong := time.Parse("-07:00", n.Zone); wrong == nil { // an offset is a zone too
		_, offset := at.Zone()
		zone, err = time.FixedZone(n.Zone, offset), nil
	}
	if err != nil {
		return first, last, err
	}
	if first, err = time.ParseInLocation(time.DateOnly, n.FirstDate, zone); err != nil {
		return first, last, err
	}
	last, err = time.ParseInLocation(time.DateOnly, n.LastDate, zone)
	return first, last, err
}

// bearer sends a token along.
func bearer(token string) connect.Interceptor {
	return connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			r.Header().Set("Authorization", "Bearer "+token)
			return next(ctx, r)
		}
	})
}

// measureQuestions asks each question again and again, as the pages do: by
// Connect in binary. A time ends with the last byte on loopback, so it is a
// little more than the server's own.
func (d *dashboard) measureQuestions(ctx context.Context) ([]figure, error) {
	f, err := d.learn(ctx)
	if err != nil {
		return nil, err
	}
	say("asking questions")
	var figures []figure
	var slowest figure
	var worst time.Duration
	for _, q := range questions(f) {
		times, bytes, err := d.ask(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.name(), err)
		}
		last := times[len(times)-1]
		one := figure{
			"query_" + q.name() + "_p95_ms", ms(percentile(times, 0.95)), "ms",
			fmt.Sprintf("p50 %s, max %s, %d times, %.0f kB", readable(ms(percentile(times, 0.5))), readable(ms(last)), len(times), float64(bytes)/1000),
		}
		figures = append(figures, one)
		if one.Value > slowest.Value {
			slowest = one
		}
		worst = max(worst, last)
	}
	note := fmt.Sprintf("%s; budget %d ms; by Connect in binary, to the last byte on loopback; %s", strings.TrimSuffix(slowest.Name, "_p95_ms"), questionBudget.Milliseconds(), d.about)
	return append(figures, figure{"query_slowest_p95_ms", slowest.Value, "ms", note}, figure{"query_slowest_max_ms", ms(worst), "ms", "of all that was asked; " + d.about}), nil
}

// ask gives times in ascending order and the size of the answer.
func (d *dashboard) ask(ctx context.Context, q question) (times []time.Duration, size int, err error) {
	body, err := proto.Marshal(q.request)
	if err != nil {
		return nil, 0, err
	}
	for range questionAsks {
		began := time.Now()
		answer, err := d.post(ctx, q.method(), body)
		if err != nil {
			return nil, 0, err
		}
		times, size = append(times, time.Since(began)), len(answer)
	}
	slices.Sort(times)
	return times, size, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
