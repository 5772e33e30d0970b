package main

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// The look: one whole epoch of three devices, and two hours of the next one.
var (
	began = time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	until = began.Add(26 * time.Hour)
	look  = until.Add(20 * time.Second)
)

const firstEpoch = 20522 << 17 // 2026-03-10

// bench is a verification of a small world, and its rows without a fault.
type bench struct {
	*verification
	conn driver.Conn
}

func newBench(t *testing.T, faults string) *bench {
	t.Helper()
	server := clickhousetest.Start(t)
	network, _ := world.Shipped("network", "corridor")
	scenario, _ := world.Shipped("scenario", "weekday")
	scenario = append(scenario, faults...)
	spec := world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: 5}
	w, err := world.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	const station = "north-02"
	net := &gantryv1.Network{
		Name: "corridor", ValidFromUs: began.UnixMicro(),
		Stations: []*gantryv1.Station{{StationId: station, Lanes: 2}},
		Devices: []*gantryv1.Device{
			{DeviceId: station + "-counter", StationId: station, Kind: gantryv1.DeviceKind_DEVICE_KIND_COUNTER},
			{DeviceId: station + "-speed", StationId: station, Kind: gantryv1.DeviceKind_DEVICE_KIND_SPEED},
			{DeviceId: station + "-toll", StationId: station, Kind: gantryv1.DeviceKind_DEVICE_KIND_TOLL},
		},
		World: &gantryv1.World{
			Fingerprint: w.Fingerprint(), NetworkYaml: string(network), ScenarioYaml: string(scenario), Seed: spec.Seed,
		},
	}
	o, err := newOracle(net, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := &Config{
		ClickhouseAddr: server.TCPAddr(), ClickhouseUser: clickhousetest.Operator, Parallel: 2,
		ClickhousePasswordFile: filepath.Join(dir, "password"), PlateKeyFile: filepath.Join(dir, "key"),
	}
	for path, text := range map[string]string{
		cfg.ClickhousePasswordFile: server.Password(clickhousetest.Operator),
		cfg.PlateKeyFile:           "000102030405060708090a0b0c0d0e0f",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v, err := newVerification(cfg, o, until.UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	v.now = func() time.Time { return look }
	b := &bench{verification: v, conn: server.Conn(t, clickhousetest.Operator)}
	b.load(t)
	return b
}

// load puts what the world emitted into ideal.readings and ideal.epoch_ends.
func (b *bench) load(t *testing.T) {
	t.Helper()
	b.exec(t, "CREATE DATABASE IF NOT EXISTS ideal")
	b.exec(t, "CREATE OR REPLACE TABLE ideal.readings ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM raw.readings LIMIT 0")
	b.exec(t, "CREATE OR REPLACE TABLE ideal.epoch_ends ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM raw.epoch_ends LIMIT 0")
	b.exec(t, "CREATE OR REPLACE TABLE ideal.rejects ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM raw.rejects LIMIT 0")
	batch, err := b.conn.PrepareBatch(context.Background(), `INSERT INTO ideal.readings (device_id, epoch, seq, observed_at, kind, lane,
		vehicle_class, length_cm, occupied_ms, headway_ms, speed_tenth_kmh, limit_kmh, confidence_percent, plate, tag,
		plate_token, plate_key_id, axles, persons, charge_cents)`)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.oracle.devices {
		b.loadDevice(t, batch, &b.oracle.devices[i])
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) loadDevice(t *testing.T, batch driver.Batch, d *oracleDevice) {
	t.Helper()
	dev, epochs, err := b.oracle.epochs(d, until.UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range epochs {
		var last uint64
		for r := range dev.Readings(e, 0) {
			if r.EmittedAt > until.UnixMicro() {
				break
			}
			last = r.Seq
			if r.ObservedAt > e.Start+3*dayUS { // of a clock that is wrong by more than any epoch has room for
				b.exec(t, fmt.Sprintf("INSERT INTO ideal.rejects (device_id, epoch, seq, code) VALUES ('%s', %d, %d, 'REJECT_CODE_OBSERVED_AT_OUT_OF_EPOCH')", d.id, e.ID, r.Seq))
				continue
			}
			if err := batch.Append(b.values(d, e, &r)...); err != nil {
				t.Fatal(err)
			}
		}
		if e.End <= until.UnixMicro() && !e.NoEnd {
			b.exec(t, fmt.Sprintf("INSERT INTO ideal.epoch_ends (device_id, epoch, last_seq) VALUES ('%s', %d, %d)", d.id, e.ID, last))
		}
	}
}

func (b *bench) values(d *oracleDevice, e device.Epoch, r *device.Reading) []any {
	high, low, id := b.tokens.token(r.Plate.String(), r.Tag.String())
	token := new(big.Int).Lsh(new(big.Int).SetUint64(high), 64)
	token.Or(token, new(big.Int).SetUint64(low))
	return []any{
		d.id, e.ID, r.Seq, time.UnixMicro(r.ObservedAt), []string{"", "counter", "speed", "toll"}[r.Kind], r.Lane,
		[]string{"", "car", "van", "truck", "bus", "motorcycle", "other"}[r.Class], r.LengthCM, r.OccupiedMS, r.HeadwayMS,
		r.SpeedTenthKMH, r.LimitKMH, r.ConfidencePercent, r.Plate.String(), r.Tag.String(), token, id, r.Axles, r.Persons, r.ChargeCents,
	}
}

func (b *bench) exec(t *testing.T, statement string) {
	t.Helper()
	if err := b.conn.Exec(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (b *bench) count(t *testing.T, query string) (n uint64) {
	t.Helper()
	if err := b.conn.QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// reset makes raw hold exactly what it should.
func (b *bench) reset(t *testing.T) {
	t.Helper()
	for _, table := range []string{"readings", "epoch_ends", "rejects", "purges"} {
		b.exec(t, "TRUNCATE TABLE raw."+table)
	}
	b.exec(t, "INSERT INTO raw.readings SELECT * FROM ideal.readings")
	b.exec(t, "INSERT INTO raw.epoch_ends SELECT * FROM ideal.epoch_ends")
	b.exec(t, "INSERT INTO raw.rejects SELECT * FROM ideal.rejects")
}

func (b *bench) tally(t *testing.T) *Tally {
	t.Helper()
	got, err := b.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// one is an expression that holds for a single reading in the middle of the
// first epoch.
const one = "device_id = 'north-02-speed' AND epoch = 2689859584 AND seq = 1000"

// TestEveryMutationIsCaught deletes, copies, alters and invents rows, and
// drops an epoch's tail.
func TestEveryMutationIsCaught(t *testing.T) {
	if firstEpoch != 2689859584 {
		t.Fatalf("the first epoch is %d: mend the constant in `one`", firstEpoch)
	}
	b := newBench(t, "")
	b.reset(t)
	clean := b.tally(t)
	if !clean.OK() || clean.Found != clean.Expected || clean.Expected < 100_000 {
		t.Fatalf("raw without a fault gives %+v", clean)
	}
	t.Logf("%d readings expected", clean.Expected)
	const copied = "INSERT INTO raw.readings SELECT * REPLACE (%s) FROM (SELECT * FROM ideal.readings WHERE " + one + ")"
	replaced := func(change string) []string {
		return []string{"DELETE FROM raw.readings WHERE " + one, fmt.Sprintf(copied, change)}
	}
	cases := []struct {
		name       string
		statements []string
		want       Tally // what differs from clean; Expected and Samples are not compared
	}{
		{"a copy is harmless", []string{fmt.Sprintf(copied, "1 AS kafka_offset")}, Tally{Copies: 1}},
		{"a row deleted", []string{"DELETE FROM raw.readings WHERE " + one}, Tally{Missing: 1}},
		{"a device's rows deleted", []string{"DELETE FROM raw.readings WHERE device_id = 'north-02-speed' AND epoch = 2689859584 AND seq BETWEEN 2 AND 501"}, Tally{Missing: 500}},
		{"an epoch's tail dropped", []string{"DELETE FROM raw.readings WHERE device_id = 'north-02-toll' AND epoch = 2689859584 AND seq > (SELECT max(seq) - 100 FROM ideal.readings WHERE device_id = 'north-02-toll' AND epoch = 2689859584)"}, Tally{Missing: 100}},
		{"an epoch's end dropped", []string{"DELETE FROM raw.epoch_ends WHERE device_id = 'north-02-toll'"}, Tally{Missing: 1}},
		{"an epoch's end altered", []string{"DELETE FROM raw.epoch_ends WHERE device_id = 'north-02-toll'", "INSERT INTO raw.epoch_ends SELECT * REPLACE (last_seq - 1 AS last_seq) FROM ideal.epoch_ends WHERE device_id = 'north-02-toll'"}, Tally{Altered: 1}},
		{"the newest rows dropped", []string{"DELETE FROM raw.readings WHERE device_id = 'north-02-counter' AND epoch > 2689859584 AND seq > (SELECT max(seq) - 3 FROM ideal.readings WHERE device_id = 'north-02-counter' AND epoch > 2689859584)"}, Tally{Missing: 3}},
		{"a copy with another time stays under FINAL", []string{fmt.Sprintf(copied, "observed_at + 1 AS observed_at")}, Tally{Altered: 1, Copies: 1, Duplicate: 1}},
		{"a copy in another partition", []string{fmt.Sprintf(copied, "observed_at + 86400 AS observed_at")}, Tally{Altered: 1, Copies: 1, Duplicate: 1}},
		{"an altered copy", []string{fmt.Sprintf(copied, "toUInt16(1) AS speed_tenth_kmh")}, Tally{Altered: 1, Copies: 1}},
		{"a position never given", []string{fmt.Sprintf(copied, "toUInt64(900000000) AS seq")}, Tally{Invented: 1}},
		{"position 0", []string{fmt.Sprintf(copied, "toUInt64(0) AS seq")}, Tally{Invented: 1}},
		{"an epoch of a reboot that never was", []string{fmt.Sprintf(copied, "toUInt32(epoch + 60) AS epoch")}, Tally{Invented: 1}},
		{"an epoch before the device's first", []string{fmt.Sprintf(copied, "toUInt32(epoch - 131072) AS epoch")}, Tally{Invented: 1}},
		{"a device that is not there", []string{fmt.Sprintf(copied, "'north-99-speed' AS device_id")}, Tally{Invented: 1}},
		{"an end that never was", []string{"INSERT INTO raw.epoch_ends (device_id, epoch, last_seq) VALUES ('north-02-toll', 2689990716, 7)"}, Tally{Invented: 1}},
		{"an unexpected reject", []string{"INSERT INTO raw.rejects (device_id, epoch, seq, code) VALUES ('north-02-toll', 2689859584, 7, 'REJECT_CODE_MALFORMED')"}, Tally{RejectedUnexpected: 1}},
	}
	// The purge takes two vehicles: that of `one`, and the one seen most.
	const (
		its = "plate_token IN (SELECT plate_token FROM ideal.readings WHERE " + one + " UNION ALL " +
			"SELECT plate_token FROM ideal.readings WHERE plate_token != 0 GROUP BY plate_token ORDER BY count() DESC, plate_token LIMIT 1)"
		note  = "INSERT INTO raw.purges (plate_token, reason, who) SELECT plate_token, 'test', 'test' FROM ideal.readings WHERE "
		blank = "ALTER TABLE raw.readings UPDATE plate = '', tag = '', plate_token = 0, plate_key_id = 0 WHERE %s SETTINGS mutations_sync = 1"
	)
	seen := b.count(t, "SELECT count() FROM ideal.readings WHERE "+its)
	if seen < 3 {
		t.Fatalf("two vehicles were seen %d times, want more", seen)
	}
	add := func(name string, want Tally, statements ...string) {
		cases = append(cases, struct {
			name       string
			statements []string
			want       Tally
		}{name, statements, want})
	}
	add("a vehicle purged is harmless", Tally{Purged: seen}, note+its, fmt.Sprintf(blank, its))
	add("a plate erased without a purge", Tally{Altered: 1}, fmt.Sprintf(blank, one))
	add("a plate erased, and a purge of another", Tally{Altered: 1}, "INSERT INTO raw.purges (plate_token) VALUES (12345)", fmt.Sprintf(blank, one))
	add("a purge that missed one reading", Tally{Altered: 1, Purged: seen - 1}, note+its, fmt.Sprintf(blank, its+" AND NOT ("+one+")"))
	add("a purge that left the token", Tally{Altered: 1, Purged: seen - 1}, note+its, fmt.Sprintf(blank, its+" AND NOT ("+one+")"),
		"ALTER TABLE raw.readings UPDATE plate = '' WHERE "+one+" SETTINGS mutations_sync = 1")
	add("a speed altered by the purge", Tally{Altered: 1, Purged: seen - 1}, note+its, fmt.Sprintf(blank, its),
		"ALTER TABLE raw.readings UPDATE speed_tenth_kmh = 1 WHERE "+one+" SETTINGS mutations_sync = 1")
	add("a copy with its plate after a purge", Tally{Altered: 1, Copies: 1, Purged: seen}, note+its, fmt.Sprintf(blank, its), fmt.Sprintf(copied, "1 AS kafka_offset"))
	for column, change := range map[string]string{
		"observed_at": "addMicroseconds(observed_at, 1)", "kind": "'toll'", "lane": "toUInt8(3 - lane)", "vehicle_class": "'other'",
		"length_cm": "toUInt16(1)", "occupied_ms": "toUInt32(1)", "headway_ms": "toUInt32(1)", "speed_tenth_kmh": "toUInt16(speed_tenth_kmh + 1)",
		"limit_kmh": "toUInt8(5)", "confidence_percent": "toUInt8(confidence_percent - 1)", "plate": "concat(plate, 'X')", "tag": "'X'",
		"plate_token": "toUInt128(plate_token + 1)", "plate_key_id": "toUInt8(plate_key_id + 1)", "axles": "toUInt8(9)",
		"persons": "toUInt8(9)", "charge_cents": "toUInt32(9)",
	} {
		cases = append(cases, struct {
			name       string
			statements []string
			want       Tally
		}{column + " altered", replaced(change + " AS " + column), Tally{Altered: 1}})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b.reset(t)
			for _, s := range c.statements {
				b.exec(t, s)
			}
			got := b.tally(t)
			want := c.want
			want.Expected, want.Samples = got.Expected, got.Samples
			want.Found = clean.Found - want.Missing
			if c.want.Altered == 1 && c.want.Copies == 0 {
				want.Found--
			}
			if fmt.Sprint(*got) != fmt.Sprint(want) {
				t.Errorf("got %+v, want %+v", *got, want)
			}
			if faults := c.want; (faults.Copies == 0 && faults.Purged == 0) || faults.Altered > 0 {
				if got.OK() {
					t.Error("nothing was caught")
				}
			}
			if got.Expected != clean.Expected {
				t.Errorf("expected %d, not %d", got.Expected, clean.Expected)
			}
		})
	}
}
