package clickhouse_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

// incoming are three records of the JSON topics.
const incoming = `{"device_id":"CAM","epoch":5,"seq":1,"received_at":"2026-03-06 06:00:00.123","kind":"speed","observed_at":"2026-03-06 05:59:59.000001","vehicle_class":"van","lane":1,"speed_tenth_kmh":1013,"limit_kmh":100,"confidence_percent":99,"plate_token":"340282366920938463463374607431768211455","plate_key_id":7}
{"device_id":"D1","epoch":5,"seq":6,"received_at":"2026-03-06 06:00:00.123","kind":"counter","observed_at":"2026-03-06 05:59:59.000001","vehicle_class":"car","lane":2,"length_cm":430,"occupied_ms":250,"headway_ms":2000}
{"device_id":"D1","epoch":5,"seq":7,"received_at":"2026-03-06 06:00:00.123","kind":"epoch_end","last_seq":6}
`

const insertIncoming = "INSERT INTO raw.incoming FORMAT JSONEachRow\n"

// TestIncoming: what is inserted into raw.incoming stands in the tables behind
// it, once under FINAL however often it came, and the minutes are noted.
func TestIncoming(t *testing.T) {
	s := clickhousetest.Start(t)
	for range 3 {
		if ok, answer, err := s.Ask(t, clickhousetest.Connect, insertIncoming+incoming, nil); err != nil || !ok {
			t.Fatalf("%v %s", err, answer)
		}
	}
	var readings, end string
	conn := s.Conn(t, clickhousetest.Operator)
	if err := conn.QueryRow(t.Context(), `SELECT toString(groupArray(tuple(device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms,
		headway_ms, speed_tenth_kmh, limit_kmh, confidence_percent, plate, tag, plate_token, plate_key_id, received_at)))
		FROM (SELECT * FROM raw.readings FINAL ORDER BY device_id)`).Scan(&readings); err != nil {
		t.Fatal(err)
	}
	want := "[('CAM',5,1,'2026-03-06 05:59:59.000001','speed',1,'van',0,0,0,1013,100,99,'','',340282366920938463463374607431768211455,7,'2026-03-06 06:00:00.123')," +
		"('D1',5,6,'2026-03-06 05:59:59.000001','counter',2,'car',430,250,2000,0,0,0,'','',0,0,'2026-03-06 06:00:00.123')]"
	if readings != want {
		t.Errorf("got  %s\nwant %s", readings, want)
	}
	if err := conn.QueryRow(t.Context(), `SELECT toString(groupArray(tuple(device_id, epoch, last_seq))) FROM raw.epoch_ends FINAL`).Scan(&end); err != nil {
		t.Fatal(err)
	}
	if end != "[('D1',5,6)]" {
		t.Errorf("ends of epochs: %s", end)
	}
	if n := s.Count(t, "SELECT uniqExact(device_id) FROM raw.touched"); n != 2 {
		t.Errorf("%d devices were noted for the live minutes, want 2", n)
	}
}

// TestIncomingForgets: the token of a vehicle that was purged does not come
// back by this door.
func TestIncomingForgets(t *testing.T) {
	s := clickhousetest.Start(t)
	conn := s.Conn(t, clickhousetest.Operator)
	if err := conn.Exec(t.Context(), "INSERT INTO raw.purges (plate_token) VALUES (340282366920938463463374607431768211455)"); err != nil {
		t.Fatal(err)
	}
	if ok, answer, err := s.Ask(t, clickhousetest.Connect, insertIncoming+incoming, nil); err != nil || !ok {
		t.Fatalf("%v %s", err, answer)
	}
	if n := s.Count(t, "SELECT count() FROM raw.readings WHERE plate_token != 0 OR plate_key_id != 0"); n != 0 {
		t.Errorf("%d readings have a token", n)
	}
	if n := s.Count(t, "SELECT count() FROM raw.readings"); n != 2 {
		t.Errorf("%d readings, want both", n)
	}
}

// TestConnectMayOnlyInsert: the connector's account reads nothing and writes
// nothing else.
func TestConnectMayOnlyInsert(t *testing.T) {
	s := clickhousetest.Start(t)
	for _, statement := range []string{"DESCRIBE TABLE raw.incoming", "SELECT version()",
		"SELECT database, table, count(*) FROM system.columns WHERE database = 'raw' GROUP BY database, table"} {
		if ok, answer, err := s.Ask(t, clickhousetest.Connect, statement, nil); err != nil || !ok {
			t.Errorf("%s, which a connector asks: %v %s", statement, err, answer)
		}
	}
	for _, statement := range []string{
		"SELECT count() FROM raw.readings", "SELECT * FROM raw.readings LIMIT 1", "SELECT count() FROM raw.incoming", "SELECT * FROM raw.epoch_ends",
		"INSERT INTO raw.readings (device_id) VALUES ('X')", "INSERT INTO raw.epoch_ends (device_id) VALUES ('X')", "INSERT INTO raw.purges (plate_token) VALUES (1)",
		"DROP TABLE raw.incoming", "ALTER TABLE raw.readings DELETE WHERE 1", "CREATE TABLE raw.x (n UInt8) ENGINE = Memory", "SHOW CREATE TABLE raw.readings",
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT query FROM system.processes",
	} {
		ok, answer, err := s.Ask(t, clickhousetest.Connect, statement, nil)
		if err != nil || ok || !strings.Contains(string(answer), "ACCESS_DENIED") {
			t.Errorf("%s: ok %v %v %s", statement, ok, err, answer)
		}
	}
}

// TestIncomingOfManyDays: a request with more days than an insertion may have
// by default gets through, or a connector with old history would stand still.
func TestIncomingOfManyDays(t *testing.T) {
	s := clickhousetest.Start(t)
	var body strings.Builder
	body.WriteString(insertIncoming)
	for day := range 150 {
		fmt.Fprintf(&body, `{"device_id":"D1","epoch":%d,"seq":1,"kind":"counter","observed_at":"%s 12:00:00.000000","vehicle_class":"car","lane":1}`+"\n",
			day, fmt.Sprintf("2026-%02d-%02d", 1+day/28, 1+day%28))
	}
	if ok, answer, err := s.Ask(t, clickhousetest.Connect, body.String(), url.Values{}); err != nil || !ok {
		t.Fatalf("%v %s", err, answer)
	}
	if n := s.Count(t, "SELECT count() FROM raw.readings"); n != 150 {
		t.Errorf("%d readings, want 150", n)
	}
}
