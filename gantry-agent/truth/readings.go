package truth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// ReadingsCmd is `gantry-agent world readings`.
type ReadingsCmd struct {
	Where
	Tape
	Span
}

// Run prints what is emitted.
func (c *ReadingsCmd) Run(k *kong.Context, ctx context.Context) error { //nolint:revive // kong hands arguments out by type
	c.notes = k.Stderr
	return toOutput(stoppable{ctx, k.Stdout}, c.write)
}

// line is a reading as printed. Fields of other kinds are left out.
type line struct {
	DeviceID          string  `json:"device_id"`
	Epoch             uint32  `json:"epoch"`
	Seq               uint64  `json:"seq"`
	EmittedAt         string  `json:"emitted_at"`
	ObservedAt        string  `json:"observed_at"`
	Kind              string  `json:"kind"`
	Lane              uint8   `json:"lane"`
	VehicleClass      string  `json:"vehicle_class"`
	LengthCM          uint16  `json:"length_cm,omitempty"`
	OccupiedMS        uint32  `json:"occupied_ms,omitempty"`
	HeadwayMS         *uint32 `json:"headway_ms,omitempty"`
	SpeedTenthKMH     uint16  `json:"speed_tenth_kmh,omitempty"`
	LimitKMH          uint8   `json:"limit_kmh,omitempty"`
	ConfidencePercent *uint8  `json:"confidence_percent,omitempty"`
	Plate             string  `json:"plate,omitempty"`
	Tag               string  `json:"tag,omitempty"`
	Axles             uint8   `json:"axles,omitempty"`
	Persons           uint8   `json:"persons,omitempty"`
	ChargeCents       *uint32 `json:"charge_cents,omitempty"`
}

// emission is a reading with its epoch.
type emission struct {
	epoch   uint32
	reading device.Reading
}

func (c *ReadingsCmd) write(out io.Writer) error {
	from, to, err := c.bounds()
	if err != nil {
		return err
	}
	w, err := c.play(&c.Where)
	if err != nil {
		return err
	}
	devices, err := c.devices(w.Network())
	if err != nil {
		return err
	}
	if to <= w.Network().ValidFrom/dayMicros*dayMicros {
		return fmt.Errorf("--to is before the devices' lives begin (valid_from %s)", time.UnixMicro(w.Network().ValidFrom).UTC().Format(time.RFC3339))
	}
	var sources []func() (emission, world.Micros, bool)
	for _, in := range devices {
		d, err := device.New(w, in.ID, w.Network().ValidFrom)
		if err != nil {
			return err
		}
		sources = append(sources, emissions(d, from, to))
	}
	enc := json.NewEncoder(out)
	return merge(sources, func(i int, e emission) error {
		l := format(devices[i].ID, &e)
		if err := enc.Encode(l); err != nil || !e.reading.Twice {
			return err
		}
		return enc.Encode(l) // a device with a fault emits it again at once
	})
}

// dayMicros is a UTC day.
const dayMicros world.Micros = 24 * 3600 * 1_000_000

// emissions is what a device emits in [from, to), epoch after epoch.
func emissions(d *device.Device, from, to world.Micros) func() (emission, world.Micros, bool) {
	epochs := d.Epochs(from, to)
	var cursor *device.Cursor
	return func() (emission, world.Micros, bool) {
		for {
			if cursor == nil {
				if len(epochs) == 0 {
					return emission{}, 0, false
				}
				cursor = d.Open(epochs[0], 0)
			}
			r, ok := cursor.Next()
			switch {
			case !ok:
				cursor, epochs = nil, epochs[1:]
			case r.EmittedAt >= to:
				return emission{}, 0, false
			case r.EmittedAt >= from:
				return emission{epochs[0].ID, *r}, r.EmittedAt, true
			}
		}
	}
}

func format(deviceID string, e *emission) *line {
	r := &e.reading
	l := &line{
		DeviceID: deviceID, Epoch: e.epoch, Seq: r.Seq, Kind: r.Kind.String(), Lane: r.Lane,
		EmittedAt:    time.UnixMicro(r.EmittedAt).UTC().Format(timeFormat),
		ObservedAt:   time.UnixMicro(r.ObservedAt).UTC().Format(timeFormat),
		VehicleClass: world.Class(r.Class).String(), LengthCM: r.LengthCM, OccupiedMS: r.OccupiedMS,
		SpeedTenthKMH: r.SpeedTenthKMH, LimitKMH: r.LimitKMH, Plate: r.Plate.String(), Tag: r.Tag.String(),
		Axles: r.Axles, Persons: r.Persons,
	}
	switch r.Kind {
	case device.Counter:
		l.HeadwayMS = &r.HeadwayMS
	case device.Speed:
		l.ConfidencePercent = &r.ConfidencePercent
	case device.Toll:
		l.ChargeCents = &r.ChargeCents
	}
	return l
}
