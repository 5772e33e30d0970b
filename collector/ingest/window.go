package ingest

import (
	"errors"
	"fmt"
)

// Misuse of a window. Both are errors of this program.
var (
	errAckedTwice   = errors.New("batch is completed twice")
	errAckedUnknown = errors.New("batch is not in flight")
)

// window is the batches of a stream that are received and not answered, in
// order. A batch is answered when it and all before it are completed: the
// answer names the highest contiguous batch. It is bounded by its caller, who
// must ask full before push.
type window struct {
	maxBatches, maxBytes int

	flights []*flight // oldest first; flights[i].number = base + i
	base    uint64
	bytes   int
	// unsent counts batches and bytes that are answered while the answer is
	// not sent: they still count, or an agent that reads nothing could pile
	// up answers without a bound.
	unsentBatches, unsentBytes int
}

func newWindow(maxBatches, maxBytes int) *window {
	return &window{maxBatches: maxBatches, maxBytes: maxBytes, base: 1}
}

// full says that nothing more may be received. One batch always may.
func (w *window) full() bool {
	batches := len(w.flights) + w.unsentBatches
	return batches > 0 && (batches >= w.maxBatches || w.bytes+w.unsentBytes >= w.maxBytes)
}

// next is the number that the next batch must have.
func (w *window) next() uint64 { return w.base + uint64(len(w.flights)) }

// push takes a batch in; its number must be next.
func (w *window) push(f *flight) {
	w.flights = append(w.flights, f)
	w.bytes += f.bytes
}

// complete notes that Kafka has all of a batch, and returns the batches that
// are answered by that, oldest first.
func (w *window) complete(number uint64) ([]*flight, error) {
	if number < w.base {
		return nil, fmt.Errorf("%w: %d of those answered up to %d", errAckedTwice, number, w.base-1)
	}
	if number >= w.next() {
		return nil, fmt.Errorf("%w: %d, newest %d", errAckedUnknown, number, w.next()-1)
	}
	f := w.flights[number-w.base]
	if f.completed {
		return nil, fmt.Errorf("%w: %d", errAckedTwice, number)
	}
	f.completed = true
	n := 0
	for n < len(w.flights) && w.flights[n].completed {
		w.bytes -= w.flights[n].bytes
		w.unsentBytes += w.flights[n].bytes
		n++
	}
	answered := w.flights[:n:n]
	w.flights = w.flights[n:]
	w.base += uint64(n)
	w.unsentBatches += n
	return answered, nil
}

// sent notes that the answer to so many batches and bytes has been sent.
func (w *window) sent(batches, bytes int) {
	w.unsentBatches -= batches
	w.unsentBytes -= bytes
}

// inFlight says how many batches are not completed in order.
func (w *window) inFlight() int { return len(w.flights) }
