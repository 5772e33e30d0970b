package world

// quartersPerHour is how finely a profile's hours are interpolated.
const quartersPerHour = 4

// profiles are the entry times of a demand.
type profiles struct{ workday, weekend quantiles }

// smooth turns hourly weights, from the world day's start on, into weights of
// quarters of an hour: a straight line from the middle of an hour to the middle
// of the next, scaled so that each hour keeps its weight. Steps from hour to
// hour would make a peak hour without a peak.
func smooth(hours []uint32) []uint32 {
	n := len(hours)
	out := make([]uint32, 0, n*quartersPerHour)
	for h, mid := range hours {
		before, after := uint64(hours[(h+n-1)%n]), uint64(hours[(h+1)%n])
		m := uint64(mid)
		// Middles of the quarters lie 3/8 and 1/8 of an hour from the hour's.
		line := [quartersPerHour]uint64{3*before + 5*m, before + 7*m, after + 7*m, 3*after + 5*m}
		sum := line[0] + line[1] + line[2] + line[3]
		for _, v := range line {
			if sum > 0 {
				v = v * m * 256 / sum
			}
			out = append(out, uint32(v))
		}
	}
	return out
}
