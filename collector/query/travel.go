package query

import (
	"context"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// bottlenecks are queues by link and day.
var bottlenecks = list{
	table: "serving.bottlenecks",
	order: rows.By("link_id", "down_station_id", "local_date Date"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
		"link_id":   byLink,
		"from_date": sinceDate,
		"to_date":   untilDate,
	},
	of: "rows that are measured throughout", measured: "countIf(is_measured)", expected: "count()",
}

// linkDays are travel and delay of links.
var linkDays = list{
	table: "serving.link_flow_day",
	order: rows.By("link_id", "local_date Date"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
		"link_id":   byLink,
		"from_date": sinceDate,
		"to_date":   untilDate,
	},
	of: "5-minute bins measured", measured: "sum(measured_bin_count)", expected: "sum(bin_count)",
}

// networkHours are travel and delay of all links together.
var networkHours = list{
	table: "serving.region_performance",
	order: rows.By("local_date Date", "local_hour UInt32"),
	filters: map[string]filter{
		"from_date": sinceDate,
		"to_date":   untilDate,
	},
	of: "5-minute bins of links measured", measured: "sum(measured_bin_count)", expected: "sum(bin_count)",
}

// travelTimes are of plates matched from camera to camera.
var travelTimes = list{
	table: "serving.travel_time_5m",
	order: rows.By("from_station_id", "to_station_id", "bin_start DateTime('UTC')"),
	filters: map[string]filter{
		"road":            byRoad,
		"direction":       byDirection,
		"from_station_id": byFrom,
	},
	moment: "bin_start",
	of:     "bins with a match", measured: "countIf(match_count > 0)", expected: "count()",
}

// reliability is how far travel times vary.
var reliability = list{
	table: "serving.travel_time_reliability",
	order: rows.By("from_station_id", "to_station_id", "period"),
	filters: map[string]filter{
		"road":            byRoad,
		"direction":       byDirection,
		"from_station_id": byFrom,
	},
	of: "rows with enough days to tell", measured: "countIf(is_reliable IS NOT NULL)", expected: "count()",
}

// ListBottlenecks implements gantry.v1.QueryService.
func (t *Traffic) ListBottlenecks(ctx context.Context, req *gantryv1.ListBottlenecksRequest) (*gantryv1.ListBottlenecksResponse, error) {
	return listed(ctx, t, bottlenecks, req, &gantryv1.ListBottlenecksResponse{})
}

// ListLinkDays implements gantry.v1.QueryService.
func (t *Traffic) ListLinkDays(ctx context.Context, req *gantryv1.ListLinkDaysRequest) (*gantryv1.ListLinkDaysResponse, error) {
	return listed(ctx, t, linkDays, req, &gantryv1.ListLinkDaysResponse{})
}

// ListNetworkHours implements gantry.v1.QueryService.
func (t *Traffic) ListNetworkHours(ctx context.Context, req *gantryv1.ListNetworkHoursRequest) (*gantryv1.ListNetworkHoursResponse, error) {
	return listed(ctx, t, networkHours, req, &gantryv1.ListNetworkHoursResponse{})
}

// ListTravelTimes implements gantry.v1.QueryService.
func (t *Traffic) ListTravelTimes(ctx context.Context, req *gantryv1.ListTravelTimesRequest) (*gantryv1.ListTravelTimesResponse, error) {
	return listed(ctx, t, travelTimes, req, &gantryv1.ListTravelTimesResponse{})
}

// ListTravelTimeReliability implements gantry.v1.QueryService.
func (t *Traffic) ListTravelTimeReliability(ctx context.Context, req *gantryv1.ListTravelTimeReliabilityRequest) (*gantryv1.ListTravelTimeReliabilityResponse, error) {
	return listed(ctx, t, reliability, req, &gantryv1.ListTravelTimeReliabilityResponse{})
}
