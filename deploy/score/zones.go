package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/deploy/score/warehouse"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// zone are the situations of one time zone.
type zone struct {
	name       string
	location   *time.Location
	situations []planted.Situation
	roads      []warehouse.Road
	// first Monday of all their lives.
	first time.Time
}

// byZone makes the situations' worlds, in the order given.
func byZone(seed uint64, situations []planted.Situation) ([]zone, error) {
	var zones []zone
	at := map[string]int{}
	for _, s := range situations {
		w, err := s.World(seed, nil)
		if err != nil {
			return nil, err
		}
		name := w.Network().Zone
		i, ok := at[name]
		if !ok {
			location, err := world.Location(name)
			if err != nil {
				return nil, fmt.Errorf("situation %s: %w", s.Name, err)
			}
			i = len(zones)
			at[name] = i
			zones = append(zones, zone{name: name, location: location})
		}
		z := &zones[i]
		z.situations = append(z.situations, s)
		z.roads = append(z.roads, warehouse.Road{World: w, Prefix: s.Prefix()})
		if monday := firstMonday(w.Network().ValidFrom); monday.After(z.first) {
			z.first = monday
		}
	}
	return zones, nil
}

// suffix tells the folders of several zones apart.
func (z *zone) suffix() string {
	if z.name == "+00:00" {
		return ""
	}
	return "-" + strings.ReplaceAll(z.name, "/", "-")
}
