package main

import (
	"context"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/deploy/score/tally"
	"github.com/gantry-dev/gantry/deploy/score/truth"
)

// Questions, as the report names them.
const (
	askUpgrade         = "upgrade"
	askPublicTransport = "public_transport"
	askFlexiTime       = "flexi_time"
	askSpeedCameras    = "speed_cameras"
)

// inQueueMin is from how long a congestion a workday on a station stands in a
// queue, minutes.
const inQueueMin = 15

// asker finds the truth of one situation's sites and puts it beside the
// verdicts.
type asker struct {
	site    *truth.Site
	screens *screens

	mu   sync.Mutex
	rows map[string][]tally.Row
}

// ask gives the rows of all questions.
func (a *asker) ask(ctx context.Context) (map[string][]tally.Row, error) {
	a.rows = map[string][]tally.Row{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	stations, err := a.site.Stations(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.cameras(stations); err != nil {
		return nil, err
	}
	for _, f := range []func(context.Context, *errgroup.Group, []truth.Station) error{a.upgrades, a.buses, a.shifts} {
		if err := f(ctx, group, stations); err != nil {
			return nil, err
		}
	}
	return a.rows, group.Wait()
}

// add is a site whose truth is known now.
func (a *asker) add(question, name string, v verdict, r tally.Row) {
	r.Seed, r.Situation, r.Site = a.site.Seed, a.site.Situation.Name, name
	r.Verdict, r.Caveat, r.Predicted, r.Censored = v.verdict, v.caveat, v.predicted, v.censored
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows[question] = append(a.rows[question], r)
}

func (a *asker) upgrades(ctx context.Context, group *errgroup.Group, stations []truth.Station) error {
	least, err := a.screens.threshold("upgrade_saving_min_veh_h")
	if err != nil {
		return err
	}
	queued := map[string]bool{}
	for _, s := range stations {
		queued[s.Link] = queued[s.Link] || s.CongestedMin >= inQueueMin
	}
	for _, link := range a.site.World().Network().Links {
		group.Go(func() error {
			saved, err := a.site.Lane(ctx, link.ID)
			answer := tally.AnswerOf(saved.VehicleH, least)
			a.add(askUpgrade, link.ID, a.screens.links[a.prefixed(link.ID)], tally.Row{
				Truth: saved.VehicleH, Answer: answer, InQueue: answer == tally.No && queued[link.ID],
				Sick: a.sickOn(link.Road, link.Direction),
			})
			return err
		})
	}
	return nil
}

func (a *asker) buses(ctx context.Context, group *errgroup.Group, _ []truth.Station) error {
	least, err := a.screens.threshold("public_transport_saving_min_person_h")
	if err != nil {
		return err
	}
	for _, p := range a.site.Demand() {
		group.Go(func() error {
			saved, err := a.site.Bus(ctx, p)
			v := a.screens.pairs[truth.Pair{Origin: a.prefixed(p.Origin), Destination: a.prefixed(p.Destination)}]
			a.add(askPublicTransport, p.Origin+" to "+p.Destination, v, tally.Row{
				Truth: saved.PersonH, Answer: tally.AnswerOf(saved.PersonH, least), Sick: a.sickOn("", ""),
			})
			return err
		})
	}
	return nil
}

func (a *asker) shifts(ctx context.Context, group *errgroup.Group, _ []truth.Station) error {
	least, err := a.screens.threshold("flexi_time_saving_min_veh_h")
	if err != nil {
		return err
	}
	for _, d := range a.site.Directions() {
		for _, peak := range []string{truth.AM, truth.PM} {
			v, ok := a.screens.peaks[peakSite{a.prefixed(d.Road), d.Direction, peak}]
			window := v.window
			if !ok {
				window = a.site.Busiest(d, peak)
			}
			group.Go(func() error {
				saved, err := a.site.Shift(ctx, d, window)
				a.add(askFlexiTime, d.Road+" "+d.Direction+" "+peak+" "+window.String(), v, tally.Row{
					Truth: saved.VehicleH, Answer: tally.AnswerOf(saved.VehicleH, least), Sick: a.sickOn(d.Road, d.Direction),
				})
				return err
			})
		}
	}
	return nil
}

func (a *asker) cameras(stations []truth.Station) error {
	least, err := a.screens.threshold("camera_share_over_limit_min")
	if err != nil {
		return err
	}
	for _, s := range stations {
		a.add(askSpeedCameras, s.ID, a.screens.stations[a.prefixed(s.ID)], tally.Row{
			Truth: s.V85KMH, Answer: tally.CameraAnswer(s.V85KMH, truth.EnforcedKMH(s.LimitKMH), s.OverLimit, least),
			Sick: a.sickAt(s.ID),
		})
	}
	return nil
}

func (a *asker) prefixed(id string) string { return a.site.Situation.Prefix() + id }

// sickAt says whether a device of the station fails.
func (a *asker) sickAt(station string) bool {
	w := a.site.World()
	for _, d := range w.Network().Devices {
		if d.StationID == station && len(w.Faults(d.ID)) > 0 {
			return true
		}
	}
	return false
}

// sickOn says whether a device fails along a direction of a road; an empty one
// stands for all.
func (a *asker) sickOn(road, direction string) bool {
	for _, s := range a.site.World().Network().Stations {
		if (road == "" || s.Road == road && s.Direction == direction) && a.sickAt(s.ID) {
			return true
		}
	}
	return false
}
