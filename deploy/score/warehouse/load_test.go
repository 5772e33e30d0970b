package warehouse_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/deploy/score/warehouse"
	"github.com/gantry-dev/gantry/gantry-agent/device"
)

func TestMain(m *testing.M) {
	clickhouselocal.Main()
	os.Exit(m.Run())
}

// more are faults that the planted situations lack: copies, readings of
// another day, and a clock so wrong that ingest refuses what it stamps.
const more = `
  - {device: in-01-counter, kind: duplicate, per_mille: 100}
  - {device: in-02-speed, kind: late, per_mille: 50, seconds: 20000}
  - {device: in-01-speed, kind: skew, seconds: 300000, from: 2026-01-06T00:00}
`

// epochKey is what a row of raw belongs to.
type epochKey struct {
	device string
	epoch  uint32
}

// content is what the readings of an epoch add up to, and in how many rows.
type content struct{ readings, rows, sum uint64 }

// TestLoadWritesWhatDevicesEmit on two roads and two days, reading by reading
// summed up, against the devices themselves.
func TestLoadWritesWhatDevicesEmit(t *testing.T) {
	roads := testRoads(t)
	days := []time.Time{time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)}
	h, err := warehouse.Start(t.Context(), t.TempDir(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Stop()
	loaded, err := h.Load(t.Context(), roads, days)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := h.Open(clickhouselocal.UserOperator)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()

	want, refused, closed := emitted(t, roads, days)
	got := map[epochKey]content{}
	query(t, conn, `SELECT device_id, epoch, uniqExact(seq), count(),
			sum(seq + lane + toInt8(vehicle_class) + length_cm + occupied_ms + headway_ms + speed_tenth_kmh + limit_kmh
				+ confidence_percent + length(plate) + length(tag) + axles + persons + charge_cents + toUnixTimestamp64Micro(observed_at))
		FROM raw.readings GROUP BY 1, 2`,
		func(r driver.Rows) error {
			var k epochKey
			var c content
			var sum int64
			err := r.Scan(&k.device, &k.epoch, &c.readings, &c.rows, &sum)
			c.sum = uint64(sum)
			got[k] = c
			return err
		})
	total := uint64(0)
	for k, w := range want {
		if g := got[k]; g != w {
			t.Errorf("%s, epoch %d: %+v, want %+v", k.device, k.epoch, g, w)
		}
		total += w.rows
	}
	if len(got) != len(want) || loaded.Readings != total || loaded.Refused != refused || refused == 0 {
		t.Errorf("loaded %+v in %d epochs, want %d readings, %d refused, in %d epochs",
			loaded, len(got), total, refused, len(want))
	}
	ends := map[epochKey]uint64{}
	query(t, conn, `SELECT device_id, epoch, last_seq FROM raw.epoch_ends`, func(r driver.Rows) error {
		var k epochKey
		var last uint64
		err := r.Scan(&k.device, &k.epoch, &last)
		ends[k] = last
		return err
	})
	for k, last := range closed {
		if ends[k] != last {
			t.Errorf("%s, epoch %d ends at %d, want %d", k.device, k.epoch, ends[k], last)
		}
	}
	if len(ends) != len(closed) || loaded.Ends != uint64(len(closed)) {
		t.Errorf("%d ends of epochs, %d counted, want %d", len(ends), loaded.Ends, len(closed))
	}
	checkRoadside(t, conn, roads)
}

// checkRoadside: everything is there, with its road's prefix, and no road's
// vehicle is seen on the other.
func checkRoadside(t *testing.T, conn driver.Conn, roads []warehouse.Road) {
	t.Helper()
	var nodes, links, stations, devices uint64
	for _, r := range roads {
		n := r.World.Network()
		nodes, links = nodes+uint64(len(n.Nodes)), links+uint64(len(n.Links))
		stations, devices = stations+uint64(len(n.Stations)), devices+uint64(len(n.Devices))
	}
	const one = "countIf(startsWith(%, 'sick-losses/') OR startsWith(%, 'sick-persons/'))"
	prefixed := func(column string) string { return strings.ReplaceAll(one, "%", column) }
	for q, want := range map[string]uint64{
		"SELECT " + prefixed("node_id") + " FROM raw.nodes":                                                                                                 nodes,
		"SELECT " + prefixed("link_id") + " FROM raw.links":                                                                                                 links,
		"SELECT count() FROM raw.links WHERE from_node IN (SELECT node_id FROM raw.nodes)":                                                                  links,
		"SELECT " + prefixed("gantry_id") + " FROM raw.stations":                                                                                            stations,
		"SELECT count() FROM raw.stations WHERE link_id IN (SELECT link_id FROM raw.links)":                                                                 stations,
		"SELECT " + prefixed("device_id") + " FROM raw.devices":                                                                                             devices,
		"SELECT count() FROM raw.devices WHERE station_id IN (SELECT station_id FROM raw.stations)":                                                         devices,
		"SELECT uniqExact(road) FROM raw.stations":                                                                                                          2,
		"SELECT countIf(plate_token = 0) FROM raw.readings WHERE plate != '' OR tag != ''":                                                                  0,
		"SELECT countIf(plate_token != 0) FROM raw.readings WHERE plate = '' AND tag = ''":                                                                  0,
		"SELECT count() FROM (SELECT plate_token FROM raw.readings WHERE plate_token != 0 GROUP BY 1 HAVING uniqExact(splitByChar('/', device_id)[1]) > 1)": 0,
	} {
		var got uint64
		if err := conn.QueryRow(t.Context(), q).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", q, got, err, want)
		}
	}
}

func testRoads(t *testing.T) []warehouse.Road {
	t.Helper()
	list, err := planted.Named([]string{"sick-losses", "sick-persons"})
	if err != nil {
		t.Fatal(err)
	}
	list[0].Scenario = append(list[0].Scenario, more[1:]...) // its faults stand last
	var roads []warehouse.Road
	for _, s := range list {
		w, err := s.World(501, nil)
		if err != nil {
			t.Fatal(err)
		}
		roads = append(roads, warehouse.Road{World: w, Prefix: s.Prefix()})
	}
	return roads
}

// emitted is what the devices emit on the days, what of it ingest would
// refuse, and the epochs that were closed with their last positions.
func emitted(t *testing.T, roads []warehouse.Road, days []time.Time) (rows map[epochKey]content, refused uint64, closed map[epochKey]uint64) {
	t.Helper()
	const day = int64(24 * time.Hour / time.Microsecond)
	rows, closed = map[epochKey]content{}, map[epochKey]uint64{}
	for _, road := range roads {
		n := road.World.Network()
		for _, in := range n.Devices {
			d, err := device.New(road.World, in.ID, n.ValidFrom)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range d.Epochs(days[0].UnixMicro(), days[0].UnixMicro()+day*int64(len(days))) {
				k := epochKey{road.Prefix + in.ID, e.ID}
				last := uint64(0)
				for r := range d.Readings(e, 0) {
					last = r.Seq
					if r.ObservedAt > e.Start/day*day+day+day*3/2 {
						refused++
						continue
					}
					c := rows[k]
					c.add(&r)
					rows[k] = c
				}
				if !e.NoEnd {
					closed[k] = last
				}
			}
		}
	}
	return rows, refused, closed
}

func (c *content) add(r *device.Reading) {
	c.readings++
	c.rows++
	c.sum += r.Seq + uint64(r.Lane) + uint64(r.Class) + uint64(r.LengthCM) + uint64(r.OccupiedMS) + uint64(r.HeadwayMS) +
		uint64(r.SpeedTenthKMH) + uint64(r.LimitKMH) + uint64(r.ConfidencePercent) + uint64(r.Plate.Len()) + uint64(r.Tag.Len()) +
		uint64(r.Axles) + uint64(r.Persons) + uint64(r.ChargeCents) + uint64(r.ObservedAt)
}

func query(t *testing.T, conn driver.Conn, q string, take func(driver.Rows) error) {
	t.Helper()
	rows, err := conn.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := take(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
