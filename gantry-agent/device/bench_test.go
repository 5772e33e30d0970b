package device

import (
	"runtime"
	"testing"
)

// BenchmarkReadings generates and encodes the readings of all 48 devices, day
// after day, as backfill does: ns/op is per reading, the shared field
// included.
func BenchmarkReadings(b *testing.B) {
	w := shippedWorld(b)
	var devices []*Device
	for _, in := range w.Network().Devices {
		devices = append(devices, mustDevice(b, w, in.ID))
	}
	b.ReportAllocs()
	buf := make([]byte, 0, 128)
	left := b.N
	bytes := 0
	for day := micros(2026, 3, 2); left > 0; day += dayLong {
		for _, d := range devices {
			c := d.Open(epochOf(b, d, day), 0)
			for left > 0 {
				r, ok := c.Next()
				if !ok {
					break
				}
				buf = r.AppendWire(buf[:0])
				bytes += len(buf)
				left--
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	b.ReportMetric(float64(bytes)/float64(b.N), "wire_bytes/reading")
}

// BenchmarkFaultyReadings is BenchmarkReadings of one device with faults of
// every kind.
func BenchmarkFaultyReadings(b *testing.B) {
	d := failing(mustDevice(b, shippedWorld(b), "north-06-toll"), everyKind()...)
	defer runtime.KeepAlive(keptDays(faultDay-dayLong, faultDay+dayLong, d.w))
	b.ReportAllocs()
	b.ResetTimer()
	buf := make([]byte, 0, 128)
	for left := b.N; left > 0; {
		for _, e := range d.Epochs(faultDay, faultDay+dayLong) {
			c := d.Open(e, 0)
			for r, ok := c.Next(); ok && left > 0; r, ok = c.Next() {
				buf = r.AppendWire(buf[:0])
				left--
			}
		}
	}
}

// BenchmarkResume opens an epoch behind its middle.
func BenchmarkResume(b *testing.B) {
	w := shippedWorld(b)
	d := mustDevice(b, w, "north-06-toll")
	e := epochOf(b, d, micros(2026, 3, 4))
	for b.Loop() {
		d.Open(e, 25_000)
	}
}

// BenchmarkFirstReading is from the files' text to the first reading.
func BenchmarkFirstReading(b *testing.B) {
	for b.Loop() {
		w := shippedWorld(b)
		d := mustDevice(b, w, "north-06-toll")
		if _, ok := d.Open(epochOf(b, d, micros(2026, 3, 4)), 0).Next(); !ok {
			b.Fatal("no reading")
		}
	}
}

// BenchmarkFleetMemory holds a live cursor and runs a backfill for each of
// the 48 devices, as an agent that carries the whole corridor does.
func BenchmarkFleetMemory(b *testing.B) {
	w := shippedWorld(b)
	live := micros(2026, 3, 20)
	var cursors []*Cursor
	var devices []*Device
	for _, in := range w.Network().Devices {
		d := mustDevice(b, w, in.ID)
		devices = append(devices, d)
		cursors = append(cursors, d.Open(epochOf(b, d, live), 20_000))
	}
	var most uint64
	day := live
	for b.Loop() {
		day -= dayLong
		for _, d := range devices {
			c := d.Open(epochOf(b, d, day), 0)
			for ok := true; ok; {
				_, ok = c.Next()
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.Sys-m.HeapReleased)
		}
	}
	runtime.KeepAlive(cursors)
	b.ReportMetric(float64(most)/(1<<20), "MiB_most")
}
