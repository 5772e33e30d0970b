package recorded

import (
	"strings"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Classes by the names that vehicle types commonly have in SUMO: its vehicle
// classes, the names of its default types, and those of its sample tools.
var sumoClasses = map[string]world.Class{
	"car": world.Car, "passenger": world.Car, "private": world.Car, "taxi": world.Car, "evehicle": world.Car, "hov": world.Car,
	"default_vehtype": world.Car, "default_taxitype": world.Car, "veh_passenger": world.Car, "emergency": world.Car,
	"van": world.Van, "delivery": world.Van, "veh_delivery": world.Van,
	"truck": world.Truck, "trailer": world.Truck, "rigid": world.Truck, "artic": world.Truck, "lorry": world.Truck, "hgv": world.Truck,
	"veh_truck": world.Truck, "veh_trailer": world.Truck,
	"bus": world.Bus, "coach": world.Bus, "veh_bus": world.Bus, "veh_coach": world.Bus,
	"motorcycle": world.Motorcycle, "moped": world.Motorcycle, "veh_motorcycle": world.Motorcycle, "veh_moped": world.Motorcycle,
	"other": world.Other,
}

// fintrafficClasses are the codes of Fintraffic, see the package's comment.
var fintrafficClasses = map[string]world.Class{
	"0": world.Motorcycle, "1": world.Car, "2": world.Truck, "3": world.Bus, "4": world.Truck, "5": world.Truck, "6": world.Car, "7": world.Car,
}

// classifier gives types their class and counts those that nobody knows.
type classifier struct {
	given, known map[string]world.Class
	unknown      tally
}

// class of a type: as given, as known, or other.
func (c *classifier) class(name string, line int) world.Class {
	if class, ok := c.given[name]; ok {
		return class
	}
	base, _, _ := strings.Cut(name, "@")
	if class, ok := c.given[base]; ok {
		return class
	}
	if class, ok := c.known[strings.ToLower(base)]; ok {
		return class
	}
	if base = plainText(base); c.unknown[base] == nil && len(c.unknown) >= maxNames {
		base = "(and others)"
	}
	c.unknown.note(base, line)
	return world.Other
}
