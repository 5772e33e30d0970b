package world

// maxWeight limits the sum of a file's weights.
const maxWeight = 1_000_000_000

// quantiles turns a uniform draw into a bin: entry i is the share of the bins
// up to and with i, of 2^32.
type quantiles []uint64

// newQuantiles is false when the weights have no sum, or too large a one.
func newQuantiles(weights []uint32) (quantiles, bool) {
	var sum uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	if sum == 0 || sum > maxWeight {
		return nil, false
	}
	q := make(quantiles, len(weights))
	var part uint64
	for i, w := range weights {
		part += uint64(w)
		q[i] = part << 32 / sum
	}
	return q, true
}

// bin is the bin that u, uniform below 2^32, falls into.
func (q quantiles) bin(u uint64) int {
	lo, hi := 0, len(q)-1
	for lo < hi {
		mid := (lo + hi) / 2
		if u < q[mid] {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// at is the place of u on an axis where each bin is width wide and density
// is constant within a bin.
func (q quantiles) at(u, width uint64) uint64 {
	bin := q.bin(u)
	from := uint64(0)
	if bin > 0 {
		from = q[bin-1]
	}
	return uint64(bin)*width + (u-from)*width/(q[bin]-from)
}
