package truth

import (
	"container/heap"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// stream is one of several sources in order of time.
type stream[T any] struct {
	at    world.Micros
	order int // breaks ties
	item  T
	next  func() (T, world.Micros, bool)
}

// merger is a heap of streams by their next item.
type merger[T any] []*stream[T]

func (m merger[T]) Len() int      { return len(m) }
func (m merger[T]) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m merger[T]) Less(i, j int) bool {
	if m[i].at != m[j].at {
		return m[i].at < m[j].at
	}
	return m[i].order < m[j].order
}

// Push is for container/heap.
func (m *merger[T]) Push(x any) { *m = append(*m, x.(*stream[T])) }

// Pop is for container/heap.
func (m *merger[T]) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

// merge hands out the items of all sources by time, ties by the sources'
// order.
func merge[T any](sources []func() (T, world.Micros, bool), each func(source int, item T) error) error {
	var m merger[T]
	for i, next := range sources {
		if item, at, ok := next(); ok {
			m = append(m, &stream[T]{at, i, item, next})
		}
	}
	heap.Init(&m)
	for len(m) > 0 {
		s := m[0]
		if err := each(s.order, s.item); err != nil {
			return err
		}
		var ok bool
		if s.item, s.at, ok = s.next(); ok {
			heap.Fix(&m, 0)
		} else {
			heap.Pop(&m)
		}
	}
	return nil
}
