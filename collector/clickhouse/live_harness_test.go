package clickhouse_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

// Slots of raw.stale_slots and raw.fresh_minutes, in seconds.
const (
	minutes = 60
	hours   = 3600
)

// allOfThem is more than every test has slots.
const allOfThem = 100_000

// liveTables is a server with the live tables of the test's own making: the
// views are stopped, the test says when they look, and when time passes.
type liveTables struct {
	*clickhousetest.Server
	t    *testing.T
	conn driver.Conn // operator
	// now is the time of the test's begin; tests stay clear of the hour at
	// which a minute becomes old.
	now time.Time
	seq uint64
}

func newLiveTables(t *testing.T) *liveTables {
	s := clickhousetest.Start(t)
	l := &liveTables{Server: s, t: t, conn: s.Conn(t, clickhousetest.Operator), now: time.Now().UTC()}
	l.exec("SYSTEM STOP VIEW live.refresh_minutes")
	l.exec("SYSTEM STOP VIEW live.refresh_hours")
	// One that runs would write what the test does not expect.
	l.exec("SYSTEM WAIT VIEW live.refresh_minutes")
	l.exec("SYSTEM WAIT VIEW live.refresh_hours")
	return l
}

func (l *liveTables) exec(query string, args ...any) {
	l.t.Helper()
	if err := l.conn.Exec(l.t.Context(), query, args...); err != nil {
		l.t.Fatalf("%s: %v", query, err)
	}
}

// place tells the network that a device stands at a station from a time on.
func (l *liveTables) place(device, station string, loopCM uint32, from time.Time) {
	l.t.Helper()
	kind := map[byte]int8{'c': 1, 's': 2, 't': 3}[device[0]]
	l.exec("INSERT INTO raw.devices (device_id, kind, station_id, loop_length_cm, valid_from) VALUES (?, ?, ?, ?, fromUnixTimestamp64Micro(?))",
		device, kind, station, loopCM, from.UnixMicro())
}

// reading is one row of raw.readings; the device's first letter is its kind.
type reading struct {
	device                        string
	seq                           uint64
	at                            time.Time
	lane, class                   uint8
	lengthCM, coveredMS, tenthKMH uint32
	persons                       uint8
}

// newReading is a reading that was not there before.
func (l *liveTables) newReading(device string, at time.Time) reading {
	l.seq++
	return reading{device: device, seq: l.seq, at: at, lane: 1, class: 1, lengthCM: 450, coveredMS: 200, tenthKMH: 1003, persons: 2}
}

// insert inserts one block.
func (l *liveTables) insert(rows ...reading) {
	l.t.Helper()
	values := make([]string, 0, len(rows))
	for _, r := range rows {
		kind := map[byte]int{'c': 1, 's': 2, 't': 3}[r.device[0]]
		values = append(values, fmt.Sprintf("('%s', 1, %d, fromUnixTimestamp64Micro(%d), %d, %d, %d, %d, %d, %d, %d, 'P%d')",
			r.device, r.seq, r.at.UnixMicro(), kind, r.lane, r.class, r.lengthCM, r.coveredMS, r.tenthKMH, r.persons, r.seq))
	}
	l.exec("INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms, speed_tenth_kmh, persons, plate) VALUES " + strings.Join(values, ", "))
}

// refresh does what the views do, once: the newest so many slots.
func (l *liveTables) refresh(slotS, most int) {
	l.t.Helper()
	conn := l.Conn(l.t, clickhousetest.Collector)
	if err := conn.Exec(l.t.Context(), fmt.Sprintf("INSERT INTO live.station_minute_versions SELECT * FROM raw.fresh_minutes(slot_s = %d, most = %d)", slotS, most)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *liveTables) stale(slotS int) uint64 {
	l.t.Helper()
	return l.Count(l.t, fmt.Sprintf("SELECT count() FROM raw.stale_slots(slot_s = %d)", slotS))
}

// pass lets time pass for what the live tables know, by dating it back.
func (l *liveTables) pass(d time.Duration) {
	l.t.Helper()
	l.exec(fmt.Sprintf("CREATE OR REPLACE TABLE raw.touched_before ENGINE = Memory AS SELECT device_id, slot, inserted_at - INTERVAL %d SECOND FROM raw.touched", int(d.Seconds())))
	l.exec("TRUNCATE TABLE raw.touched")
	l.exec("INSERT INTO raw.touched SELECT * FROM raw.touched_before")
	l.exec(fmt.Sprintf("ALTER TABLE live.station_minute_versions UPDATE computed_at = computed_at - INTERVAL %d SECOND WHERE 1 SETTINGS mutations_sync = 1", int(d.Seconds())))
}

// settle lets time pass and refreshes until nothing is stale.
func (l *liveTables) settle() {
	l.t.Helper()
	const margin = 121 * time.Second
	l.pass(margin)
	for _, slotS := range []int{minutes, hours} {
		for range 3 { // twice would be a slot that is stale for ever
			if l.stale(slotS) == 0 {
				break
			}
			l.refresh(slotS, allOfThem)
		}
		if n := l.stale(slotS); n != 0 {
			l.t.Fatalf("%d slots of %d s stay stale", n, slotS)
		}
	}
}

// key and parts are a row of live.station_minutes at some length of bin.
type (
	key struct {
		station, class string
		lane           uint8
		bin            int64 // Unix seconds
	}
	parts [14]uint64
)

const partColumns = `counter_count, counter_covered_ms, counter_speed_count, counter_sum_speed_m_h, counter_sum_speed_squared_m2_h2, counter_sum_pace_us_km,
	camera_count, camera_speed_count, camera_sum_speed_m_h, camera_sum_speed_squared_m2_h2, camera_sum_pace_us_km, toll_count, toll_sum_persons, toll_single_count`

// told sums live.station_minutes to bins, as a planner reads it.
func (l *liveTables) told(since time.Time, binS int) map[key]parts {
	l.t.Helper()
	sums := "sum(" + strings.ReplaceAll(strings.Join(strings.Fields(partColumns), ""), ",", "), sum(") + ")"
	query := fmt.Sprintf("SELECT station_id, vehicle_class, lane, toInt64(intDiv(toUnixTimestamp(minute), %[1]d) * %[1]d) AS bin, %[2]s FROM live.station_minutes WHERE minute >= ? GROUP BY ALL", binS, sums)
	rows, err := l.Conn(l.t, clickhousetest.Planner).Query(l.t.Context(), query, since)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	out := map[key]parts{}
	for rows.Next() {
		var k key
		var p parts
		to := []any{&k.station, &k.class, &k.lane, &k.bin}
		for i := range p {
			to = append(to, &p[i])
		}
		if err := rows.Scan(to...); err != nil {
			l.t.Fatal(err)
		}
		if _, twice := out[k]; twice {
			l.t.Errorf("%v twice", k)
		}
		out[k] = p
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return out
}

// place of a device from a time on.
type placed struct {
	station string
	loopCM  uint32
	from    int64
}

// directly computes the same from raw.readings FINAL, here and reading by
// reading.
func (l *liveTables) directly(since time.Time, binS int64) map[key]parts {
	l.t.Helper()
	places := l.places()
	rows, err := l.conn.Query(l.t.Context(), `SELECT device_id, toString(kind), lane, toString(vehicle_class), toUnixTimestamp64Micro(observed_at), length_cm, occupied_ms, speed_tenth_kmh, persons
		FROM raw.readings FINAL WHERE observed_at >= ?`, since)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	out := map[key]parts{}
	for rows.Next() {
		var device, kind string
		var k key
		var at int64
		var lengthCM, tenth uint16
		var coveredMS uint32
		var persons uint8
		if err := rows.Scan(&device, &kind, &k.lane, &k.class, &at, &lengthCM, &coveredMS, &tenth, &persons); err != nil {
			l.t.Fatal(err)
		}
		p, known := placeAt(places[device], at)
		if !known {
			continue
		}
		k.station, k.bin = p.station, at/1e6/binS*binS
		sum := out[k]
		switch kind {
		case "counter":
			sum[0]++
			sum[1] += uint64(coveredMS)
			sum.addSpeed(2, math.RoundToEven(float64(float64(lengthCM)/100+float64(p.loopCM)/100)*3600000/float64(coveredMS)))
		case "speed":
			sum[6]++
			sum.addSpeed(7, math.RoundToEven(float64(tenth)/10*1000))
		case "toll":
			sum[11]++
			sum[12] += uint64(persons)
			if persons == 1 {
				sum[13]++
			}
		}
		out[k] = sum
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return out
}

// addSpeed adds to the four columns from first on.
func (p *parts) addSpeed(first int, speedMH float64) {
	if speedMH < 1 || speedMH > 300_000 {
		return
	}
	v := uint64(speedMH)
	p[first]++
	p[first+1] += v
	p[first+2] += v * v
	p[first+3] += uint64(math.RoundToEven(3.6e12 / speedMH))
}

// places reads raw.devices, oldest first.
func (l *liveTables) places() map[string][]placed {
	l.t.Helper()
	rows, err := l.conn.Query(l.t.Context(), "SELECT device_id, station_id, loop_length_cm, toUnixTimestamp64Micro(valid_from) FROM raw.devices FINAL ORDER BY valid_from")
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	out := map[string][]placed{}
	for rows.Next() {
		var device string
		var p placed
		if err := rows.Scan(&device, &p.station, &p.loopCM, &p.from); err != nil {
			l.t.Fatal(err)
		}
		out[device] = append(out[device], p)
	}
	return out
}

// placeAt is where a device stood; its first place reaches back for ever.
func placeAt(places []placed, at int64) (p placed, known bool) {
	for i, q := range places {
		if i == 0 || q.from <= at {
			p, known = q, true
		}
	}
	return p, known
}

// agree compares the table with raw from a time on, by minutes and by five.
func (l *liveTables) agree(since time.Time) {
	l.t.Helper()
	for _, binS := range []int64{60, 300} {
		told, want := l.told(since, int(binS)), l.directly(since, binS)
		for k, w := range want {
			if told[k] != w {
				l.t.Errorf("%v, %d s from %v: have %v, raw says %v", k, binS, time.Unix(k.bin, 0).UTC(), told[k], w)
			}
		}
		for k, p := range told {
			if _, there := want[k]; !there {
				l.t.Errorf("%v, %d s from %v: have %v, raw has nothing", k, binS, time.Unix(k.bin, 0).UTC(), p)
			}
		}
	}
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// eventually waits for the views to do it.
func (l *liveTables) eventually(what string, query string, args ...any) time.Duration {
	l.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Minute)
	defer cancel()
	for l.Count(l.t, query, args...) == 0 {
		select {
		case <-ctx.Done():
			l.t.Fatalf("%s: not within %v", what, time.Since(began).Round(time.Second))
		case <-time.After(100 * time.Millisecond):
		}
	}
	return time.Since(began)
}
