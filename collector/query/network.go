package query

import (
	"context"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// stations as they are now.
var stations = list{
	table: "serving.stations",
	order: rows.By("station_id"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
	},
	of: "stations with a day of data", measured: "countIf(station_id IN (SELECT station_id FROM serving.station_flow_day WHERE measured_bin_count > 0))", expected: "count()",
}

// links as they are now.
var links = list{
	table: "serving.links",
	columns: map[string]string{
		"points_deg": "arrayFlatten(arrayMap(p -> [p.1, p.2], serving.links.points_deg))",
	},
	order: rows.By("link_id"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
	},
	of: "links with a known line", measured: "countIf(notEmpty(serving.links.points_deg))", expected: "count()",
}

// nodes as they are now.
var nodes = list{
	table: "serving.nodes",
	order: rows.By("node_id"),
}

// ListStations implements gantry.v1.QueryService.
func (t *Traffic) ListStations(ctx context.Context, req *gantryv1.ListStationsRequest) (*gantryv1.ListStationsResponse, error) {
	return listed(ctx, t, stations, req, &gantryv1.ListStationsResponse{})
}

// ListLinks implements gantry.v1.QueryService.
func (t *Traffic) ListLinks(ctx context.Context, req *gantryv1.ListLinksRequest) (*gantryv1.ListLinksResponse, error) {
	return listed(ctx, t, links, req, &gantryv1.ListLinksResponse{})
}

// ListNodes implements gantry.v1.QueryService.
func (t *Traffic) ListNodes(ctx context.Context, req *gantryv1.ListNodesRequest) (*gantryv1.ListNodesResponse, error) {
	return listed(ctx, t, nodes, req, &gantryv1.ListNodesResponse{})
}

// GetNetwork implements gantry.v1.QueryService.
func (t *Traffic) GetNetwork(ctx context.Context, _ *gantryv1.GetNetworkRequest) (*gantryv1.GetNetworkResponse, error) {
	p, err := t.network(ctx)
	if err != nil {
		return nil, err
	}
	fresh, err := t.freshness(ctx)
	if err != nil {
		return nil, err
	}
	basis := fresh.basis()
	basis.Completeness, err = count(ctx, t.planner, stations, rows.Select{})
	if err != nil {
		return nil, err
	}
	return &gantryv1.GetNetworkResponse{
		Basis: basis, Name: p.name, Zone: p.zoneName, ValidFrom: moment(p.since),
		FirstDate: fresh.firstDate, LastDate: fresh.lastDate,
	}, nil
}
