package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// columns are the columns of raw.readings that are compared, in the order of
// the query.
type columns struct {
	epoch         proto.ColUInt32
	seq           proto.ColUInt64
	observedAt    proto.ColInt64
	kind          proto.ColInt8
	lane          proto.ColUInt8
	class         proto.ColInt8
	lengthCM      proto.ColUInt16
	occupiedMS    proto.ColUInt32
	headwayMS     proto.ColUInt32
	speedTenthKMH proto.ColUInt16
	limitKMH      proto.ColUInt8
	confidence    proto.ColUInt8
	plate, tag    proto.ColStr
	token         proto.ColUInt128
	keyID         proto.ColUInt8
	axles         proto.ColUInt8
	persons       proto.ColUInt8
	chargeCents   proto.ColUInt32
}

// selectRows reads every physical row of a device, copies included.
const selectRows = `
SELECT epoch, seq, toUnixTimestamp64Micro(observed_at) AS observed_at_us, toInt8(kind) AS kind_number, lane,
       toInt8(vehicle_class) AS class_number, length_cm, occupied_ms, headway_ms, speed_tenth_kmh, limit_kmh,
       confidence_percent, plate, tag, plate_token, plate_key_id, axles, persons, charge_cents
FROM raw.readings
WHERE device_id = {device:String}
ORDER BY epoch, seq
SETTINGS max_threads = 1, max_bytes_before_external_sort = 1000000000`

func (c *columns) results() proto.Results {
	return proto.Results{
		{Name: "epoch", Data: &c.epoch},
		{Name: "seq", Data: &c.seq},
		{Name: "observed_at_us", Data: &c.observedAt},
		{Name: "kind_number", Data: &c.kind},
		{Name: "lane", Data: &c.lane},
		{Name: "class_number", Data: &c.class},
		{Name: "length_cm", Data: &c.lengthCM},
		{Name: "occupied_ms", Data: &c.occupiedMS},
		{Name: "headway_ms", Data: &c.headwayMS},
		{Name: "speed_tenth_kmh", Data: &c.speedTenthKMH},
		{Name: "limit_kmh", Data: &c.limitKMH},
		{Name: "confidence_percent", Data: &c.confidence},
		{Name: "plate", Data: &c.plate},
		{Name: "tag", Data: &c.tag},
		{Name: "plate_token", Data: &c.token},
		{Name: "plate_key_id", Data: &c.keyID},
		{Name: "axles", Data: &c.axles},
		{Name: "persons", Data: &c.persons},
		{Name: "charge_cents", Data: &c.chargeCents},
	}
}

func (c *columns) row(i int) row {
	return row{
		epoch:             c.epoch[i],
		seq:               c.seq[i],
		observedAt:        c.observedAt[i],
		kind:              uint8(c.kind[i]),
		lane:              c.lane[i],
		class:             uint8(c.class[i]),
		lengthCM:          c.lengthCM[i],
		occupiedMS:        c.occupiedMS[i],
		headwayMS:         c.headwayMS[i],
		speedTenthKMH:     c.speedTenthKMH[i],
		limitKMH:          c.limitKMH[i],
		confidencePercent: c.confidence[i],
		plate:             c.plate.Row(i),
		tag:               c.tag.Row(i),
		tokenHigh:         c.token[i].High,
		tokenLow:          c.token[i].Low,
		keyID:             c.keyID[i],
		axles:             c.axles[i],
		persons:           c.persons[i],
		chargeCents:       c.chargeCents[i],
	}
}

// errStopped ends a query whose reader has gone.
var errStopped = errors.New("no longer read")

// rowStream turns ClickHouse's pushed blocks into rows to pull. At most two
// blocks are in memory.
type rowStream struct {
	blocks chan []row
	block  []row
	next   int
	done   chan error
}

// streamRows starts reading the device's rows on a connection of its own.
func streamRows(ctx context.Context, client *ch.Client, deviceID string) *rowStream {
	s := &rowStream{blocks: make(chan []row), done: make(chan error, 1)}
	go func() {
		defer close(s.blocks)
		var cols columns
		s.done <- client.Do(ctx, ch.Query{
			Body:       selectRows,
			Parameters: ch.Parameters(map[string]any{"device": deviceID}),
			Result:     cols.results(),
			OnResult: func(ctx context.Context, block proto.Block) error {
				rows := make([]row, block.Rows)
				for i := range rows {
					rows[i] = cols.row(i)
				}
				select {
				case s.blocks <- rows:
					return nil
				case <-ctx.Done():
					return errStopped
				}
			},
		})
	}()
	return s
}

func (s *rowStream) peek() (*row, bool) {
	for s.next == len(s.block) {
		block, ok := <-s.blocks
		if !ok {
			return nil, false
		}
		s.block, s.next = block, 0
	}
	return &s.block[s.next], true
}

func (s *rowStream) advance() { s.next++ }

// close waits for the query's end. It must be called after the last row.
func (s *rowStream) close() error {
	if err := <-s.done; err != nil {
		return fmt.Errorf("read raw.readings: %w", err)
	}
	return nil
}

// readPurges reads whose plates were erased on request. It is read before the
// readings: a purge meanwhile looks like an alteration, and is none the next
// time.
func (v *verification) readPurges(ctx context.Context) (purged, error) {
	client, err := v.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }() // nothing was written
	out := purged{}
	var tokens proto.ColUInt128
	err = client.Do(ctx, ch.Query{
		Body:   "SELECT DISTINCT plate_token FROM raw.purges",
		Result: proto.Results{{Name: "plate_token", Data: &tokens}},
		OnResult: func(context.Context, proto.Block) error {
			for _, t := range tokens {
				out[token{t.High, t.Low}] = true
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("read raw.purges: %w", err)
	}
	return out, nil
}
