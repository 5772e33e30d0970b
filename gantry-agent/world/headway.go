package world

// minFollowTicks is the shift of following headways: nobody follows closer.
const minFollowTicks = uint32(350_000 / tick)

// followShape is the inverse distribution function of a lognormal with σ = 0.45,
// scaled to a mean of 1 024, at the middles of 64 equal shares. It stands here
// as numbers because exp and log do not give the same bits on every machine;
// TestFollowShape recomputes it.
var followShape = [64]uint16{
	313, 379, 420, 451, 478, 502, 523, 543,
	562, 580, 597, 614, 630, 646, 662, 677,
	692, 707, 722, 737, 752, 767, 781, 796,
	811, 826, 841, 857, 872, 888, 903, 919,
	936, 952, 969, 987, 1005, 1023, 1042, 1061,
	1081, 1101, 1122, 1144, 1167, 1191, 1216, 1243,
	1271, 1300, 1331, 1365, 1401, 1440, 1483, 1531,
	1584, 1645, 1715, 1800, 1907, 2049, 2269, 2757,
}

// followTicks draws the time that passes in a lane before the next vehicle
// follows: shifted lognormal around a mean, shorter by a fifth for each second
// of debt. It takes the lowest six bits of h.
func followTicks(h uint64, mean uint32, debt int32) uint32 {
	if mean <= minFollowTicks {
		return mean
	}
	gap := min(max(1024-debt*205/int32(ticksPerSec), 512), 1536)
	return minFollowTicks + uint32(uint64(mean-minFollowTicks)*uint64(followShape[h&63])*uint64(gap)>>20)
}
