package query

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// deviceHealth is what each device said and should have said.
var deviceHealth = list{
	table: "serving.device_health",
	order: rows.By("device_id", "day Date"),
	filters: map[string]filter{
		"station_id": byStation,
		"device_id":  {where: "device_id = {device_id:String}"},
		"from_day":   {where: "day >= {from_day:Date}", without: "day >= (SELECT max(day) FROM serving.device_health)", date: true},
		"to_day":     {where: "day <= {to_day:Date}", date: true},
		"sick_only":  {where: "state != 'healthy'"},
	},
	of: "readings received of those expected", measured: "sum(received_count)", expected: "sum(expected_count)",
}

// pipelineDays count readings from the device to the models.
var pipelineDays = list{
	table: "serving.pipeline_days",
	order: rows.By("day Date"),
	filters: map[string]filter{
		"from_day": {where: "day >= {from_day:Date}", date: true},
		"to_day":   {where: "day <= {to_day:Date}", date: true},
	},
	of: "readings of ended epochs that arrived or were refused", measured: "sum(toInt64(emitted_count) - ifNull(lost_count, 0))", expected: "sum(emitted_count)",
}

// ListPipelineDays implements gantry.v1.QueryService.
func (t *Traffic) ListPipelineDays(ctx context.Context, req *gantryv1.ListPipelineDaysRequest) (*gantryv1.ListPipelineDaysResponse, error) {
	return listed(ctx, t, pipelineDays, req, &gantryv1.ListPipelineDaysResponse{})
}

// ListDeviceHealth implements gantry.v1.QueryService.
func (t *Traffic) ListDeviceHealth(ctx context.Context, req *gantryv1.ListDeviceHealthRequest) (*gantryv1.ListDeviceHealthResponse, error) {
	resp, err := listed(ctx, t, deviceHealth, req, &gantryv1.ListDeviceHealthResponse{})
	if err != nil || req.DeviceId == "" || len(resp.Days) > 0 {
		return resp, err
	}
	var n uint64
	_, err = t.planner.One(ctx, "SELECT count() FROM serving.device_health WHERE device_id = {device_id:String}", []any{rows.Arg("device_id", req.DeviceId)}, &n)
	if err == nil && n == 0 {
		err = status.Errorf(codes.NotFound, "device_id: nothing was ever heard of a device %q: gantry.v1.FleetService/ListDevices lists those of the network", req.DeviceId)
	}
	return resp, err
}
