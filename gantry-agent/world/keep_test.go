package world

import (
	"runtime"
	"testing"
)

// alive counts the days that are in memory.
func (w *World) alive() (n int) {
	runtime.GC()
	w.days.mu.Lock()
	defer w.days.mu.Unlock()
	for _, p := range w.days.known {
		if p.Value() != nil {
			n++
		}
	}
	return n
}

// TestDaysAreForgotten: beside those in use only as many days stay in memory as
// Keep says.
func TestDaysAreForgotten(t *testing.T) {
	w := quietWorld(t, "+00:00", 1)
	w.Keep(1)
	var p Passage
	live, _ := w.Open("north-01", micros(2026, 3, 20, 12), micros(2026, 3, 20, 18))
	live.Next(&p)
	var past []*Cursor // whoever reads may hold on to what has ended
	for d := range 7 {
		c, _ := w.Open("north-02", micros(2026, 3, 2+d, 0), micros(2026, 3, 3+d, 0))
		for c.Next(&p) {
		}
		past = append(past, c)
	}
	if n := w.alive(); n > 2 {
		t.Errorf("%d days are in memory, and one is live", n)
	}
	runtime.KeepAlive(past)
	runtime.KeepAlive(live)
}
