package main

import (
	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/uplink"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// worldSource gives the devices of a simulated world to the uplink.
type worldSource struct{ world *world.World }

// Device returns one of the world's devices.
func (s worldSource) Device(id string, validFromUS int64) (uplink.Device, error) {
	d, err := device.New(s.world, id, validFromUS)
	if err != nil {
		return nil, err
	}
	return worldDevice{d}, nil
}

type worldDevice struct{ device *device.Device }

// Epochs returns the device's epochs.
func (d worldDevice) Epochs(fromUS, toUS int64) []uplink.Epoch {
	epochs := d.device.Epochs(fromUS, toUS)
	out := make([]uplink.Epoch, len(epochs))
	for i, e := range epochs {
		out[i] = uplink.Epoch{ID: e.ID, StartUS: e.Start, EndUS: e.End}
	}
	return out
}

// Open returns a cursor over one of them.
func (d worldDevice) Open(e uplink.Epoch, afterSeq uint64) uplink.Cursor {
	return d.device.Open(device.Epoch{ID: e.ID, Start: e.StartUS, End: e.EndUS}, afterSeq)
}
