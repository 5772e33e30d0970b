package sink

import (
	"fmt"
	"testing"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestRows: every field of every kind arrives as it was sent.
func TestRows(t *testing.T) {
	s := newStack(t)
	s.run(t, s.config())
	counter := &gantryv1.Reading{ObservedAtUs: day0 + 1, Lane: 2, Measurement: &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{
		VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_TRUCK, LengthCm: 1650, OccupiedMs: 700_000, HeadwayMs: 90_000_000}}}
	speed := &gantryv1.Reading{ObservedAtUs: day0 + 2, Lane: 1, Measurement: &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{
		SpeedTenthKmh: 1234, LimitKmh: 110, Plate: "S123ABC", ConfidencePercent: 99, VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_CAR}}}
	tagged := &gantryv1.Reading{ObservedAtUs: day0 + 3, Lane: 3, Measurement: &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{
		Identification: &gantryv1.TollReading_Tag{Tag: "T0001"}, VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_BUS, Axles: 3, Persons: 48, ChargeCents: 1_000_000}}}
	plated := &gantryv1.Reading{ObservedAtUs: day0 + 4, Lane: 3, Measurement: &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{
		Identification: &gantryv1.TollReading_Plate{Plate: "s123-abc"}, VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_OTHER, Axles: 2, Persons: 1}}}
	end := &gantryv1.Reading{Measurement: &gantryv1.Reading_EpochEnd{EpochEnd: &gantryv1.EpochEnd{LastSeq: 1}}}
	for i, m := range []*gantryv1.Reading{counter, speed, tagged, plated} {
		device := fmt.Sprintf("d%d", i)
		s.produce(t, kafka.TopicReading, device, withIdentity(t, m, device, 7, 1<<40), withIdentity(t, end, device, 7, 2))
	}
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	low, _ := testKey.TokenOf([]byte("S123ABC"), nil, new([]byte))
	for query, want := range map[string]uint64{
		"SELECT count() FROM raw.readings": 4,
		"SELECT count() FROM raw.epoch_ends WHERE last_seq = 1 AND epoch = 7 AND kafka_topic = '" + kafka.TopicReading + "'":                                                                                                                             4,
		"SELECT count() FROM raw.readings WHERE seq = 1099511627776 AND epoch = 7 AND received_at > now() - 600 AND received_at < now() + 600":                                                                                                           4,
		"SELECT count() FROM raw.readings WHERE device_id='d0' AND kind='counter' AND vehicle_class='truck' AND length_cm=1650 AND occupied_ms=700000 AND headway_ms=90000000 AND lane=2 AND plate_token=0 AND plate_key_id=0":                           1,
		"SELECT count() FROM raw.readings WHERE device_id='d1' AND kind='speed' AND speed_tenth_kmh=1234 AND limit_kmh=110 AND plate='S123ABC' AND confidence_percent=99 AND vehicle_class='car'":                                                        1,
		"SELECT count() FROM raw.readings WHERE device_id='d2' AND kind='toll' AND tag='T0001' AND plate='' AND axles=3 AND persons=48 AND charge_cents=1000000 AND plate_token NOT IN (0, (SELECT plate_token FROM raw.readings WHERE device_id='d1'))": 1,
		"SELECT uniqExact(plate_token, plate_key_id) FROM raw.readings WHERE device_id IN ('d1', 'd3')":                                                                                                                                                  1,
		"SELECT toUnixTimestamp64Micro(max(observed_at)) FROM raw.readings":                                                                                                                                                                              uint64(day0 + 4),
		fmt.Sprintf("SELECT count() FROM raw.readings WHERE bitAnd(plate_token, 18446744073709551615) = %d AND plate_key_id = %d", low.Low, testKey.ID()):                                                                                                2,
	} {
		query = "SELECT toUInt64((" + query + "))"
		if got := s.ch.Count(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// TestPoison: what cannot be a row is a dead letter and a reject, and its
// neighbours in the batch arrive.
func TestPoison(t *testing.T) {
	s := newStack(t)
	reg, _ := s.run(t, s.config())
	good := readingsOf(t, "a", 0, 1, 6)
	values := [][]byte{
		good[0], []byte("garbage"), good[1], nil, good[2],
		append(kafka.AppendIdentity(nil, []byte("a"), 1, 99), bigVarint(5)...), good[3],
		append(append([]byte{}, good[4]...), bigVarint(15)...),
		readingsOf(t, "a", -30_000, 1, 1)[0], good[4], good[5],
	}
	s.produce(t, kafka.TopicReading, "a", values...)
	s.produce(t, kafka.TopicDeadLetter, "x", []byte{0xff})
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	s.awaitCommitted(t, kafka.GroupSinkReject, kafka.TopicDeadLetter)
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings"); n != 6 {
		t.Errorf("%d readings, want 6", n)
	}
	for where, want := range map[string]uint64{
		"1": 6,
		"source_topic = '" + kafka.TopicReading + "' AND source_offset IN (1, 3, 5, 7, 8)":                                       5,
		"code = 'REJECT_CODE_MALFORMED' AND value = 'garbage' AND source_offset = 1":                                             1,
		"code = 'REJECT_CODE_IMPOSSIBLE_FIELD' AND field = 'measurement' AND device_id = 'a' AND seq = 99 AND source_offset = 5": 1,
		"code = 'REJECT_CODE_MALFORMED' AND source_topic = '" + kafka.TopicDeadLetter + "' AND value = unhex('FF')":              1,
		"field = 'observed_at_us' AND source_offset = 8":                                                                         1,
	} {
		if n := s.ch.Count(t, "SELECT count() FROM raw.rejects WHERE "+where); n != want {
			t.Errorf("%d rejects where %s, want %d", n, where, want)
		}
	}
	if n := counted(t, reg, "gantry_sink_poison_records_total"); n != 5 {
		t.Errorf("%g poison records counted, want 5", n)
	}
}

// TestDays: readings of many more days than ClickHouse takes in one insert.
func TestDays(t *testing.T) {
	s := newStack(t)
	var values [][]byte
	for round := range 2 {
		for day := range int64(250) {
			values = append(values, readingsOf(t, "a", day, uint64(round+1), uint64(round+1))...)
		}
	}
	s.produce(t, kafka.TopicBackfill, "a", values...)
	s.run(t, s.config())
	s.awaitCommitted(t, kafka.GroupSinkBackfill, kafka.TopicBackfill)
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings"); n != 500 {
		t.Errorf("%d rows, want 500 and no copies", n)
	}
	if n := s.ch.Count(t, "SELECT uniqExact(epoch, seq) FROM raw.readings"); n != 500 {
		t.Errorf("%d different readings, want 500", n)
	}
}

// TestManyDevices: more devices than a block's dictionary has room for.
func TestManyDevices(t *testing.T) {
	const devices = 70_000
	s := newStack(t)
	records := make([][]byte, devices)
	for i := range records {
		records[i] = readingsOf(t, fmt.Sprintf("device-%d", i), 0, 1, 1)[0]
	}
	s.produce(t, kafka.TopicBackfill, "all", records...)
	s.run(t, s.config())
	s.awaitCommitted(t, kafka.GroupSinkBackfill, kafka.TopicBackfill)
	if n := s.ch.Count(t, "SELECT uniqExact(device_id) FROM raw.readings"); n != devices {
		t.Errorf("%d devices, want %d", n, devices)
	}
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings"); n != devices {
		t.Errorf("%d rows, want %d", n, devices)
	}
}

// TestDuplicates: copies stay in raw and collapse under FINAL.
func TestDuplicates(t *testing.T) {
	s := newStack(t)
	s.keepCopies(t)
	s.run(t, s.config())
	for range 3 {
		s.produce(t, kafka.TopicReading, "a", readingsOf(t, "a", 0, 1, 100)...)
		s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	}
	// The engine must not drop whole blocks that look the same.
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings"); n != 300 {
		t.Errorf("%d rows, want 300", n)
	}
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings FINAL"); n != 100 {
		t.Errorf("%d rows under FINAL, want 100", n)
	}
}

// TestNetwork: what ingest reads from the network topic stands in raw too,
// without the world.
func TestNetwork(t *testing.T) {
	s := newStack(t)
	s.run(t, s.config())
	n := &gantryv1.Network{
		Name: "n", Zone: "+09:30", ValidFromUs: day0,
		Nodes: []*gantryv1.Node{{NodeId: "a", IsZone: true, LongitudeE7: 1385000000, LatitudeE7: -348000000}, {NodeId: "b"}},
		Links: []*gantryv1.Link{
			{
				LinkId: "l1", Kind: gantryv1.RoadKind_ROAD_KIND_MOTORWAY, Road: "M1", Direction: "north", OffsetM: 700, LengthM: 900, Lanes: 3, LimitKmh: 110,
				FromNode: "a", ToNode: "b", Points: []*gantryv1.Point{{LongitudeE7: 1385000000, LatitudeE7: -348000000}, {LongitudeE7: 1387000001, LatitudeE7: -350000000}},
			},
			{LinkId: "l2", Kind: gantryv1.RoadKind_ROAD_KIND_RAMP, Road: "M1", Direction: "north", LengthM: 300, Lanes: 1, LimitKmh: 60, FromNode: "b", ToNode: "a"},
		},
		Stations: []*gantryv1.Station{{
			StationId: "s1", GantryId: "g1", Road: "M1", Direction: "north", OffsetM: 1200, Lanes: 3, LimitKmh: 110, LongitudeE7: 1386000000, LatitudeE7: -349000000,
			LinkId: "l1", AtM: 500,
		}},
		Devices: []*gantryv1.Device{{DeviceId: "d1", Kind: gantryv1.DeviceKind_DEVICE_KIND_COUNTER, StationId: "s1", LoopLengthCm: 200}},
		Tariffs: []*gantryv1.Tariff{{StationId: "s1", VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_BUS, FromMinute: 360, ToMinute: 600, ChargeCents: 250}},
		World:   &gantryv1.World{Fingerprint: "f", NetworkYaml: "secret", ScenarioYaml: "secret"},
	}
	if problems := kafka.CheckNetwork(n); problems != nil {
		t.Fatal(problems)
	}
	if _, err := kafka.WriteNetwork(t.Context(), kafka.DefaultClientConfig(s.broker), n, kafka.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitCommitted(t, kafka.GroupSinkNetwork, kafka.TopicNetwork)
	for query, want := range map[string]uint64{
		"SELECT count() FROM raw.networks WHERE name = 'n' AND zone = '+09:30'": 1,
		"SELECT count() FROM raw.stations WHERE station_id = 's1' AND gantry_id = 'g1' AND lanes = 3 AND limit_kmh = 110 AND offset_m = 1200 AND longitude = 138.6 AND latitude = -34.9 AND direction = 'north'":                                                                            1,
		"SELECT count() FROM raw.stations WHERE station_id = 's1' AND link_id = 'l1' AND at_m = 500":                                                                                                                                                                                        1,
		"SELECT count() FROM raw.nodes WHERE node_id = 'a' AND is_zone AND longitude = 138.5 AND latitude = -34.8 AND toUnixTimestamp64Micro(valid_from) > 0":                                                                                                                               1,
		"SELECT count() FROM raw.nodes WHERE node_id = 'b' AND NOT is_zone":                                                                                                                                                                                                                 1,
		"SELECT count() FROM raw.links WHERE link_id = 'l1' AND kind = 'motorway' AND road = 'M1' AND direction = 'north' AND offset_m = 700 AND length_m = 900 AND lanes = 3 AND limit_kmh = 110 AND from_node = 'a' AND to_node = 'b' AND points = [(138.5, -34.8), (138.7000001, -35.)]": 1,
		"SELECT count() FROM raw.links WHERE link_id = 'l2' AND kind = 'ramp' AND empty(points)":                                                                                                                                                                                            1,
		"SELECT count() FROM raw.devices WHERE device_id = 'd1' AND kind = 'counter' AND station_id = 's1' AND loop_length_cm = 200 AND toUnixTimestamp64Micro(valid_from) > 0":                                                                                                             1,
		"SELECT count() FROM raw.tariffs WHERE station_id = 's1' AND vehicle_class = 'bus' AND from_minute = 360 AND to_minute = 600 AND charge_cents = 250":                                                                                                                                1,
	} {
		if got := s.ch.Count(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}
