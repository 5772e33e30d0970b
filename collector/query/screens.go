package query

import (
	"context"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// ranked is a screen's table with each site's place in its list: what is worth
// doing first, then what cannot be told, each by benefit, then by name.
func ranked(table, name string) string {
	return "(SELECT *, toUInt32(row_number() OVER (ORDER BY indexOf(['yes', 'insufficient evidence', 'no'], verdict), " +
		"ifNull(predicted_saving_per_weekday, 0) DESC, ifNull(value - threshold, 0) DESC, " + name + ")) AS rank FROM " + table + ")"
}

// Evidence is sufficient unless the verdict says otherwise.
const (
	sitesOf  = "sites with sufficient evidence"
	evident  = "countIf(verdict != 'insufficient evidence')"
	allSites = "count()"
)

// upgradeScreen asks: is a road upgrade required?
var upgradeScreen = list{
	table: ranked("serving.screen_upgrade", "link_id"),
	order: rows.By("rank UInt32"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
	},
	of: sitesOf, measured: evident, expected: allSites,
}

// publicTransportScreen asks: are additional public transport services required?
var publicTransportScreen = list{
	table: ranked("serving.screen_public_transport", "origin_zone, destination_zone"),
	order: rows.By("rank UInt32"),
	filters: map[string]filter{
		"origin_zone":      byOrigin,
		"destination_zone": byDest,
	},
	of: sitesOf, measured: evident, expected: allSites,
}

// flexiTimeScreen asks: should flexi time be recommended?
var flexiTimeScreen = list{
	table: ranked("serving.screen_flexi_time", "road, direction, peak"),
	order: rows.By("rank UInt32"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
	},
	of: sitesOf, measured: evident, expected: allSites,
}

// speedCameraScreen asks: are additional speed cameras required?
var speedCameraScreen = list{
	table: ranked("serving.screen_speed_cameras", "station_id"),
	order: rows.By("rank UInt32"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
	},
	of: sitesOf, measured: evident, expected: allSites,
}

// flexiTimeCurve is the delay saved by the share moved.
var flexiTimeCurve = list{
	table: "serving.flexi_time_curve",
	order: rows.By("road", "direction", "peak", "shift_percent UInt32"),
	filters: map[string]filter{
		"road":      byRoad,
		"direction": byDirection,
	},
	of: "points with a workday", measured: "countIf(workday_count > 0)", expected: "count()",
}

// ListUpgradeScreen implements gantry.v1.QueryService.
func (t *Traffic) ListUpgradeScreen(ctx context.Context, req *gantryv1.ListUpgradeScreenRequest) (*gantryv1.ListUpgradeScreenResponse, error) {
	return listed(ctx, t, upgradeScreen, req, &gantryv1.ListUpgradeScreenResponse{})
}

// ListPublicTransportScreen implements gantry.v1.QueryService.
func (t *Traffic) ListPublicTransportScreen(ctx context.Context, req *gantryv1.ListPublicTransportScreenRequest) (*gantryv1.ListPublicTransportScreenResponse, error) {
	return listed(ctx, t, publicTransportScreen, req, &gantryv1.ListPublicTransportScreenResponse{})
}

// ListFlexiTimeScreen implements gantry.v1.QueryService.
func (t *Traffic) ListFlexiTimeScreen(ctx context.Context, req *gantryv1.ListFlexiTimeScreenRequest) (*gantryv1.ListFlexiTimeScreenResponse, error) {
	return listed(ctx, t, flexiTimeScreen, req, &gantryv1.ListFlexiTimeScreenResponse{})
}

// ListSpeedCameraScreen implements gantry.v1.QueryService.
func (t *Traffic) ListSpeedCameraScreen(ctx context.Context, req *gantryv1.ListSpeedCameraScreenRequest) (*gantryv1.ListSpeedCameraScreenResponse, error) {
	return listed(ctx, t, speedCameraScreen, req, &gantryv1.ListSpeedCameraScreenResponse{})
}

// ListFlexiTimeCurve implements gantry.v1.QueryService.
func (t *Traffic) ListFlexiTimeCurve(ctx context.Context, req *gantryv1.ListFlexiTimeCurveRequest) (*gantryv1.ListFlexiTimeCurveResponse, error) {
	return listed(ctx, t, flexiTimeCurve, req, &gantryv1.ListFlexiTimeCurveResponse{})
}
