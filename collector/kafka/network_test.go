package kafka_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const networkYAML = `name: test
zone: "+09:30"
valid_from_us: 1000
stations:
  - station_id: s1
    lanes: 3
    limit_kmh: 100
devices:
  - device_id: s1-counter
    kind: DEVICE_KIND_COUNTER
    station_id: s1
    loop_length_cm: 200
  - device_id: s1-speed
    kind: DEVICE_KIND_SPEED
    station_id: s1
tariffs:
  - station_id: s1
    vehicle_class: VEHICLE_CLASS_CAR
    from_minute: 0
    to_minute: 1440
    charge_cents: 250
world:
  fingerprint: f1
  seed: 7
`

func parse(t *testing.T, edits ...string) *gantryv1.Network {
	t.Helper()
	n, err := kafka.ParseNetwork("test.yaml", []byte(strings.NewReplacer(edits...).Replace(networkYAML)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// roadYAML goes in front of the stations; lines are counted from there.
const roadYAML = `nodes:
  - node_id: n1
    is_zone: true
  - node_id: n2
links:
  - link_id: l1
    kind: ROAD_KIND_MOTORWAY
    road: M1
    direction: north
    length_m: 900
    lanes: 3
    limit_kmh: 100
    from_node: n1
    to_node: n2
    points:
      - {longitude_e7: 10, latitude_e7: 20}
      - {longitude_e7: 11, latitude_e7: 21}
stations:
  - station_id: s1
    link_id: l1
    at_m: 900
`

// TestRoadProblems: the same for nodes, links and where stations stand.
func TestRoadProblems(t *testing.T) {
	road := strings.Replace(networkYAML, "stations:\n  - station_id: s1\n", roadYAML, 1)
	if _, err := kafka.ParseNetwork("test.yaml", []byte(road)); err != nil {
		t.Fatalf("a network with a road: %v", err)
	}
	for name, c := range map[string]struct {
		edit, to, want string
	}{
		"unknown node":        {"to_node: n2", "to_node: n9", `test.yaml:9: link "l1" has to_node "n9", which the file does not have: add the node or correct to_node`},
		"unknown link":        {"link_id: l1\n    at_m", "link_id: l9\n    at_m", `test.yaml:22: station "s1" stands at link "l9", which the file does not have: add the link or correct link_id`},
		"beyond the link":     {"at_m: 900", "at_m: 901", `test.yaml:22: station "s1" has at_m 901, beyond the end of link "l1" at 900`},
		"metres of no link":   {"    link_id: l1\n    at_m", "    at_m", `station "s1" has at_m 900 but no link_id`},
		"to itself":           {"to_node: n2", "to_node: n1", `link "l1" leads from node "n1" to itself`},
		"no end":              {"    to_node: n2\n", "", `link "l1" has no to_node: give it, 1 to 64 bytes`},
		"no kind":             {"    kind: ROAD_KIND_MOTORWAY\n", "", `link "l1" has no kind: give it, 1 to 2`},
		"no length":           {"    length_m: 900\n", "", `link "l1" has no length_m: give it, 1 to 1000000`},
		"node twice":          {"node_id: n2", "node_id: n1", `node "n1" is given twice with the same valid_from_us`},
		"node without a name": {"node_id: n2", "is_zone: true", `test.yaml:7: node "" has no node_id`},
		"one point":           {"      - {longitude_e7: 11, latitude_e7: 21}\n", "", `link "l1" has a single point, which is no line`},
		"point off Earth":     {"latitude_e7: 21", "latitude_e7: 900000001", `test.yaml:20: point 1 of link "l1" is not on Earth`},
		"capacity":            {"limit_kmh: 100\n    from", "capacity_veh_h: 2250\n    from", `unknown field`},
	} {
		_, err := kafka.ParseNetwork("test.yaml", []byte(strings.Replace(road, c.edit, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v\nwant %s", name, err, c.want)
		}
	}
}

// TestNetworkProblems: each mistake is one sentence with file, line and a way
// out.
func TestNetworkProblems(t *testing.T) {
	for name, c := range map[string]struct {
		edits []string
		want  string
	}{
		"unknown station":    {[]string{"    station_id: s1\n    loop", "    station_id: s9\n    loop"}, `test.yaml:9: device "s1-counter" stands at station "s9", which the file does not have: add the station or correct station_id`},
		"duplicate device":   {[]string{"s1-speed", "s1-counter", "DEVICE_KIND_SPEED\n    station_id: s1", "DEVICE_KIND_COUNTER\n    station_id: s1\n    loop_length_cm: 200"}, `test.yaml:13: device "s1-counter" is given twice with the same valid_from_us`},
		"range":              {[]string{"lanes: 3", "lanes: 17"}, `test.yaml:5: station "s1" has lanes of 17: it may be 1 to 16`},
		"missing in range":   {[]string{"    limit_kmh: 100\n", ""}, `test.yaml:5: station "s1" has no limit_kmh: give it, 5 to 200`},
		"no kind":            {[]string{"    kind: DEVICE_KIND_SPEED\n", ""}, `device "s1-speed" has no kind: give it, 1 to 3`},
		"loop of a camera":   {[]string{"DEVICE_KIND_COUNTER", "DEVICE_KIND_TOLL"}, `is no counter but has loop_length_cm 200: leave it out`},
		"zone":               {[]string{"+09:30", "Mars/Olympus"}, `test.yaml:2: zone "Mars/Olympus" is no time zone`},
		"tariff of no class": {[]string{"VEHICLE_CLASS_CAR", "VEHICLE_CLASS_UNSPECIFIED"}, `has vehicle_class VEHICLE_CLASS_UNSPECIFIED`},
		"bad id":             {[]string{"s1-speed", "s1/speed"}, `an identifier has only letters`},
		"no field":           {[]string{"lanes: 3", "lanez: 3"}, `test.yaml:6`},
		"no valid_from":      {[]string{"valid_from_us: 1000\n", ""}, `valid_from_us of the network is missing`},
	} {
		_, err := kafka.ParseNetwork("test.yaml", []byte(strings.NewReplacer(c.edits...).Replace(networkYAML)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v\nwant %s", name, err, c.want)
		}
	}
}

func startView(t *testing.T, broker string) *kafka.NetworkView {
	t.Helper()
	v := kafka.NewNetworkView(kafka.DefaultClientConfig(broker), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-v.Ready():
	case <-time.After(30 * time.Second):
		t.Fatal("the view is not ready")
	}
	return v
}

func await(t *testing.T, v *kafka.NetworkView, want func(*kafka.NetworkSnapshot) bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		changed := v.Changed()
		if want(v.Snapshot()) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("the view stays at %v", v.Snapshot().Network)
		}
	}
}

// checkNetwork applies files one after the other and follows them.
func checkNetwork(t *testing.T, broker string) {
	kafkatest.Client(t, broker)
	view := startView(t, broker) // of an empty topic
	apply := func(n *gantryv1.Network, opts kafka.WriteOptions) (kafka.WriteResult, error) {
		return kafka.WriteNetwork(t.Context(), kafka.DefaultClientConfig(broker), n, opts)
	}
	must := func(n *gantryv1.Network, want kafka.WriteResult) {
		t.Helper()
		got, err := apply(n, kafka.WriteOptions{})
		if err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	}
	must(parse(t), kafka.WriteResult{Written: 6})
	await(t, view, func(s *kafka.NetworkSnapshot) bool {
		d := s.Devices["s1-counter"]
		return len(s.Devices) == 2 && s.Network.Name == "test" && s.World.GetSeed() == 7 && d.Lanes == 3 && d.ValidFromUS == 1000
	})
	must(parse(t), kafka.WriteResult{Unchanged: 6})
	must(parse(t, "valid_from_us: 1000", "valid_from_us: 5000"), kafka.WriteResult{Unchanged: 6})
	must(parse(t, "valid_from_us: 1000", "valid_from_us: 500"), kafka.WriteResult{Written: 5, Unchanged: 1})
	await(t, view, func(s *kafka.NetworkSnapshot) bool { return s.Devices["s1-counter"].ValidFromUS == 500 })

	road := []string{"stations:\n  - station_id: s1\n", roadYAML}
	must(parse(t, road...), kafka.WriteResult{Written: 5, Unchanged: 4}) // two nodes, a link, the station and the header
	await(t, view, func(s *kafka.NetworkSnapshot) bool {
		n := s.Network
		return len(n.Nodes) == 2 && len(n.Links) == 1 && len(n.Links[0].Points) == 2 && n.Links[0].ValidFromUs == 1000 &&
			n.Stations[1].LinkId == "l1" && n.Stations[1].AtM == 900 && s.Devices["s1-counter"].Lanes == 3
	})
	must(parse(t, append(road, "valid_from_us: 1000", "valid_from_us: 5000")...), kafka.WriteResult{Unchanged: 9})

	// Real devices come beside those of the world.
	beside := parse(t, "s1", "r1")
	beside.World = nil
	must(beside, kafka.WriteResult{Written: 5}) // two devices, station, tariff, header
	await(t, view, func(s *kafka.NetworkSnapshot) bool {
		return len(s.Devices) == 4 && s.Devices["r1-counter"] != nil && s.World.GetFingerprint() == "f1"
	})
	beside.Zone = "+05:00"
	if _, err := apply(beside, kafka.WriteOptions{}); err == nil || !strings.Contains(err.Error(), "zone") {
		t.Errorf("another zone: %v, want it refused", err)
	}

	other := parse(t, "fingerprint: f1", "fingerprint: f2", "s1", "t1")
	if _, err := apply(other, kafka.WriteOptions{}); err == nil || !strings.Contains(err.Error(), "--new-world") {
		t.Errorf("another world: %v, want it refused with the way out", err)
	}
	if _, err := apply(other, kafka.WriteOptions{NewWorld: true}); err != nil {
		t.Fatal(err)
	}
	gone := func(s *kafka.NetworkSnapshot) bool {
		return len(s.Devices) == 2 && s.Devices["t1-counter"] != nil && s.World.GetFingerprint() == "f2"
	}
	await(t, view, gone)
	if late := startView(t, broker); !gone(late.Snapshot()) {
		t.Errorf("a view that is ready shows %v", late.Snapshot().Network)
	}
}
