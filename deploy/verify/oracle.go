package main

import (
	"fmt"
	"os"

	"buf.build/go/protoyaml"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/recorded"
	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// oracle is the world that the network's devices live in, and when each of
// them began.
type oracle struct {
	world       *world.World
	fingerprint string
	from        world.Micros
	devices     []oracleDevice
	recording   *recorded.Report // nil when the world is simulated
}

// oracleDevice is a device with what the world and the network say of it.
type oracleDevice struct {
	id        string
	validFrom world.Micros
	kind      gantryv1.DeviceKind
	lanes     uint32
}

// loadOracle builds the world from the file that the collectors were given, and
// from the recording that it replays, if it replays one.
func loadOracle(path, recording string) (*oracle, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the network: %w", err)
	}
	var network gantryv1.Network
	if err := (protoyaml.UnmarshalOptions{Path: path}).Unmarshal(data, &network); err != nil {
		return nil, fmt.Errorf("%s is no network file: %w", path, err)
	}
	return newOracle(&network, recording)
}

func newOracle(network *gantryv1.Network, recording string) (*oracle, error) {
	spec := network.GetWorld()
	if spec == nil {
		return nil, fmt.Errorf("network %s has no world: what real devices emitted cannot be recomputed", network.GetName())
	}
	w, report, err := recorded.Make(world.Spec{
		NetworkYAML:  []byte(spec.GetNetworkYaml()),
		ScenarioYAML: []byte(spec.GetScenarioYaml()),
		Seed:         spec.GetSeed(),
	}, recording)
	if err != nil {
		return nil, fmt.Errorf("build the world: %w", err)
	}
	if got := w.Fingerprint(); got != spec.GetFingerprint() {
		return nil, fmt.Errorf("this program makes world %s of what made %s elsewhere: use the version that made the network file",
			got, spec.GetFingerprint())
	}
	o := &oracle{world: w, fingerprint: w.Fingerprint(), recording: report}
	lanes := map[string]uint32{}
	for _, s := range network.GetStations() {
		lanes[s.GetStationId()] = s.GetLanes()
	}
	seen := map[string]int{}
	for _, d := range network.GetDevices() {
		from := d.GetValidFromUs()
		if from == 0 {
			from = network.GetValidFromUs()
		}
		if i, ok := seen[d.GetDeviceId()]; ok { // a later entry of the same device
			o.devices[i].validFrom = min(o.devices[i].validFrom, from)
			continue
		}
		seen[d.GetDeviceId()] = len(o.devices)
		o.devices = append(o.devices, oracleDevice{d.GetDeviceId(), from, d.GetKind(), lanes[d.GetStationId()]})
		if o.from == 0 || from < o.from {
			o.from = from
		}
	}
	return o, nil
}

// epochs gives a device and what it began before now, oldest first.
func (o *oracle) epochs(d *oracleDevice, now world.Micros) (*device.Device, []device.Epoch, error) {
	dev, err := device.New(o.world, d.id, d.validFrom)
	if err != nil {
		return nil, nil, fmt.Errorf("device %s: %w", d.id, err)
	}
	return dev, dev.Epochs(d.validFrom, now), nil
}
