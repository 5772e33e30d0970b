package query

import (
	"context"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// odFlows are where people go, hour by hour.
var odFlows = list{
	table: "serving.od_flow_hour",
	order: rows.By("origin_zone", "destination_zone", "local_date Date", "local_hour UInt32"),
	filters: map[string]filter{
		"origin_zone":      byOrigin,
		"destination_zone": byDest,
		"from_date":        sinceDate,
		"to_date":          untilDate,
	},
	of: "journeys whose persons were counted", measured: "sum(measured_count)", expected: "sum(journey_count)",
}

// odProfiles are odFlows added up over dates.
var odProfiles = list{
	table: "serving.od_flow_hour AS flow",
	columns: map[string]string{
		"day_count":      "uniqExact(flow.local_date)",
		"journey_count":  "sum(flow.journey_count)",
		"vehicle_count":  "sum(flow.vehicle_count)",
		"car_count":      "sum(flow.car_count)",
		"measured_count": "sum(flow.measured_count)",
		"persons":        "sumOrNull(flow.persons)",
	},
	group: "origin_zone, destination_zone, local_hour",
	order: rows.By("origin_zone", "destination_zone", "local_hour UInt32"),
	filters: map[string]filter{
		"origin_zone":      byOrigin,
		"destination_zone": byDest,
		"from_date":        sinceDate,
		"to_date":          untilDate,
		"weekdays_only":    {where: "toDayOfWeek(local_date) <= 5"},
	},
	of: "journeys whose persons were counted", measured: "sum(measured_count)", expected: "sum(journey_count)",
}

// commuterShares are how many journeys are a habit.
var commuterShares = list{
	table: "serving.commuter_share",
	order: rows.By("origin_zone", "destination_zone", "local_hour UInt32"),
	filters: map[string]filter{
		"origin_zone":      byOrigin,
		"destination_zone": byDest,
	},
	of: "rows with enough weekdays to tell", measured: "countIf(serving.commuter_share.commuter_share IS NOT NULL)", expected: "count()",
}

// ListOdFlows implements gantry.v1.QueryService.
func (t *Traffic) ListOdFlows(ctx context.Context, req *gantryv1.ListOdFlowsRequest) (*gantryv1.ListOdFlowsResponse, error) {
	return listed(ctx, t, odFlows, req, &gantryv1.ListOdFlowsResponse{})
}

// ListOdProfiles implements gantry.v1.QueryService.
func (t *Traffic) ListOdProfiles(ctx context.Context, req *gantryv1.ListOdProfilesRequest) (*gantryv1.ListOdProfilesResponse, error) {
	return listed(ctx, t, odProfiles, req, &gantryv1.ListOdProfilesResponse{})
}

// ListCommuterShares implements gantry.v1.QueryService.
func (t *Traffic) ListCommuterShares(ctx context.Context, req *gantryv1.ListCommuterSharesRequest) (*gantryv1.ListCommuterSharesResponse, error) {
	return listed(ctx, t, commuterShares, req, &gantryv1.ListCommuterSharesResponse{})
}
