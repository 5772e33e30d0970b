package dbt_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/deploy/local/localtest"
)

// root is the project's folder, from here.
const root = "../../.."

// warehouse is a ClickHouse with a network of four stations: S1 has all three
// kinds of device, S2 and S4 a counter, S3 a camera. S4's counter C9 becomes
// known by know.
type warehouse struct {
	t      *testing.T
	server *clickhousetest.Server
	conn   driver.Conn
	env    []string
	// today is the day the test began: one that runs over midnight must not
	// change its mind.
	today time.Time
}

// emptyWarehouse is one that dbt works on from the folder dir.
func emptyWarehouse(t *testing.T, dir string) *warehouse {
	return warehouseOn(t, clickhousetest.Start(t), dir)
}

// warehouseOn is emptyWarehouse on a server that has its schema.
func warehouseOn(t *testing.T, server *clickhousetest.Server, dir string) *warehouse {
	w := &warehouse{t: t, server: server, conn: server.Conn(t, clickhousetest.Operator), today: time.Now().UTC()}
	host, port, err := net.SplitHostPort(server.HTTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	w.env = append(os.Environ(),
		"DO_NOT_TRACK=1",
		"DBT_TARGET_PATH="+filepath.Join(dir, "target"),
		"DBT_LOG_PATH="+filepath.Join(dir, "logs"),
		"GANTRY_CLICKHOUSE_HOST="+host,
		"GANTRY_CLICKHOUSE_HTTP_PORT="+port,
		"GANTRY_DBT_PASSWORD="+server.Password(clickhousetest.DBT),
	)
	return w
}

// newWarehouse is an emptyWarehouse with the network.
func newWarehouse(t *testing.T, dir string) *warehouse {
	w := emptyWarehouse(t, dir)
	w.plan()
	return w
}

// plan gives the warehouse its network.
func (w *warehouse) plan() {
	w.t.Helper()
	w.exec(`INSERT INTO raw.networks (name, zone, valid_from) SELECT 'test', 'UTC', today() - 9`)
	w.exec(`INSERT INTO raw.stations (station_id, gantry_id, road, direction, offset_m, lanes, limit_kmh, valid_from)
		SELECT 'S' || toString(number + 1), 'G1', 'M1', 'northbound', number * 1000, 2, 110, today() - 9 FROM numbers(4)`)
	for _, device := range []string{"C1", "C2", "V1", "V3", "T1"} {
		w.know(device, "S"+device[1:])
	}
}

// know adds a device to the network. Its id begins with its kind: counter,
// camera (V) or toll gantry.
func (w *warehouse) know(device, station string) {
	w.t.Helper()
	w.exec(`INSERT INTO raw.devices (device_id, kind, station_id, loop_length_cm, valid_from)
		SELECT $1, CAST(indexOf(['C', 'V', 'T'], substring($1, 1, 1)) AS Int8), $2, if(startsWith($1, 'C'), 200, 0), today() - 9`,
		device, station)
}

// emit makes the readings of the last so many days, today's whole day among
// them, of every device, known or not. insert delivers them. One passage of
// S1 is seen by its three devices.
func (w *warehouse) emit(days int) {
	w.t.Helper()
	w.exec(`DROP TABLE IF EXISTS raw.emitted`)
	w.exec(`CREATE TABLE raw.emitted AS raw.readings ENGINE = MergeTree ORDER BY (device_id, observed_at)`)
	w.exec(`INSERT INTO raw.emitted (device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms,
			headway_ms, speed_tenth_kmh, limit_kmh, confidence_percent, plate, plate_token, axles, persons, received_at)
		WITH 2000 AS per_day, toDate($2) - day AS date, cityHash64(numbers.number, day, substring(device, 2)) AS h,
			indexOf(['C', 'V', 'T'], substring(device, 1, 1)) AS k
		SELECT device, toUInt32(date) * 131072, numbers.number + 1,
			toDateTime64(date, 6, 'UTC') + toIntervalMicrosecond(intDiv(numbers.number * 86400000000, per_day)),
			CAST(k AS Int8), 1 + h % 2, CAST(1 + intDiv(h, 7) % 6 AS Int8), if(k = 1, [450, 500, 1200, 1200, 200, 600][1 + intDiv(h, 7) % 6] + h % 50, 0), if(k = 1, 300 + h % 400, 0),
			0, if(k = 2, 500 + h % 900, 0), if(k = 2, 110, 0), if(k = 2, 90, 0), if(k > 1, 'X' || toString(numbers.number), ''),
			if(k > 1, h, 0), if(k = 3, 2, 0), if(k = 3, 1, 0), now64(3)
		FROM numbers(2000) AS numbers
		CROSS JOIN (SELECT number AS day FROM numbers($1)) AS days
		CROSS JOIN (SELECT arrayJoin(['C1', 'C2', 'C9', 'V1', 'V3', 'T1']) AS device) AS devices`, days, w.today.Format(time.DateOnly))
}

// insert delivers those emitted readings for which the condition holds. What
// was delivered before is delivered again.
func (w *warehouse) insert(condition string) {
	w.t.Helper()
	w.exec(`INSERT INTO raw.readings (* EXCEPT (inserted_at))
		SELECT * EXCEPT (inserted_at) FROM raw.emitted WHERE ` + condition)
}

// dbt runs a command of dbt, in which a warning is an error. There is no
// margin for slow inserts, so that a test can tell which days were computed.
func (w *warehouse) dbt(args ...string) {
	w.t.Helper()
	if out, err := w.tryDBT(args...); err != nil {
		w.t.Fatalf("dbt %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// tryDBT is dbt that may fail.
func (w *warehouse) tryDBT(args ...string) ([]byte, error) {
	w.t.Helper()
	args = append([]string{"--no-use-colors", "--warn-error"}, args...)
	args = append(args, "--vars", "{test_days: 40, insert_margin_s: 0}")
	cmd := exec.CommandContext(w.t.Context(), localtest.DBT(w.t), args...)
	cmd.Dir, cmd.Env = filepath.Join(root, "dbt"), w.env
	started := time.Now()
	out, err := cmd.CombinedOutput()
	w.t.Logf("dbt %s: %v", args[2], time.Since(started).Round(time.Millisecond))
	return out, err
}

// daysAgo is a UTC day as a literal of ClickHouse.
func (w *warehouse) daysAgo(n int) string {
	return "'" + w.today.AddDate(0, 0, -n).Format(time.DateOnly) + "'"
}

func (w *warehouse) exec(query string, args ...any) {
	w.t.Helper()
	if err := w.conn.Exec(w.t.Context(), query, args...); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

func (w *warehouse) count(query string) uint64 {
	w.t.Helper()
	return w.server.Count(w.t, query)
}
