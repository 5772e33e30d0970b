package dbt_test

import (
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/purge"
)

// plateKey is the text of the key that the plates' tokens are made with.
const plateKey = "k3y-of-all-plate"

// plateOf is the plate of the vehicle of that number.
func plateOf(n int) string { return fmt.Sprintf("PLT%04d", n) }

// drivePast lets n vehicles of different speeds cross S1 and S3, two kilometres
// apart, one every two minutes of the last three days, and puts what both
// cameras and the toll gantry say into raw.emitted. Some cross over midnight.
func (w *warehouse) drivePast(n int) {
	w.t.Helper()
	key := platekey.New([16]byte([]byte(plateKey)))
	w.exec(`DROP TABLE IF EXISTS raw.emitted`)
	w.exec(`CREATE TABLE raw.emitted AS raw.readings ENGINE = MergeTree ORDER BY (device_id, observed_at)`)
	batch, err := w.conn.PrepareBatch(w.t.Context(), `INSERT INTO raw.emitted (device_id, epoch, seq, observed_at, kind, lane, vehicle_class,
		speed_tenth_kmh, limit_kmh, confidence_percent, plate, tag, plate_token, plate_key_id, axles, persons, charge_cents, received_at)`)
	if err != nil {
		w.t.Fatal(err)
	}
	begin := w.today.Truncate(24*time.Hour).AddDate(0, 0, -3)
	emit := func(device, kind string, i int, at time.Time, tenth int, plate, tag string) {
		token := key.Token(plate, tag)
		wide := new(big.Int).Lsh(new(big.Int).SetUint64(token.High), 64)
		wide.Or(wide, new(big.Int).SetUint64(token.Low))
		speed, limit, confidence, persons := tenth, 110, 80+i%20, 0
		if kind == "toll" {
			speed, limit, confidence, persons = 0, 0, 0, 1
		}
		if err := batch.Append(device, uint32(at.Unix()/86400)<<17, uint64(i+1), at, kind, uint8(1), "car",
			uint16(speed), uint8(limit), uint8(confidence), plate, tag, wide, key.ID(), uint8(2*persons), uint8(persons), uint32(0), at.Add(time.Second)); err != nil {
			w.t.Fatal(err)
		}
	}
	for i := range n {
		tenth := 900 + i*7%400 // 90.0 to 129.9 km/h
		at := begin.Add(time.Duration(i)*2*time.Minute + 59*time.Second)
		emit("V1", "speed", i, at, tenth, plateOf(i), "")
		emit("V3", "speed", i, at.Add(time.Duration(7200e9/int64(tenth))*10), tenth-3, plateOf(i), "")
		emit("T1", "toll", i, at.Add(time.Second), 0, "", fmt.Sprintf("TAG%04d", i))
	}
	if err := batch.Send(); err != nil {
		w.t.Fatal(err)
	}
}

// enforced are the tables of this part, those that dbt builds by day first.
var enforced = []string{"staging.int_speed_offences", "staging.int_section_offences", "enforcement.violations", "enforcement.average_speed_violations"}

// TestEnforcement takes violations through late readings, copies, a purge and a
// rebuild.
func TestEnforcement(t *testing.T) {
	if testing.Short() {
		t.Skip("starts dbt many times, seconds each")
	}
	w := newWarehouse(t, t.TempDir())
	run := func(args ...string) {
		w.dbt(append([]string{"build", "--select", "+violations", "+average_speed_violations", "--exclude", "resource_type:unit_test", "--exclude-resource-type", "test"}, args...)...)
	}
	w.drivePast(2000)
	w.insert("seq % 10 != 0 AND toDate(observed_at) != " + w.daysAgo(2))
	run()
	w.violationsAgree()
	w.insert("toDate(observed_at) = " + w.daysAgo(2)) // the other half of what crossed midnight
	w.insert("seq % 10 = 0 AND device_id = 'V3'")
	w.insert("seq % 3 = 0") // copies
	run()
	w.violationsAgree()
	w.insert("1")
	w.dbt("build", "--select", "+violations", "+average_speed_violations", "--indirect-selection", "cautious") // with all tests
	w.violationsAgree()
	w.evidence()

	const who = 48 // 123.6 km/h at one camera and 123.3 at the other
	token := "plate_token IN (SELECT plate_token FROM raw.emitted WHERE plate = '" + plateOf(who) + "')"
	for _, table := range enforced {
		if w.count("SELECT count() FROM "+table+" WHERE "+token) == 0 {
			t.Fatalf("%s knows nothing of %s: choose another", table, plateOf(who))
		}
	}
	report, err := purge.Run(t.Context(), purge.Config{
		ClickHouse: w.server.Config(clickhousetest.Collector), Keys: []platekey.Key{platekey.New([16]byte([]byte(plateKey)))},
		Plates: []string{plateOf(who)}, Reason: "test", Who: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range enforced {
		if report.Derived[table] == 0 {
			t.Errorf("nothing was erased from %s: %v", table, report)
		}
		if w.count("SELECT count() FROM "+table+" WHERE "+token) != 0 {
			t.Errorf("%s still has the token", table)
		}
	}
	run()
	w.violationsAgree() // by raw, in which the plate is gone
	if n := w.count(fmt.Sprintf("SELECT count() FROM enforcement.violations WHERE seq = %d AND plate_token IS NULL AND NOT is_usable", who+1)); n != 2 {
		t.Errorf("%d violations without a plate, want the 2 that were purged, not usable", n)
	}
	w.keepTables(enforced)
	run("--full-refresh")
	w.sameTables(enforced)
}

// keepTables sets tables aside, for sameTables.
func (w *warehouse) keepTables(tables []string) {
	w.t.Helper()
	for _, table := range tables {
		w.exec(fmt.Sprintf("CREATE TABLE %s_kept ENGINE = MergeTree ORDER BY () AS SELECT * FROM %[1]s", table))
	}
}

// sameTables fails unless the tables hold, bit for bit, the rows set aside, but
// for the times at which they were computed.
func (w *warehouse) sameTables(tables []string) {
	w.t.Helper()
	for _, table := range tables {
		now := "SELECT * FROM " + table
		if strings.Contains(table, ".int_") {
			now = "SELECT * EXCEPT (folded_at) FROM " + table
		}
		for _, less := range []string{now + " EXCEPT ALL " + now + "_kept", now + "_kept EXCEPT ALL " + now} {
			if n := w.count("SELECT count() FROM (" + less + ")"); n != 0 {
				w.t.Errorf("%d rows differ: %s", n, less)
			}
		}
		if w.count("SELECT count() FROM "+table) == 0 {
			w.t.Errorf("%s is empty: nothing was compared", table)
		}
	}
}

// violationsAgree compares both tables with raw, without FINAL, parts and dbt.
func (w *warehouse) violationsAgree() {
	w.t.Helper()
	for table, want := range map[string]string{
		"violations": `SELECT DISTINCT device_id, epoch, seq, nullIf(plate_token, 0) AS token, speed_tenth_kmh / 10 AS measured
			FROM raw.readings WHERE kind = 'speed'
			AND if(speed_tenth_kmh < 1000, speed_tenth_kmh - 50, speed_tenth_kmh * 0.95) > limit_kmh * 10 + 1e-6`,
		"average_speed_violations": `SELECT DISTINCT b.device_id AS device_id, b.epoch AS epoch, b.seq AS seq, nullIf(b.plate_token, 0) AS token,
				intDiv(2000 * 3600000000, toUnixTimestamp64Micro(b.observed_at) - toUnixTimestamp64Micro(a.observed_at)) / 1000 AS measured
			FROM raw.readings AS a JOIN raw.readings AS b ON a.plate_token = b.plate_token
			WHERE a.device_id = 'V1' AND b.device_id = 'V3' AND a.plate_token != 0 AND measured * 0.95 > 110 + 1e-6`,
	} {
		id := map[string]string{"violations": "", "average_speed_violations": "to_"}[table]
		got := fmt.Sprintf("SELECT %[1]sdevice_id, %[1]sepoch, %[1]sseq, plate_token, measured_speed_kmh FROM enforcement.%[2]s", id, table)
		want = "SELECT device_id, epoch, seq, token, measured FROM (" + want + ")"
		for _, less := range []string{want + " EXCEPT ALL " + got, got + " EXCEPT ALL " + want} {
			if n := w.count("SELECT count() FROM (" + less + ")"); n != 0 {
				w.t.Errorf("%d rows of enforcement.%s are not what raw says: %s", n, table, less)
			}
		}
		if w.count("SELECT count() FROM enforcement."+table) < 20 {
			w.t.Errorf("enforcement.%s has too few rows to tell", table)
		}
	}
}

// evidence runs the query of the project's README as enforcement does: each
// violation with the plate that raw has.
func (w *warehouse) evidence() {
	w.t.Helper()
	text, err := os.ReadFile(root + "/dbt/README.md")
	if err != nil {
		w.t.Fatal(err)
	}
	query := regexp.MustCompile("(?s)```sql\n(.*?enforcement\\.violations.*?)```").FindSubmatch(text)
	if query == nil {
		w.t.Fatal("dbt/README.md has no query of enforcement.violations")
	}
	rows, err := w.server.Conn(w.t, clickhousetest.Enforcement).Query(w.t.Context(), "SELECT seq, plate FROM ("+strings.TrimRight(string(query[1]), ";\n")+")")
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	found := uint64(0)
	for rows.Next() {
		var seq uint64
		var plate string
		if err := rows.Scan(&seq, &plate); err != nil {
			w.t.Fatal(err)
		}
		if found++; plate != plateOf(int(seq)-1) {
			w.t.Errorf("reading %d has plate %s", seq, plate)
		}
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	if want := w.count("SELECT count() FROM enforcement.violations WHERE is_usable AND toDate(observed_at) = today() - 1"); found != want || want == 0 {
		w.t.Errorf("%d violations of yesterday with their plate, want %d", found, want)
	}
}
