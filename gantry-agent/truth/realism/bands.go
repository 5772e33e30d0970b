package realism

// property is one thing that is measured.
type property int

// The properties, in the order of the report.
const (
	kBoth property = iota
	kOne
	peakFactor
	twoPeaks
	morningSharper
	weekendRatio
	heavyShare
	heavyNight
	heavyHour
	countDispersion
	maxFive
	maxFiveLane
	maxHour
	outerMean
	outerSD
	innerMean
	innerSD
	heavyMean
	heavySD
	innerLow
	innerNear
	innerRising
	capacityDrop
	jamFront
	meanDifference
	headwayShift
	headwayTail
	dayVariation
	gehShare
	ordinarySite
	worstSite
	problemSite
	properties // how many there are
)

// band is where published figures lie, and how this package measures its own.
type band struct {
	name, unit string
	lo, hi     float64
	source     string
	how        string
}

// Sources of bands. [S] marks those known from an excerpt only, [M] what is
// general knowledge.
const (
	hcm         = "Highway Capacity Manual 6 [M]"
	general     = "general knowledge of motorway detectors [M]"
	laneStudy   = "lane distribution, Transportation Research Part C, 2012 [S]"
	dropStudies = "capacity drop studies, 5–15 % [M]"
	waveStudy   = "Stipdonk et al., −18 ± 1 km/h [S]"
	handbook    = "speed camera handbooks: 20 % over the limit is a problem [S]"
	headwayText = "headway studies [S]"
)

// bands is the one table of figures to compare with.
var bands = [properties]band{
	kBoth: {"K, both directions", "", 0.07, 0.11, hcm,
		"30th highest clock hour of 365 days over AADT (AASHTO average of averages), both directions of a gantry together; median over gantries"},
	kOne: {"K, one direction", "", 0.07, 0.11, hcm,
		"30th highest clock hour of 365 days over AADT (AASHTO average of averages) of each station; median over stations"},
	peakFactor: {"peak hour factor", "", 0.85, 0.97, hcm,
		"V60/(4·V15max) of the four quarters with the greatest flow of each weekday; median over weekdays, then over stations"},
	twoPeaks: {"weekday peaks", "", 2, 2, general,
		"hours of the mean weekday that stand out by 5 % of the greatest, all stations together"},
	morningSharper: {"morning peak over evening peak, sharpness", "", 1.0001, 3, general,
		"share of the peak hour in the three hours around it, before noon over after noon; mean weekday, all stations together"},
	weekendRatio: {"weekend day over weekday", "", 0.55, 0.85, general,
		"mean count of Saturdays and Sundays over that of Mondays to Fridays; median over stations"},
	heavyShare: {"heavy vehicles by day", "", 0.05, 0.25, general,
		"trucks and buses among all vehicles from 06:00 to 22:00, all days; median over stations"},
	heavyNight: {"heavy vehicles by night over by day", "", 1.0001, 10, general,
		"share of trucks and buses from 22:00 to 06:00 over that from 06:00 to 22:00; median over stations"},
	heavyHour: {"hour with the greatest heavy share", "hours after midnight", -2, 5, general,
		"of all stations and days together"},
	countDispersion: {"one-minute counts, variance over mean", "", 0.9, 1.5, general,
		"sample variance over mean of the 15 counts of each quarter of an hour without congestion and with a mean of at least one; mean over quarters, then median over stations"},
	maxFive: {"greatest five-minute flow", "veh/h/lane", 1900, 2400, hcm,
		"of all stations; flow of the station over its lanes"},
	maxFiveLane: {"greatest five-minute flow of one lane", "veh/h", 1900, 2400, hcm,
		"of all lanes of all stations"},
	maxHour: {"greatest hour", "veh/h/lane", 1700, 2200, hcm,
		"clock hours of all stations; count of the station over its lanes"},
	outerMean: {"free-flow cars, outer lane, mean", "km/h", 100, 115, general,
		"spot speeds of cars in lane 1, without congestion, up to 1 000 veh/h/lane, limits of 120 to 130 km/h; median over stations"},
	outerSD: {"free-flow cars, outer lane, deviation", "km/h", 12, 20, general, "as the mean"},
	innerMean: {"free-flow cars, inner lane, mean", "km/h", 115, 130, general,
		"as in the outer lane, in the lane farthest from the nearside"},
	innerSD: {"free-flow cars, inner lane, deviation", "km/h", 12, 20, general, "as the mean"},
	heavyMean: {"free-flow heavy vehicles, mean", "km/h", 80, 92, general,
		"spot speeds of trucks and buses in all lanes, otherwise as cars"},
	heavySD: {"free-flow heavy vehicles, deviation", "km/h", 4, 8, general, "as the mean"},
	innerLow: {"inner lane's share at low flow", "", 0, 0.25, laneStudy,
		"stations with two lanes, five-minute bins without congestion, up to 400 veh/h/lane; median over stations"},
	innerNear: {"inner lane's share near capacity", "", 0.45, 1, laneStudy,
		"the same bins from 85 % of the greatest flow on, where that is at least 1 500 veh/h/lane; median over stations"},
	innerRising: {"inner lane's share rises with flow", "", 0.95, 1, laneStudy,
		"rank correlation of share and flow over classes of 100 veh/h/lane with an hour of bins; the least of all stations"},
	capacityDrop: {"capacity drop", "", 0.05, 0.20, dropStudies,
		"1 − mean discharge of the queue ÷ greatest quarter of an hour in the hour before it, both at the free station next below the queue's head, which has no more lanes than the one above (Cassidy and Bertini 1999); active while the station above is below 64 km/h and 32 km/h slower (Chen et al. 2004), on two days or more; median over activations"},
	jamFront: {"jam front speed", "km/h", -20, -14, waveStudy,
		"lag of the greatest correlation of 30 s speeds, less their 20-minute mean, at neighbouring stations inside a queue; median over pairs of stations"},
	meanDifference: {"time-mean less space-mean speed", "km/h", 1, 4, "σ²/u of free-flow speeds [M]",
		"arithmetic less harmonic mean of the spot speeds of all vehicles in quarters of an hour without congestion; mean by vehicles, then median over stations"},
	headwayShift: {"headways in following, shift", "s", 0.2, 0.5, headwayText,
		"location of the followers' lognormal distribution in the semi-Poisson model (Buckley 1968), fitted by maximum likelihood to headways in lanes with at least 1 500 veh/h without congestion, the rate of the free drivers from what exceeds 4 s; median over stations"},
	headwayTail: {"headways beyond 6 s at low flow, variation", "", 0.9, 1.1, headwayText,
		"standard deviation over mean of what exceeds 6 s, within half hours of a lane with at most 400 veh/h; exponential is 1; median over stations"},
	dayVariation: {"weekday counts, day-to-day variation", "", 0.03, 0.10, general,
		"standard deviation over mean of the counts of Mondays to Fridays; median over stations"},
	gehShare: {"station-hours with GEH below 5", "", 0.85, 1, "calibration guidelines: GEH < 5 on 85 % [M]",
		"counts of clock hours against the trips planned, as if nothing slowed them"},
	ordinarySite: {"share more than 10 % over the limit, ordinary site", "", 0, 0.05, handbook,
		"all vehicles at sites that the scenario does not name for speeding; median over stations"},
	worstSite: {"share more than 10 % over the limit, worst ordinary site", "", 0, 0.05, handbook,
		"the greatest of the same"},
	problemSite: {"share more than 10 % over the limit, problem site", "", 0.20, 1, handbook,
		"all vehicles at sites that the scenario names for speeding; the least of these"},
}
