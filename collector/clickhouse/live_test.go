package clickhouse_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

// TestLiveMinutesAgree inserts at random for a while: readings of now and of
// days ago, on time, late and twice, of devices that move, stand nowhere yet,
// or get another loop. After each step the minutes of the last hour must be
// what raw says, and at the end all of them.
func TestLiveMinutesAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	l := newLiveTables(t)
	r := rand.New(rand.NewPCG(seed, 0))
	young := l.now.Add(-100 * time.Minute)
	devices := []string{"c1", "c2", "s1", "s2", "t1", "c9"}
	for _, d := range devices[:5] {
		l.place(d, "S"+d[1:], 200, l.now.AddDate(-1, 0, 0))
	}
	var sent []reading
	for step := range 25 {
		for range 1 + r.IntN(3) {
			var block []reading
			ago := time.Duration(r.IntN(90)) * time.Minute
			if r.IntN(3) == 0 { // history
				ago = time.Duration(4+r.IntN(120)) * time.Hour
			}
			for range r.IntN(60) {
				if len(sent) > 0 && r.IntN(4) == 0 {
					block = append(block, sent[r.IntN(len(sent))])
					continue
				}
				block = append(block, l.randomReading(r, devices[r.IntN(len(devices))], l.now.Add(-ago)))
			}
			if len(block) > 0 {
				l.insert(block...)
				sent = append(sent, block...)
			}
		}
		switch r.IntN(8) {
		case 0: // moves, seldom at the begin of a minute
			d := devices[r.IntN(5)]
			l.place(d, fmt.Sprintf("S%d", 1+r.IntN(3)), uint32(150+r.IntN(100)), l.now.Add(-time.Duration(r.Int64N(int64(100*time.Hour)))))
		case 1:
			l.place("c9", "S9", 200, l.now.Add(-time.Hour))
		case 2:
			l.pass(time.Duration(r.IntN(200)) * time.Second)
		case 3:
			l.refresh(hours, 1+r.IntN(20))
		case 4:
			l.refresh(minutes, 1+r.IntN(20))
		}
		l.refresh(minutes, allOfThem)
		l.agree(young)
		if t.Failed() {
			t.Fatalf("in step %d", step)
		}
	}
	l.settle()
	l.agree(time.Unix(0, 0))
}

func (l *liveTables) randomReading(r *rand.Rand, device string, around time.Time) reading {
	x := l.newReading(device, around.Add(time.Duration(r.Int64N(int64(6*time.Minute)))).Truncate(time.Microsecond))
	x.lane, x.class = uint8(1+r.IntN(3)), uint8(1+r.IntN(6))
	x.lengthCM, x.coveredMS = uint32(300+r.IntN(1500)), uint32(r.IntN(900)) // none at times
	x.tenthKMH, x.persons = uint32(r.IntN(4000)), uint8(1+r.IntN(5))
	return x
}

// TestLiveFresh: the views themselves, within seconds, and on after a kill in
// the middle.
func TestLiveFresh(t *testing.T) {
	l := newLiveTables(t)
	l.exec("SYSTEM START VIEW live.refresh_minutes")
	l.place("c1", "S1", 200, l.now.AddDate(-1, 0, 0))
	const seen = "SELECT toUInt64(sum(counter_count) = ?) FROM live.station_minutes WHERE station_id = 'S1'"
	best := time.Hour
	for n := range 3 {
		l.insert(l.newReading("c1", l.now))
		took := l.eventually("a reading", seen, uint64(n+1))
		t.Logf("visible after %v", took)
		best = min(best, took)
	}
	if best > 10*time.Second { // a busy machine may hold up one or the other
		t.Errorf("a reading is visible after %v at best", best)
	}
	l.Kill()
	l.Restart(t)
	t.Logf("the same after %v", l.eventually("after the restart", seen, uint64(3)))
	for n := range 3 {
		l.insert(l.newReading("c1", l.now.Add(-time.Duration(n)*time.Minute)))
		// It begins and is not waited for; each time it comes a bit further.
		l.exec("SYSTEM REFRESH VIEW live.refresh_minutes")
		for range n * 20 {
			l.Count(t, "SELECT toUInt64(1)")
		}
		l.Kill()
		l.Restart(t)
	}
	t.Logf("visible after %v", l.eventually("readings before a kill", seen, uint64(6)))
	l.agree(time.Unix(0, 0))
}

// TestLiveOutage: what came while the refresh was down is made up for piece by
// piece, the newest first, none of it twice.
func TestLiveOutage(t *testing.T) {
	l := newLiveTables(t)
	l.place("c1", "S1", 200, l.now.AddDate(-1, 0, 0))
	l.place("s1", "S1", 0, l.now.AddDate(-1, 0, 0))
	for m := range 60 {
		at := l.now.Add(-time.Duration(m) * time.Minute)
		l.insert(l.newReading("c1", at), l.newReading("s1", at))
	}
	for h := range 48 {
		l.insert(l.newReading("c1", l.now.Add(-time.Duration(h+4)*time.Hour)))
	}
	l.pass(time.Hour)
	for _, c := range []struct{ slotS, slots int }{{minutes, 60}, {hours, 48}} {
		const most = 25
		for left := c.slots; left > 0; left -= most {
			if n := l.stale(c.slotS); n != uint64(left) {
				t.Fatalf("%d slots of %d s are stale, want %d", n, c.slotS, left)
			}
			l.refresh(c.slotS, most)
		}
		if n := l.stale(c.slotS); n != 0 {
			t.Fatalf("%d slots of %d s are still stale", n, c.slotS)
		}
	}
	l.agree(time.Unix(0, 0))
	if n := l.Count(t, "SELECT count() FROM live.station_minute_versions"); n != 60+48 {
		t.Errorf("%d rows were written, want one for each minute", n)
	}
}

// TestLiveMargin: rows that can be seen only after the refresh which their
// touch asked for, as in a slow insert, are there when the margin has passed.
func TestLiveMargin(t *testing.T) {
	for name, at := range map[string]time.Duration{"minutes": 30 * time.Minute, "hours": 30 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			l := newLiveTables(t)
			l.place("c1", "S1", 200, l.now.AddDate(-1, 0, 0))
			l.insert(l.newReading("c1", l.now.Add(-at)))
			l.settle()
			l.insert(l.newReading("c1", l.now.Add(-at)))
			l.exec("CREATE TABLE raw.late AS raw.readings")
			l.exec("INSERT INTO raw.late SELECT * FROM raw.readings WHERE seq = 2")
			l.exec("DELETE FROM raw.readings WHERE seq = 2")
			l.pass(30 * time.Second)
			l.exec("CREATE TABLE raw.kept ENGINE = Memory AS SELECT * FROM raw.touched")
			l.refresh(minutes, allOfThem)
			l.refresh(hours, allOfThem)
			// Visible without a touch of its own.
			l.exec("INSERT INTO raw.readings SELECT * FROM raw.late")
			l.exec("TRUNCATE TABLE raw.touched")
			l.exec("INSERT INTO raw.touched SELECT * FROM raw.kept")
			l.settle()
			l.agree(time.Unix(0, 0))
		})
	}
}

// TestLiveHours: an hour of which only some minutes were computed while they
// were young, before the refresh fell silent, is computed as a whole when it
// is old; so is every hour, once.
func TestLiveHours(t *testing.T) {
	l := newLiveTables(t)
	l.place("c1", "S1", 200, l.now.AddDate(-1, 0, 0))
	hour := l.now.Truncate(time.Hour).Add(-5 * time.Hour)
	for m := range 60 {
		l.insert(l.newReading("c1", hour.Add(time.Duration(m)*time.Minute)))
	}
	l.refresh(hours, allOfThem)
	if n := l.Count(t, "SELECT count() FROM live.station_minutes"); n != 0 {
		t.Errorf("%d rows before what touched them can be seen", n)
	}
	// As refresh_minutes would have left its last minute, which is its first.
	l.exec(`INSERT INTO live.station_minute_versions (station_id, lane, vehicle_class, counter_count, minute, computed_at, version, devices_hash)
		SELECT 'S1', 1, 'car', 1, ?, now64(3) + INTERVAL 10 MINUTE, 1, sum(cityHash64(device_id, loop_length_cm, greatest(since, toDateTime64(?, 6, 'UTC')), least(until, toDateTime64(?, 6, 'UTC'))))
		FROM raw.device_versions`, hour, hour, hour.Add(time.Minute))
	l.pass(10*time.Minute + time.Second)
	if n := l.stale(hours); n != 1 {
		t.Errorf("%d hours are stale, want 1", n)
	}
	l.refresh(hours, allOfThem)
	if n := l.stale(hours); n != 0 {
		t.Errorf("%d hours are still stale", n)
	}
	l.agree(time.Unix(0, 0))
}

// TestLiveMoved: a correction of the past takes readings away from a station
// and lane, and nothing of them stays behind; a device that comes to be known
// brings its own.
func TestLiveMoved(t *testing.T) {
	for name, ago := range map[string]time.Duration{"minutes": 30 * time.Minute, "hours": 30 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			l := newLiveTables(t)
			l.place("c1", "S1", 200, l.now.AddDate(-1, 0, 0))
			at := l.now.Add(-ago).Truncate(time.Minute)
			for s := range 60 {
				x := l.newReading("c1", at.Add(time.Duration(s)*time.Second))
				x.class = uint8(1 + s/30)
				l.insert(x, l.newReading("c2", x.at))
			}
			l.settle()
			l.agree(time.Unix(0, 0))
			l.place("c1", "S3", 200, at.Add(20*time.Second)) // S1 loses its second class
			l.settle()
			l.agree(time.Unix(0, 0))
			l.place("c2", "S2", 200, at)
			l.settle()
			l.agree(time.Unix(0, 0))
			l.place("c1", "S3", 210, at.Add(-time.Hour)) // and now all it had
			l.settle()
			l.agree(time.Unix(0, 0))
			if n := l.Count(t, "SELECT count() FROM live.station_minutes WHERE station_id = 'S1'"); n != 0 {
				t.Errorf("S1 keeps %d rows", n)
			}
			// What is deleted from raw goes when its minutes are touched.
			l.exec("DELETE FROM raw.readings WHERE vehicle_class = 'van'")
			l.exec("INSERT INTO raw.touched SELECT 'c1', ?, now64(3)", at)
			l.settle()
			l.agree(time.Unix(0, 0))
		})
	}
}

// TestLiveNothingThere: a device moved within the slot and all its readings are
// of one side. The other station is looked at once, not for ever, and readings
// that come for it later are there.
func TestLiveNothingThere(t *testing.T) {
	for name, ago := range map[string]time.Duration{"minutes": 30 * time.Minute, "hours": 30 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			l := newLiveTables(t)
			at := l.now.Add(-ago).Truncate(time.Minute)
			l.place("c1", "S1", 200, l.now.AddDate(-1, 0, 0))
			l.place("c1", "S3", 200, at.Add(20*time.Second))
			l.insert(l.newReading("c1", at.Add(5*time.Second)))
			l.settle()
			l.agree(time.Unix(0, 0))
			l.insert(l.newReading("c1", at.Add(50*time.Second)))
			l.settle()
			l.agree(time.Unix(0, 0))
			if n := l.Count(t, "SELECT count() FROM live.station_minute_versions FINAL WHERE vehicle_class = ''"); n != 0 {
				t.Errorf("%d rows that count for nothing can be seen", n)
			}
		})
	}
}

// TestLiveClock: a clock that goes back makes nothing lose against rows of the
// future.
func TestLiveClock(t *testing.T) {
	l := newLiveTables(t)
	l.place("c1", "S1", 200, l.now.AddDate(-1, 0, 0))
	l.insert(l.newReading("c1", l.now.Add(-30*time.Minute)))
	l.refresh(minutes, allOfThem)
	l.pass(-time.Hour)
	l.exec("ALTER TABLE raw.touched DELETE WHERE 1 SETTINGS mutations_sync = 1")
	l.exec("INSERT INTO live.station_minute_versions SELECT * REPLACE (version + 3600000 AS version) FROM live.station_minute_versions")
	l.insert(l.newReading("c1", l.now.Add(-30*time.Minute)))
	l.refresh(minutes, allOfThem)
	l.agree(time.Unix(0, 0))
}

// TestLiveReadsLittle: one late reading costs the station's hour, not the
// table, and a refresh writes one part a day, whole or not at all.
func TestLiveReadsLittle(t *testing.T) {
	l := newLiveTables(t)
	for i := range 20 {
		for _, k := range "cst" {
			l.place(fmt.Sprintf("%c%d", k, i), fmt.Sprintf("S%d", i), 200, l.now.AddDate(-1, 0, 0))
		}
	}
	const rows, days = 300_000, 3
	l.exec(fmt.Sprintf(`INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms)
		SELECT ['c', 's', 't'][k] || toString(intDiv(number, 3) %% 20), 1, number, ? + toIntervalMillisecond(intDiv(number, 60) * %d), number %% 3 + 1 AS k, intDiv(number, 7) %% 3 + 1, number %% 6 + 1, 450, 200
		FROM numbers(%d)`, days*86_400_000/(rows/60), rows), l.now.AddDate(0, 0, -days-1))
	l.exec("SYSTEM STOP MERGES live.station_minute_versions")
	l.exec("TRUNCATE TABLE raw.touched") // its inserted_at is too new for hours
	l.exec("INSERT INTO raw.touched SELECT DISTINCT device_id, toStartOfHour(observed_at), now64(3) - INTERVAL 3 MINUTE FROM raw.readings")
	l.refresh(hours, allOfThem)
	l.agree(time.Unix(0, 0))
	parts := l.Count(t, "SELECT max(n) FROM (SELECT count() AS n FROM system.parts WHERE active AND database = 'live' AND table = 'station_minute_versions' GROUP BY partition)")
	written := l.Count(t, "SELECT max(n) FROM (SELECT count() AS n FROM live.station_minute_versions GROUP BY toDate(minute))")
	if parts != 1 || written < 65_409 {
		t.Errorf("a day is in %d parts, want 1; it has %d rows, more than a block of 65409 for the test to mean something", parts, written)
	}

	l.exec("SYSTEM START MERGES live.station_minute_versions")

	l.exec("TRUNCATE TABLE raw.touched")
	l.insert(l.newReading("c7", l.now.AddDate(0, 0, -2)))
	l.pass(3 * time.Minute)
	var read uint64
	ctx := ch.Context(t.Context(), ch.WithProgress(func(p *ch.Progress) { read += p.Rows }))
	var fresh uint64
	if err := l.Conn(t, clickhousetest.Collector).QueryRow(ctx, "SELECT count() FROM raw.fresh_minutes(slot_s = 3600, most = 500)").Scan(&fresh); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows from %d read", fresh, read)
	if fresh == 0 || read > rows/3 {
		t.Errorf("%d rows read for %d rows of one hour of a station", read, fresh)
	}
}

// TestLiveRights: readers of live have no way from there into raw, and there
// is nothing personal in it.
func TestLiveRights(t *testing.T) {
	l := newLiveTables(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, user := range []string{clickhousetest.Planner, clickhousetest.Enforcement, clickhousetest.DBT} {
		conn := l.Conn(t, user)
		for _, q := range []string{"SELECT * FROM live.station_minutes", "SELECT * FROM live.station_minute_versions", "SELECT * FROM live.refresh_minutes"} {
			if err := conn.Exec(ctx, q); err != nil {
				t.Errorf("%s: %s: %v", user, q, err)
			}
		}
		for _, q := range []string{
			"INSERT INTO live.station_minute_versions (station_id) VALUES ('S')", "DROP VIEW live.station_minutes",
			"SYSTEM REFRESH VIEW live.refresh_minutes", "ALTER TABLE live.refresh_minutes MODIFY QUERY SELECT 1",
		} {
			if err := conn.Exec(ctx, q); err == nil {
				t.Errorf("%s may %s", user, q)
			}
		}
	}
	for _, q := range []string{
		"SELECT * FROM raw.touched", "SELECT * FROM raw.placed_readings", "SELECT * FROM raw.device_versions",
		"SELECT * FROM raw.stale_slots(slot_s = 60)", "SELECT * FROM raw.fresh_minutes(slot_s = 60, most = 1)",
	} {
		if err := l.Conn(t, clickhousetest.Planner).Exec(ctx, q); err == nil {
			t.Errorf("a planner may %s", q)
		}
	}
	if n := l.Count(t, "SELECT count() FROM system.columns WHERE (database = 'live' OR table IN ('touched', 'placed_readings')) AND match(name, 'plate|tag|token|key')"); n != 0 {
		t.Errorf("%d columns sound personal", n)
	}
	if n := l.Count(t, "SELECT countIf(comment = '') FROM system.columns WHERE database = 'live' AND table = 'station_minute_versions'"); n != 0 {
		t.Errorf("%d columns are not described", n)
	}
}

// TestScalarOnce holds what raw.fresh_minutes relies on: a scalar subquery is
// computed once for all places that name it, in a view of a view too.
func TestScalarOnce(t *testing.T) {
	l := newLiveTables(t)
	l.exec(`CREATE VIEW raw.inner AS WITH
		(SELECT groupArray(rand64() % 100000 + number * 0) FROM (SELECT number FROM numbers(3) WHERE {some:UInt8} = 1)) AS drawn,
		here AS (SELECT arrayJoin(drawn) AS k),
		there AS (SELECT number AS k FROM numbers(100000) WHERE number IN (SELECT arrayJoin(drawn))
			UNION ALL SELECT DISTINCT number AS k FROM numbers(100000) WHERE (number, 1) IN (SELECT arrayJoin(arrayMap(d -> (d, 1), drawn))))
		SELECT k FROM there INNER JOIN here ON there.k = here.k`)
	for range 20 {
		if n := l.Count(t, "SELECT count() FROM (SELECT * FROM raw.inner(some = 1))"); n < 6 {
			t.Fatalf("%d rows, want 6: this ClickHouse computes a scalar subquery more than once, and raw.fresh_minutes may not rely on it", n)
		}
	}
}
