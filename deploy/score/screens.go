package main

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/deploy/score/truth"
)

// verdict is a row of a screen.
type verdict struct {
	verdict, caveat string
	predicted       *float64
	censored        bool
	window          truth.Window
}

// screens are the verdicts by site, prefixes included.
type screens struct {
	links    map[string]verdict
	pairs    map[truth.Pair]verdict
	peaks    map[peakSite]verdict
	stations map[string]verdict
	// thresholds are the values of the seed of that name.
	thresholds map[string]float64
}

// peakSite is a direction of a road, prefix included, with one of its peaks.
type peakSite struct{ road, direction, peak string }

// readScreens takes over what the models say.
func readScreens(ctx context.Context, conn driver.Conn) (*screens, error) {
	s := &screens{
		links: map[string]verdict{}, pairs: map[truth.Pair]verdict{}, peaks: map[peakSite]verdict{},
		stations: map[string]verdict{}, thresholds: map[string]float64{},
	}
	const common = `toString(verdict), caveat, predicted_saving_per_weekday, toBool(is_demand_censored)`
	for _, q := range []struct {
		query string
		take  func(driver.Rows) error
	}{
		{`SELECT link_id, ` + common + ` FROM serving.screen_upgrade`, func(r driver.Rows) error {
			var id string
			var v verdict
			err := r.Scan(&id, &v.verdict, &v.caveat, &v.predicted, &v.censored)
			s.links[id] = v
			return err
		}},
		{`SELECT origin_zone, destination_zone, ` + common + ` FROM serving.screen_public_transport`, func(r driver.Rows) error {
			var p truth.Pair
			var v verdict
			err := r.Scan(&p.Origin, &p.Destination, &v.verdict, &v.caveat, &v.predicted, &v.censored)
			s.pairs[p] = v
			return err
		}},
		{`SELECT road, direction, peak, toInt64(window_from_minute), toInt64(window_to_minute), ` + common + ` FROM serving.screen_flexi_time`, func(r driver.Rows) error {
			var p peakSite
			var v verdict
			var from, to int64
			err := r.Scan(&p.road, &p.direction, &p.peak, &from, &to, &v.verdict, &v.caveat, &v.predicted, &v.censored)
			v.window = truth.Window{From: truth.Minute(from), To: truth.Minute(to)}
			s.peaks[p] = v
			return err
		}},
		{`SELECT station_id, ` + common + ` FROM serving.screen_speed_cameras`, func(r driver.Rows) error {
			var id string
			var v verdict
			err := r.Scan(&id, &v.verdict, &v.caveat, &v.predicted, &v.censored)
			s.stations[id] = v
			return err
		}},
		{`SELECT name, toFloat64(value) FROM staging.thresholds`, func(r driver.Rows) error {
			var name string
			var value float64
			err := r.Scan(&name, &value)
			s.thresholds[name] = value
			return err
		}},
	} {
		if err := each(ctx, conn, q.query, q.take); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func each(ctx context.Context, conn driver.Conn, query string, take func(driver.Rows) error) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := take(rows); err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
	}
	return rows.Err()
}

// threshold is a value of the seed, by its name.
func (s *screens) threshold(name string) (float64, error) {
	v, ok := s.thresholds[name]
	if !ok {
		return 0, fmt.Errorf("dbt/seeds/thresholds.csv has no %s: the questions are scored against it", name)
	}
	return v, nil
}
