package purge_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	pb "google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/purge"
	"github.com/gantry-dev/gantry/collector/sink"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

const (
	plate = "S123ABC"
	tag   = "TAG7XYZ9"
	keyA  = "0123456789abcdef"
	keyB  = "fedcba9876543210"
)

var (
	key    = platekey.New([16]byte([]byte(keyA)))
	oldKey = platekey.New([16]byte([]byte(keyB)))
)

// day0 is the UTC midnight that readings begin at, microseconds.
const day0 = int64(20_000) * 24 * 3600 * 1_000_000

// site is a ClickHouse with a sink before it.
type site struct {
	*clickhousetest.Server
	t       *testing.T
	dbt     driver.Conn
	client  *kgo.Client
	sent    uint64
	records []*kgo.Record
}

func newSite(t *testing.T) *site {
	server := clickhousetest.Start(t)
	broker := kafkatest.Fake(t)
	s := &site{Server: server, t: t, dbt: server.Conn(t, clickhousetest.DBT), client: kafkatest.Client(t, broker)}
	cfg := sink.DefaultConfig(kafka.DefaultClientConfig(broker), server.Config(clickhousetest.Collector), key)
	for _, l := range []*sink.Limits{&cfg.Live, &cfg.Backfill, &cfg.Slow} {
		l.FlushEvery, l.FetchMinBytes = 50*time.Millisecond, 1
	}
	cfg.PurgesEvery = 100 * time.Millisecond
	snk, err := sink.New(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- snk.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// request is what the command would make of --plate and --tag.
func (s *site) request() purge.Config {
	return purge.Config{
		ClickHouse: s.Config(clickhousetest.Collector), Keys: []platekey.Key{key},
		Plates: []string{"s 123-abc"}, Tags: []string{tag}, Reason: "asked by letter", Who: "clerk", Settle: 300 * time.Millisecond,
	}
}

// emit sends readings of a camera and a toll gantry: every tenth is of the
// vehicle, in the ways its plate and tag may be written.
func (s *site) emit(n int) {
	for i := range n {
		id, name := "P"+fmt.Sprint(10_000+i), "T"+fmt.Sprint(10_000+i)
		if i%10 == 3 {
			id, name = []string{plate, "s123abc", "S-123 ABC"}[i/10%3], tag
		}
		at := day0 + int64(i)*3_600_000_000
		s.send("v1", &gantryv1.Reading{ObservedAtUs: at, Lane: 1, Measurement: &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{
			SpeedTenthKmh: 1400, LimitKmh: 110, Plate: id, ConfidencePercent: 97, VehicleClass: 1}}})
		s.send("t1", &gantryv1.Reading{ObservedAtUs: at, Lane: 1, Measurement: &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{
			Identification: &gantryv1.TollReading_Tag{Tag: name}, VehicleClass: 1, Axles: 2, Persons: 1, ChargeCents: 120}}})
	}
}

func (s *site) send(device string, m *gantryv1.Reading) {
	s.sent++
	body, err := pb.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	value := append(kafka.AppendIdentity(nil, []byte(device), 7, s.sent), body...)
	s.records = append(s.records, &kgo.Record{Topic: kafka.TopicReading, Key: []byte(device), Value: value})
	s.produce(s.records[len(s.records)-1])
}

func (s *site) produce(records ...*kgo.Record) {
	if err := s.client.ProduceSync(s.t.Context(), records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// replay sends all readings once more, as history.
func (s *site) replay() {
	for _, r := range s.records {
		s.produce(&kgo.Record{Topic: kafka.TopicBackfill, Key: r.Key, Value: r.Value})
	}
	s.arrived(kafka.GroupSinkBackfill, kafka.TopicBackfill)
}

// refuse makes dead letters whose bytes name the vehicle, as a reading and as
// something else, and one that names another.
func (s *site) refuse() {
	reading, err := pb.Marshal(&gantryv1.Reading{Measurement: &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{Identification: &gantryv1.TollReading_Plate{Plate: "s123-abc"}, VehicleClass: 1}}})
	if err != nil {
		s.t.Fatal(err)
	}
	for i, value := range [][]byte{reading, []byte("\x00\xff{\"plate\": \"S 123 ABC\"}'\\"), []byte("another P99999")} {
		letter, err := pb.Marshal(&gantryv1.DeadLetter{Reject: &gantryv1.Reject{DeviceId: "it's", Seq: uint64(i), Code: 1}, Value: value})
		if err != nil {
			s.t.Fatal(err)
		}
		s.produce(&kgo.Record{Topic: kafka.TopicDeadLetter, Value: letter})
	}
	s.arrived(kafka.GroupSinkReject, kafka.TopicDeadLetter)
}

// arrived waits until the sink has stored all of a topic.
func (s *site) arrived(group, topic string) {
	s.t.Helper()
	admin := kadm.NewClient(s.client)
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for {
		lags, err := admin.Lag(ctx, group)
		if err != nil {
			s.t.Fatal(err)
		}
		if lag, ok := lags[group].Lag.TotalByTopic()[topic]; ok && lag.Lag == 0 {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("%s was not stored in time", topic)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *site) asDBT(statements ...string) {
	s.t.Helper()
	for _, q := range statements {
		if err := s.dbt.Exec(s.t.Context(), q); err != nil {
			s.t.Fatal(q, err)
		}
	}
}

func (s *site) run(cfg purge.Config) purge.Report {
	s.t.Helper()
	report, err := purge.Run(s.t.Context(), cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}

func needles() []clickhousetest.Needle {
	written := clickhousetest.TextNeedle("plate", plate)
	for _, way := range []string{"s123-abc", "S-123 ABC", "S 123 ABC"} {
		written.Forms = append(written.Forms, []byte(way))
	}
	return []clickhousetest.Needle{
		written, clickhousetest.TextNeedle("tag", tag),
		clickhousetest.TokenNeedle("plate's token", key.Token(plate, "")), clickhousetest.TokenNeedle("tag's token", key.Token("", tag)),
		clickhousetest.TextNeedle("key", keyA), clickhousetest.TextNeedle("key in digits", hex.EncodeToString([]byte(keyA))),
		clickhousetest.TextNeedle("neighbour", "P10002"),
	}
}

// search fails unless the needles stand in these tables and no other.
func (s *site) search(want map[string]string) {
	s.t.Helper()
	got := map[string]string{}
	for name, tables := range s.Search(s.t, needles()) {
		got[name] = strings.Join(tables, " ")
	}
	if !maps.Equal(got, want) {
		s.t.Errorf("found\n%v\nwant\n%v", got, want)
	}
}

// TestPurge: what a vehicle left is erased wherever it is, nothing else
// changes, and what comes again does not stay.
func TestPurge(t *testing.T) {
	s := newSite(t)
	s.emit(60)
	s.arrived(kafka.GroupSinkLive, kafka.TopicReading)
	s.refuse()
	s.asDBT(
		"CREATE TABLE enforcement.violations (device_id String, seq UInt64, plate_token Nullable(UInt128)) ENGINE = MergeTree ORDER BY seq",
		"INSERT INTO enforcement.violations SELECT device_id, seq, plate_token FROM raw.readings WHERE kind = 'speed'",
		"CREATE TABLE staging.sightings (plate_token UInt128, seq UInt64) ENGINE = MergeTree ORDER BY (plate_token, seq)",
		"INSERT INTO staging.sightings SELECT plate_token, seq FROM raw.readings",
		"CREATE VIEW staging.stg AS SELECT plate_token FROM raw.readings",
		"CREATE TABLE serving.named (seq UInt64, token UInt128) ENGINE = MergeTree ORDER BY seq",
		"INSERT INTO serving.named SELECT seq, plate_token FROM raw.readings WHERE kind = 'toll'",
	)
	// The search is worth something only if it finds what is there.
	s.search(map[string]string{
		"plate": "raw.readings raw.rejects", "tag": "raw.readings", "neighbour": "raw.readings",
		"plate's token": "enforcement.violations raw.incoming_readings raw.readings staging.sightings staging.stg",
		"tag's token":   "raw.incoming_readings raw.readings serving.named staging.sightings staging.stg",
	})
	const others = "SELECT cityHash64(arraySort(groupArray((device_id, epoch, seq, observed_at, kind, lane, vehicle_class, speed_tenth_kmh, persons, charge_cents, plate, tag, plate_token, inserted_at)))) FROM raw.readings WHERE plate LIKE 'P%' OR tag LIKE 'T1%'"
	before := s.Count(t, others)
	began := s.Count(t, "SELECT toUInt64(toUnixTimestamp(now()))")

	report := s.run(s.request())
	want := purge.Report{Readings: 12, Rejects: 2, Derived: map[string]uint64{"enforcement.violations": 6, "staging.sightings": 12, "serving.named": 6}}
	if fmt.Sprint(report) != fmt.Sprint(want) {
		t.Errorf("erased %v, want %v", report, want)
	}
	left := map[string]string{"plate's token": "raw.purges", "tag's token": "raw.purges", "neighbour": "raw.readings"}
	s.search(left)
	if s.Count(t, others) != before {
		t.Error("readings of others are not what they were")
	}
	for query, want := range map[string]uint64{
		"SELECT count() FROM raw.readings":       120,
		"SELECT count() FROM raw.readings FINAL": 120,
		"SELECT count() FROM raw.readings WHERE plate = '' AND tag = '' AND plate_token = 0 AND plate_key_id = 0 AND (speed_tenth_kmh = 1400 OR charge_cents = 120)": 12,
		// dbt must compute the days of these anew.
		"SELECT count() FROM raw.readings WHERE plate_token = 0 AND inserted_at >= " + fmt.Sprint(began): 12,
		"SELECT count() FROM raw.rejects":                                 3,
		"SELECT count() FROM raw.rejects WHERE value = ''":                2,
		"SELECT count() FROM enforcement.violations":                      60,
		"SELECT countIf(plate_token IS NULL) FROM enforcement.violations": 6,
		"SELECT count() FROM staging.sightings":                           108,
		"SELECT count() FROM serving.named WHERE token = 0":               6,
		"SELECT count() FROM raw.purges WHERE reason = 'asked by letter' AND who = 'clerk' AND plate_key_id = " + fmt.Sprint(key.ID()): 2,
	} {
		if got := s.Count(t, "SELECT toUInt64(("+query+"))"); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}

	s.replay()
	s.search(left)
	if n := s.Count(t, "SELECT count() FROM raw.readings FINAL"); n != 120 {
		t.Errorf("%d readings after the replay, want 120", n)
	}
	// As written by a sink of an older version.
	collector := s.Conn(t, clickhousetest.Collector)
	if err := collector.Exec(t.Context(), "INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, plate, plate_token, plate_key_id) SELECT 'v2', 1, 1, 0, 'speed', ?, plate_token, plate_key_id FROM raw.purges ORDER BY plate_token = (SELECT any(plate_token) FROM raw.purges) LIMIT 1", plate); err != nil {
		t.Fatal(err)
	}
	if report := s.run(s.request()); fmt.Sprint(report) != fmt.Sprint(purge.Report{Readings: 1, Derived: map[string]uint64{}}) {
		t.Errorf("a second run erased %v, want what came in between", report)
	}
	s.search(left)
}

// TestPurgeWaitsForBuilds: a statement that read the plate's token before the
// purge and writes it afterwards leaves nothing behind.
func TestPurgeWaitsForBuilds(t *testing.T) {
	s := newSite(t)
	s.emit(10)
	s.arrived(kafka.GroupSinkLive, kafka.TopicReading)
	s.asDBT("CREATE TABLE staging.slow (token UInt128, waited UInt8) ENGINE = MergeTree ORDER BY ()")
	building := make(chan error)
	go func() {
		building <- s.dbt.Exec(t.Context(), "INSERT INTO staging.slow SELECT plate_token, sleepEachRow(0.1) FROM raw.readings SETTINGS max_block_size = 1, max_threads = 1")
	}()
	deadline := time.Now().Add(20 * time.Second)
	for s.Count(t, "SELECT count() FROM system.processes WHERE user = 'dbt' AND query_kind = 'Insert'") == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the build did not begin")
		}
	}
	s.run(s.request())
	select {
	case err := <-building:
		if err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the purge is over and the build is not")
	}
	if n := s.Count(t, "SELECT count() FROM staging.slow WHERE token IN (SELECT plate_token FROM raw.purges)"); n != 0 {
		t.Errorf("%d rows of the build hold a token that was purged", n)
	}
	if n := s.Count(t, "SELECT count() FROM staging.slow"); n != 20 {
		t.Errorf("the build has %d rows, want 20", n)
	}
}

// TestPurgeUnderOldKey: readings made with a key of the past are noticed, and
// erased when it is given.
func TestPurgeUnderOldKey(t *testing.T) {
	s := newSite(t)
	token := oldKey.Token(plate, "")
	err := s.Conn(t, clickhousetest.Collector).Exec(t.Context(), fmt.Sprintf("INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, plate, plate_token, plate_key_id) SELECT 'v1', 1, 1, 0, 'speed', 's-123-ABC', bitShiftLeft(toUInt128(%d), 64) + %d, %d", token.High, token.Low, oldKey.ID()))
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.request()
	if _, err := purge.Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("with the new key alone: %v", err)
	}
	s.search(map[string]string{"plate's token": "raw.purges", "tag's token": "raw.purges"})
	cfg.Keys = append(cfg.Keys, oldKey)
	if report := s.run(cfg); report.Readings != 1 {
		t.Errorf("with both keys: %v", report)
	}
}

// TestPurgeRefuses: what cannot be done, and what would keep the name.
func TestPurgeRefuses(t *testing.T) {
	s := newSite(t)
	for want, spoil := range map[string]func(*purge.Config){
		"no key":              func(c *purge.Config) { c.Keys = nil },
		"neither a plate":     func(c *purge.Config) { c.Plates, c.Tags = nil, nil },
		"no letter":           func(c *purge.Config) { c.Plates = []string{" - "} },
		"reason and who":      func(c *purge.Config) { c.Reason = " " },
		"reason contains":     func(c *purge.Config) { c.Reason = "owner of S123 abc asked" },
		"who asks contains":   func(c *purge.Config) { c.Who = "tag7xyz9" },
		"column of their own": nil,
	} {
		cfg := s.request()
		switch {
		case spoil != nil:
			spoil(&cfg)
		case want == "column of their own":
			s.asDBT("CREATE TABLE serving.many (n UInt8, tokens Array(UInt128)) ENGINE = MergeTree ORDER BY n")
		default:
			continue
		}
		_, err := purge.Run(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err != nil && slices.ContainsFunc([]string{plate, tag}, func(name string) bool {
			return strings.Contains(string(platekey.Normalised([]byte(err.Error()))), name)
		}) {
			t.Errorf("the error names the vehicle: %v", err)
		}
	}
}
