package query

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// stationDays are stations day by day.
var stationDays = list{
	table: "serving.station_flow_day",
	order: rows.By("station_id", "local_date Date"),
	filters: map[string]filter{
		"station_id": byStation,
		"from_date":  sinceDate,
		"to_date":    untilDate,
	},
	of: "5-minute bins with a working counter", measured: "sum(measured_bin_count)", expected: "sum(expected_bin_count)",
}

// stationYears are the figures that roads are designed by.
var stationYears = list{
	table: "serving.station_annual",
	order: rows.By("station_id", "local_year UInt32"),
	filters: map[string]filter{
		"station_id": byStation,
	},
	of: "days measured nearly whole", measured: "sum(days_count)", expected: "count() * 365",
}

// fundamentalDiagram is flow and speed by density.
var fundamentalDiagram = list{
	table: "serving.fundamental_diagram",
	columns: map[string]string{
		"density_veh_km": "density_bin",
	},
	order: rows.By("station_id", "lane UInt32", "density_veh_km UInt32"),
	filters: map[string]filter{
		"station_id": byStation,
	},
	of: "5-minute bins of lanes", measured: "sum(bin_count)", expected: "0",
}

// stationCapacities are what stations can carry.
var stationCapacities = list{
	table: "serving.station_capacity",
	order: rows.By("station_id"),
	filters: map[string]filter{
		"station_id": byStation,
	},
	of: "capacities that are fitted", measured: "countIf(is_fitted)", expected: "count()",
}

// speedCompliance is free-flow speeds against the limit.
var speedCompliance = list{
	table: "serving.speed_compliance",
	order: rows.By("station_id", "lane UInt32", "vehicle_class", "local_hour UInt32"),
	filters: map[string]filter{
		"station_id": byStation,
	},
	of: "vehicles with a free road", measured: "sum(free_count)", expected: "sum(vehicle_count)",
}

// speedDistribution is how many drove how fast.
var speedDistribution = list{
	table: "serving.speed_distribution",
	order: rows.By("station_id", "lane UInt32", "vehicle_class", "speed_kmh UInt32"),
	filters: map[string]filter{
		"station_id": byStation,
	},
	of: "vehicles with a free road", measured: "sum(free_count)", expected: "sum(vehicle_count)",
}

// ListStationDays implements gantry.v1.QueryService.
func (t *Traffic) ListStationDays(ctx context.Context, req *gantryv1.ListStationDaysRequest) (*gantryv1.ListStationDaysResponse, error) {
	return listed(ctx, t, stationDays, req, &gantryv1.ListStationDaysResponse{})
}

// ListStationYears implements gantry.v1.QueryService.
func (t *Traffic) ListStationYears(ctx context.Context, req *gantryv1.ListStationYearsRequest) (*gantryv1.ListStationYearsResponse, error) {
	return listed(ctx, t, stationYears, req, &gantryv1.ListStationYearsResponse{})
}

// ListFundamentalDiagram implements gantry.v1.QueryService.
func (t *Traffic) ListFundamentalDiagram(ctx context.Context, req *gantryv1.ListFundamentalDiagramRequest) (*gantryv1.ListFundamentalDiagramResponse, error) {
	return listed(ctx, t, fundamentalDiagram, req, &gantryv1.ListFundamentalDiagramResponse{})
}

// ListStationCapacities implements gantry.v1.QueryService.
func (t *Traffic) ListStationCapacities(ctx context.Context, req *gantryv1.ListStationCapacitiesRequest) (*gantryv1.ListStationCapacitiesResponse, error) {
	return listed(ctx, t, stationCapacities, req, &gantryv1.ListStationCapacitiesResponse{})
}

// ListSpeedCompliance implements gantry.v1.QueryService.
func (t *Traffic) ListSpeedCompliance(ctx context.Context, req *gantryv1.ListSpeedComplianceRequest) (*gantryv1.ListSpeedComplianceResponse, error) {
	return listed(ctx, t, speedCompliance, req, &gantryv1.ListSpeedComplianceResponse{})
}

// v85 is the 85th percentile of whole km/h rounded down, as speed_compliance
// has it of each hour.
const v85 = `SELECT if(sum(free_count) >= 20, quantileInterpolatedWeighted(0.85)(speed_kmh + 0.5, free_count), NULL)
	FROM serving.speed_distribution WHERE station_id = {station_id:String}`

// ListSpeedDistribution implements gantry.v1.QueryService.
func (t *Traffic) ListSpeedDistribution(ctx context.Context, req *gantryv1.ListSpeedDistributionRequest) (*gantryv1.ListSpeedDistributionResponse, error) {
	if req.StationId == "" {
		return nil, status.Error(codes.InvalidArgument, "station_id: say which station; gantry.v1.QueryService/ListStations lists them")
	}
	resp, err := listed(ctx, t, speedDistribution, req, &gantryv1.ListSpeedDistributionResponse{})
	if err != nil {
		return nil, err
	}
	_, err = t.planner.One(ctx, v85, []any{rows.Arg("station_id", req.StationId)}, &resp.V85Kmh)
	return resp, err
}
