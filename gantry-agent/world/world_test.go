package world

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func spec(t testing.TB, zone string, seed uint64) Spec {
	t.Helper()
	network, _ := Shipped("network", "corridor")
	scenario, _ := Shipped("scenario", "weekday")
	network, err := WithPlace(network, zone, micros(2026, 1, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: seed}
}

// quietWorld has little traffic, for tests that go through many days.
func quietWorld(t testing.TB, zone string, seed uint64) *World {
	t.Helper()
	s := spec(t, zone, seed)
	s.ScenarioYAML = regexp.MustCompile(`(?m)^days_percent: .*$`).ReplaceAll(s.ScenarioYAML,
		[]byte("days_percent: {monday: 3, tuesday: 3, wednesday: 3, thursday: 3, friday: 3, saturday: 3, sunday: 3}"))
	s.ScenarioYAML = regexp.MustCompile(`cars: ([0-9]+)`).ReplaceAll(s.ScenarioYAML, []byte("cars: 50"))
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mustShipped(t testing.TB, network, scenario string) *World {
	t.Helper()
	w, err := New(Spec{NetworkYAML: shippedText(t, "network", network), ScenarioYAML: shippedText(t, "scenario", scenario), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mustWorld(t testing.TB, zone string, seed uint64) *World {
	t.Helper()
	w, err := New(spec(t, zone, seed))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func micros(y, m, d, h int) Micros {
	return time.Date(y, time.Month(m), d, h, 0, 0, 0, time.UTC).UnixMicro()
}

// digest of all passages of all stations in [from, to).
func digest(w *World, from, to Micros) string {
	var ids []string
	for _, s := range w.Network().Stations {
		w.Expect(s.ID)
		ids = append(ids, s.ID)
	}
	return digestOf(w, strings.Join(ids, " "), from, to)
}

// digestOf is the same for stations, separated by blanks.
func digestOf(w *World, ids string, from, to Micros) string {
	h := sha256.New()
	var b []byte
	for _, id := range strings.Fields(ids) {
		for p := range w.Passages(id, from, to) {
			var plate Text
			w.Plate(p.Vehicle, &plate)
			b = binary.BigEndian.AppendUint64(b[:0], uint64(p.At))
			b = binary.BigEndian.AppendUint32(b, uint32(p.Vehicle))
			b = binary.BigEndian.AppendUint64(b, p.Trip)
			b = append(b, byte(p.Class), p.Lane, p.Axles, p.Persons)
			b = binary.BigEndian.AppendUint16(b, p.LengthCM)
			b = binary.BigEndian.AppendUint16(b, p.SpeedTenthKMH)
			h.Write(plate.Append(b))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// TestDigest pins the shipped worlds: the same on every machine. When it
// fails after a change of the world, raise Version and set it anew.
func TestDigest(t *testing.T) {
	for _, c := range []struct {
		network, scenario   string
		fingerprint, digest string
	}{
		{"corridor", "weekday", "ed456044481878946410f2fa3d4ab3e0", "61ffc7ad5b066666142922619785308f"},
		{"metro", "metro", "5ee357c4c1ea4913768328d82acf9fad", "28517916289f1b51e9e2de3af27d955f"},
	} {
		w := mustShipped(t, c.network, c.scenario)
		if got := w.Fingerprint(); got != c.fingerprint {
			t.Errorf("%s: fingerprint %s, want %s", c.network, got, c.fingerprint)
		}
		if got := digest(w, micros(2026, 3, 4, 7), micros(2026, 3, 4, 9)); got != c.digest {
			t.Errorf("%s: digest %s, want %s", c.network, got, c.digest)
		}
	}
}

func TestAnyDayIsReachedWithoutThoseBefore(t *testing.T) {
	from, to := micros(2026, 3, 4, 20), micros(2026, 3, 4, 22)
	want := digest(mustWorld(t, "+00:00", 5), from, to)
	w := mustWorld(t, "+00:00", 5)
	for d := 30; d > 0; d -= 7 {
		digest(w, micros(2026, 2, d, 12), micros(2026, 2, d, 12)+minute)
	}
	if got := digest(w, from, to); got != want {
		t.Errorf("digest %s after other days, %s without", got, want)
	}
	if digest(mustWorld(t, "+00:00", 6), from, to) == want {
		t.Error("another seed gives the same passages")
	}
}

func TestGoroutinesSeeTheSameWorld(t *testing.T) {
	from, to := micros(2026, 3, 4, 1), micros(2026, 3, 4, 5)
	want := digest(quietWorld(t, "+00:00", 5), from, to)
	w := quietWorld(t, "+00:00", 5)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			other := micros(2026, 4, 1+i, 12)
			digest(w, other, other+minute)
			if got := digest(w, from, to); got != want {
				t.Errorf("goroutine %d: digest %s, want %s", i, got, want)
			}
		})
	}
	wg.Wait()
}

func TestCuttingTimeAnywhereGivesTheWhole(t *testing.T) {
	type place struct {
		w     *World
		start Micros
		whole []Passage
	}
	var places []place
	for _, zone := range []string{"+09:30", "Australia/Adelaide", "America/New_York"} {
		w := quietWorld(t, zone, 3)
		// Both changes of the clock in those zones lie in some of these spans.
		for _, start := range []Micros{micros(2026, 3, 7, 12), micros(2026, 4, 4, 6), micros(2026, 10, 31, 18)} {
			places = append(places, place{w, start, slices.Collect(w.Passages("south-09", start, start+36*hour))})
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := rapid.SampledFrom(places).Draw(rt, "place")
		end := p.start + 36*hour
		cut := rapid.Int64Range(p.start, end).Draw(rt, "cut")
		if i := rapid.IntRange(-1, len(p.whole)-1).Draw(rt, "at a passage"); i >= 0 {
			cut = p.whole[i].At
		}
		parts := slices.Collect(p.w.Passages("south-09", p.start, cut))
		parts = slices.AppendSeq(parts, p.w.Passages("south-09", cut, end))
		if !slices.Equal(parts, p.whole) {
			rt.Fatalf("%d passages in two parts, %d in the whole", len(parts), len(p.whole))
		}
	})
}

// TestPassagesAreOrderedAndSpaced on a day with a queue: nobody crosses before
// the rear of the vehicle ahead has.
func TestPassagesAreOrderedAndSpaced(t *testing.T) {
	w := mustWorld(t, "+00:00", 1)
	for _, s := range w.Network().Stations {
		w.Expect(s.ID)
	}
	for _, s := range w.Network().Stations {
		last := Micros(0)
		var front, rear [maxTestLanes]Micros
		for p := range w.Passages(s.ID, micros(2026, 3, 6, 3), micros(2026, 3, 7, 3)) {
			if p.At < last {
				t.Fatalf("%s: passage at %d after one at %d", s.ID, p.At, last)
			}
			if p.Lane < 1 || p.Lane > s.Lanes {
				t.Fatalf("%s: lane %d of %d", s.ID, p.Lane, s.Lanes)
			}
			yesterday := int(p.Trip>>32) != w.zone.dayOf(p.At)
			if !yesterday && p.At > micros(2026, 3, 6, 4) && (p.At-front[p.Lane] < 300_000 || p.At < rear[p.Lane]) {
				t.Fatalf("%s: %d µs behind the front ahead, and %d behind its rear", s.ID, p.At-front[p.Lane], p.At-rear[p.Lane])
			}
			last, front[p.Lane] = p.At, p.At
			rear[p.Lane] = p.At + Micros(p.LengthCM)*360_000/Micros(p.SpeedTenthKMH)
		}
	}
}

const maxTestLanes = 17

func TestVehiclesPassStationsInPossibleTimes(t *testing.T) {
	w := mustWorld(t, "+00:00", 1)
	from, to := micros(2026, 3, 4, 6), micros(2026, 3, 4, 12)
	type seen struct {
		at      Micros
		offset  uint32
		vehicle Vehicle
		persons uint8
		dir     string
	}
	last := map[uint64]seen{}
	pairs := 0
	for _, s := range w.Network().Stations { // by direction and offset
		for p := range w.Passages(s.ID, from, to) {
			now := seen{p.At, s.OffsetM, p.Vehicle, p.Persons, s.Direction}
			if before, ok := last[p.Trip]; ok {
				pairs++
				tenths := int64(s.OffsetM-before.offset) * 36_000_000 / max(p.At-before.at, 1)
				if p.At <= before.at || tenths < minTenthKMH || tenths > maxTenthKMH+400 {
					t.Fatalf("trip %d: %d m in %d µs", p.Trip, s.OffsetM-before.offset, p.At-before.at)
				}
				if before.vehicle != p.Vehicle || before.persons != p.Persons || before.dir != s.Direction {
					t.Fatalf("trip %d is %+v, then %+v", p.Trip, before, now)
				}
			}
			last[p.Trip] = now
		}
	}
	if pairs < 200_000 {
		t.Errorf("%d pairs of passages", pairs)
	}
}

func TestNeighbouringStationsOfOneStretchSeeTheSameTrips(t *testing.T) {
	w := mustWorld(t, "+00:00", 1)
	from, to := micros(2026, 3, 4, 3), micros(2026, 3, 5, 5)
	trips := func(id string) map[uint64]bool {
		set := map[uint64]bool{}
		for p := range w.Passages(id, from, to) {
			if int(p.Trip>>32) == w.zone.dayOf(from) {
				set[p.Trip] = true
			}
		}
		return set
	}
	// Between two interchanges nobody comes or goes.
	first, second := trips("north-05"), trips("north-08")
	if len(first) != len(second) {
		t.Fatalf("%d trips at one station, %d at the next", len(first), len(second))
	}
	for id := range first {
		if !second[id] {
			t.Fatalf("trip %d vanishes", id)
		}
	}
}

func TestNobodyIsOnTheRoadTwice(t *testing.T) {
	w := mustWorld(t, "+00:00", 1)
	for d := range 7 {
		times := map[Vehicle]int{}
		commuters := map[Vehicle]int{}
		for _, trip := range w.plan(w.zone.dayOf(micros(2026, 3, 2+d, 12))) {
			if trip.commuting() {
				commuters[trip.vehicle()]++
			} else {
				times[trip.vehicle()]++
			}
		}
		for v, n := range times {
			if n != 1 || commuters[v] != 0 {
				t.Fatalf("day %d: vehicle %d has %d trips and %d commutes", d, v, n, commuters[v])
			}
		}
		for v, n := range commuters {
			if n != 2 {
				t.Fatalf("day %d: vehicle %d commutes %d times", d, v, n)
			}
		}
		if weekend := weekday(w.zone.dayOf(micros(2026, 3, 2+d, 12)))%6 == 0; weekend != (len(commuters) == 0) {
			t.Errorf("day %d: %d commuters", d, len(commuters))
		}
	}
}

func TestCommutersReturnAtAboutTheSameTime(t *testing.T) {
	w := mustWorld(t, "+00:00", 1)
	times := map[Vehicle][]Micros{} // of the day, on the way out
	for d := range 5 {
		start := micros(2026, 3, 2+d, 0)
		for p := range w.Passages("north-01", start+5*hour, start+10*hour) {
			if p.Commuting {
				times[p.Vehicle] = append(times[p.Vehicle], p.At-start)
			}
		}
	}
	regular := 0
	for v, at := range times {
		if slices.Max(at)-slices.Min(at) > 20*minute {
			t.Fatalf("vehicle %d leaves at %v", v, at)
		}
		if len(at) >= 3 {
			regular++
		}
	}
	if len(times) < 2500 || regular*100 < 95*len(times) {
		t.Errorf("%d commuters, %d of them on three days or more", len(times), regular)
	}
}

func TestWorldDayBeginsAtThreeLocal(t *testing.T) {
	for _, c := range []struct {
		zone string
		at   Micros
		want Micros
	}{
		{"+00:00", micros(2026, 3, 4, 3), micros(2026, 3, 4, 3)},
		{"+00:00", micros(2026, 3, 4, 3) - 1, micros(2026, 3, 3, 3)},
		{"+09:30", micros(2026, 3, 4, 0), micros(2026, 3, 3, 17) + 30*minute},
		{"-03:00", micros(2026, 3, 4, 6), micros(2026, 3, 4, 6)},
		{"America/New_York", micros(2026, 3, 9, 6), micros(2026, 3, 8, 7)},   // the day after 23 hours
		{"America/New_York", micros(2026, 11, 1, 8), micros(2026, 11, 1, 8)}, // after 25
	} {
		if got := mustWorld(t, c.zone, 1).DayStart(c.at); got != c.want {
			t.Errorf("%s: day of %s begins at %s, want %s", c.zone, time.UnixMicro(c.at).UTC(), time.UnixMicro(got).UTC(), time.UnixMicro(c.want).UTC())
		}
	}
}

func TestPlatesAndTagsAreTheirVehiclesAlone(t *testing.T) {
	w := mustWorld(t, "+00:00", 1)
	seen := map[Text]Vehicle{}
	for c := Car; c < classes; c++ {
		for n := range uint32(60_000) {
			v := makeVehicle(c, n*(maxPerClass/60_000))
			if v.Class() != c {
				t.Fatalf("vehicle %d has class %s, want %s", v, v.Class(), c)
			}
			var plate Text
			w.Plate(v, &plate)
			if other, taken := seen[plate]; taken {
				t.Fatalf("vehicles %d and %d have one plate", v, other)
			}
			seen[plate] = v
			var tag Text
			if w.Tag(v, &tag) {
				if other, taken := seen[tag]; taken {
					t.Fatalf("vehicles %d and %d have one tag", v, other)
				}
				seen[tag] = v
			}
		}
	}
}

func BenchmarkNew(b *testing.B) {
	s := spec(b, "+00:00", 1)
	for b.Loop() {
		if _, err := New(s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDay is a whole day's field with the columns of all stations.
func BenchmarkDay(b *testing.B) {
	for _, name := range [][2]string{{"corridor", "weekday"}, {"metro", "metro"}} {
		b.Run(name[0], func(b *testing.B) {
			w := mustShipped(b, name[0], name[1])
			for _, s := range w.Network().Stations {
				w.Expect(s.ID)
			}
			b.ReportAllocs()
			n, passages := w.DayNumber(micros(2026, 3, 4, 12)), uint64(0)
			for b.Loop() {
				passages += w.Totals(n).Passages
				n += 7 // the same weekday
			}
			b.ReportMetric(float64(passages)/float64(b.N), "passages")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(passages), "ns/passage")
		})
	}
}
