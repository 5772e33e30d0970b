package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/deploy/local/state"
	"github.com/gantry-dev/gantry/deploy/local/supervise"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// stackOf is a state folder that points at a test's server.
func stackOf(t *testing.T, server *clickhousetest.Server) (string, *state.State) {
	t.Helper()
	dir := t.TempDir()
	if err := state.MakeSecrets(dir); err != nil {
		t.Fatal(err)
	}
	for _, user := range state.ClickHouseUsers {
		if err := os.WriteFile(state.PasswordFile(dir, user), []byte(server.Password(user)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := state.Reconcile(nil, state.Wanted{Dir: dir}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(server.HTTPAddr())
	s.Ports.ClickHouseHTTP, _ = strconv.Atoi(port)
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// vehicles is how many readings of one counter fixture makes, one a second.
const vehicles = 900

// fixture is a station with a counter, its readings of the last quarter of an
// hour, every third of them twice, and one ended epoch.
const fixture = `
insert into raw.stations (station_id, gantry_id, road, direction, offset_m, lanes, limit_kmh, longitude, latitude, valid_from)
    values ('s1', 'g1', 'M1', 'north', 1000, 2, 100, 138.6, -34.9, toStartOfDay(now()) - 86400);
insert into raw.devices (device_id, kind, station_id, loop_length_cm, valid_from)
    values ('c1', 'counter', 's1', 200, toStartOfDay(now()) - 86400);
insert into raw.readings (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms, headway_ms)
    select 'c1', toRelativeDayNum(now()) * 131072, number + 1, now64(6) - 900 + number, 'counter', 1, 'car', 450, 260, 1000
    from numbers(900);
insert into raw.readings (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms, headway_ms)
    select device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms, headway_ms
    from raw.readings where seq % 3 = 0;
insert into raw.epoch_ends (device_id, epoch, last_seq) values ('c1', (toRelativeDayNum(now()) - 1) * 131072, 5)`

func fill(t *testing.T, server *clickhousetest.Server) {
	t.Helper()
	conn := server.Conn(t, clickhousetest.Operator)
	for statement := range strings.SplitSeq(fixture, ";\n") {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestBuildMakesTheServingTableFromRaw(t *testing.T) {
	if testing.Short() {
		t.Skip("runs dbt three times: make test runs it")
	}
	server := clickhousetest.Start(t)
	fill(t, server)
	dir, s := stackOf(t, server)
	build := func() *builder {
		// Tests run in their package's folder, dbt in its own.
		b := testBuilder(t, dir, s)
		b.spec.Dir = filepath.Join("..", "..", "dbt")
		b.build(t.Context())
		return b
	}
	const counted = "select sum(vehicle_count) from serving.station_flow_5m where station_id = 's1'"
	for range 2 {
		b := build()
		if d := b.show(time.Now()); !d.OK || d.Passed != d.Total || d.Total == 0 {
			t.Fatalf("build: %+v", d)
		}
		if n := server.Count(t, counted); n != vehicles {
			t.Errorf("station_flow_5m counts %d vehicles, want %d: copies must not count", n, vehicles)
		}
	}
	// A build that fails leaves the tables of the one before.
	if err := os.WriteFile(state.PasswordFile(dir, "dbt"), []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	if d := build().show(time.Now()); d.OK || d.Message == "" {
		t.Errorf("build with a wrong password: %+v", d)
	}
	if n := server.Count(t, counted); n != vehicles {
		t.Errorf("station_flow_5m counts %d vehicles after a failed build, want %d", n, vehicles)
	}
}

// testBuilder is a builder with the locked dbt, installed if need be.
func testBuilder(t *testing.T, dir string, s *state.State) *builder {
	t.Helper()
	program, err := lockedDBT.ensure(t.Context(), filepath.Join("..", ".."), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	group, err := supervise.New(supervise.DefaultConfig(filepath.Join(dir, "logs")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBuilder(group, program, dir, s, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFiguresAreReadFromRaw(t *testing.T) {
	server := clickhousetest.Start(t)
	fill(t, server)
	dir, s := stackOf(t, server)
	w, err := openWarehouse(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	f, err := w.look(t.Context(), dayOf(now)-7, dayOf(now))
	if err != nil {
		t.Fatal(err)
	}
	if f.Rows != vehicles*4/3 || f.Devices != 1 || f.Ended != 1 {
		t.Errorf("figures %+v, want %d rows, one device and one ended day", f, vehicles*4/3)
	}
	if age := now.Sub(time.UnixMicro(f.NewestUS)); age < -10*time.Second || age > time.Minute {
		t.Errorf("newest reading is %v old", age)
	}
}

func TestStatementPrintsATableOrTheServersError(t *testing.T) {
	server := clickhousetest.Start(t)
	dir, s := stackOf(t, server)
	w, err := openWarehouse(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := w.query(t.Context(), "select 1 as one, 'a' as letter", tableFormat, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "one") || !strings.Contains(out.String(), "│") {
		t.Errorf("printed %q, want a table", out.String())
	}
	err = w.query(t.Context(), "select * from raw.nothing", tableFormat, &out)
	says(t, err, "raw.nothing")
}

func TestSQLOfAStoppedStackSaysHowToStartIt(t *testing.T) {
	dir := t.TempDir()
	s, err := state.Reconcile(nil, state.Wanted{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// A port that was free a moment ago stands for a stopped server.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	s.Ports.ClickHouseHTTP, _ = strconv.Atoi(port)
	if err := state.MakeSecrets(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	c := sqlCommand{folderSetting: folderSetting{State: dir}, Query: "select 1"}
	says(t, c.Run(), dir, port, "make run")
}
