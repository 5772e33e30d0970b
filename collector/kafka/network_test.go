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
