package main

import (
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// firstMonday is the first UTC day at t or later that is a Monday.
func firstMonday(t world.Micros) time.Time {
	day := time.UnixMicro(t).UTC().Truncate(24 * time.Hour)
	if day.UnixMicro() < t {
		day = day.AddDate(0, 0, 1)
	}
	for day.Weekday() != time.Monday {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// days are n UTC days from a first one on, or n of those that are no weekend.
func days(first time.Time, n int, workdays bool) []time.Time {
	var list []time.Time
	for d := first.UTC(); len(list) < n; d = d.AddDate(0, 0, 1) {
		if !workdays || d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
			list = append(list, d)
		}
	}
	return list
}

// utcDays are the UTC days that any part of the local dates lies in. A date is
// given by its midnight, UTC.
func utcDays(dates []time.Time, local *time.Location) []time.Time {
	const day = 24 * time.Hour
	var list []time.Time
	for _, date := range dates {
		y, m, d := date.Date()
		end := time.Date(y, m, d+1, 0, 0, 0, 0, local)
		for u := time.Date(y, m, d, 0, 0, 0, 0, local).UTC().Truncate(day); u.Before(end); u = u.Add(day) {
			if n := len(list); n == 0 || u.After(list[n-1]) {
				list = append(list, u)
			}
		}
	}
	return list
}
