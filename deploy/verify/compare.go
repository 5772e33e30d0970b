package main

import (
	"fmt"
	"strings"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// row is one physical row of raw.readings, as ClickHouse gives it.
type row struct {
	epoch                       uint32
	seq                         uint64
	observedAt                  world.Micros
	kind, lane, class           uint8
	lengthCM                    uint16
	occupiedMS, headwayMS       uint32
	speedTenthKMH               uint16
	limitKMH, confidencePercent uint8
	plate, tag                  string
	tokenHigh, tokenLow         uint64
	keyID, axles, persons       uint8
	chargeCents                 uint32
}

// tokens recomputes the keyed hash of what identifies a vehicle.
type tokens interface {
	token(plate, tag string) (high, low uint64, keyID uint8)
}

// token is a keyed hash of 128 bits.
type token struct{ high, low uint64 }

// purged are the tokens of vehicles that were erased on request.
type purged map[token]bool

// identified is what a row says of whose it is.
type identified struct {
	plate, tag string
	token      token
	keyID      uint8
}

// comparison walks the rows of one device beside what the world says it
// emitted. Rows come ordered by epoch and seq, copies side by side. An expected
// reading is found, rejected, missing or, when all its rows differ, altered.
type comparison struct {
	deviceID string
	// until is T; now is the moment of the look: nothing emitted later can
	// have a row.
	until, now world.Micros
	tokens     tokens
	tokensOnly bool // no row may hold a plate or a tag
	purged     purged
	rejected   map[identity]string
	// predict gives the code with which a reading is to be refused; empty
	// when it is to be accepted.
	predict func(epoch uint32, r *device.Reading) string
	tally   Tally

	// The epoch being walked.
	epoch device.Epoch
	// distinct counts identities that have a row, for the look under FINAL.
	distinct uint64
	last     identity
}

// identity names a reading of one device.
type identity struct {
	epoch uint32
	seq   uint64
}

// cursor gives readings of one epoch in order of seq.
type cursor interface {
	Next() (*device.Reading, bool)
}

// rowSource gives the device's rows in order; ok is false at the end.
type rowSource interface {
	peek() (*row, bool)
	advance()
}

// walkEpoch compares one epoch's rows with its readings. It leaves the rows of
// later epochs alone and returns the last position that it saw emitted.
func (c *comparison) walkEpoch(e device.Epoch, readings cursor, rows rowSource) (last uint64) {
	c.skipBefore(e.ID, rows)
	c.epoch = e
	for {
		r, ok := readings.Next()
		if !ok || r.EmittedAt > c.now {
			break
		}
		last = r.Seq
		c.walkReading(r, rows)
	}
	// What is left of this epoch has no reading.
	for {
		got, ok := rows.peek()
		if !ok || got.epoch != e.ID {
			return last
		}
		c.invented(got)
		rows.advance()
	}
}

// skipBefore counts rows of epochs before id, which the device never had.
func (c *comparison) skipBefore(id uint32, rows rowSource) {
	for {
		got, ok := rows.peek()
		if !ok || got.epoch >= id {
			return
		}
		c.invented(got)
		rows.advance()
	}
}

// rest counts rows of epochs after the last one.
func (c *comparison) rest(rows rowSource) {
	for {
		got, ok := rows.peek()
		if !ok {
			return
		}
		c.invented(got)
		rows.advance()
	}
}

func (c *comparison) walkReading(r *device.Reading, rows rowSource) {
	var good, bad uint64
	for {
		got, ok := rows.peek()
		if !ok || got.epoch != c.epoch.ID || got.seq > r.Seq {
			break
		}
		if got.seq < r.Seq { // 0, or a position the walk has passed
			c.invented(got)
			rows.advance()
			continue
		}
		want, forgotten := c.identified(r)
		if diff := c.differences(r, want, got); diff != "" {
			bad++
			c.tally.Altered++
			c.tally.sample("altered: %s epoch %d seq %d: %s", c.deviceID, c.epoch.ID, r.Seq, diff)
		} else {
			good++
			if forgotten {
				c.tally.Purged++
			}
		}
		rows.advance()
	}
	c.count(r, good, bad)
}

func (c *comparison) count(r *device.Reading, good, bad uint64) {
	if good+bad > 0 {
		c.tally.Copies += good + bad - 1
		c.distinct++
	}
	id := identity{c.epoch.ID, r.Seq}
	code, refused := c.rejected[id]
	want := c.predict(c.epoch.ID, r)
	foreseen := want != "" && refused && code == want
	if foreseen {
		delete(c.rejected, id)
	}
	if want != "" && good > 0 {
		c.tally.Invented += good
		c.tally.sample("invented: %s epoch %d seq %d is in raw though it was to be refused: %s", c.deviceID, id.epoch, id.seq, want)
	}
	if r.EmittedAt > c.until {
		c.tally.Early += good
		return
	}
	c.tally.Expected++
	switch {
	case foreseen:
		c.tally.RejectedExpected++
	case good > 0:
		c.tally.Found++
	case bad > 0: // told as altered already
	default:
		c.tally.Missing++
		c.tally.sample("missing: %s epoch %d seq %d, emitted %s", c.deviceID, id.epoch, id.seq, stamp(r.EmittedAt))
	}
}

func (c *comparison) invented(got *row) {
	c.tally.Invented++
	if id := (identity{got.epoch, got.seq}); id != c.last {
		c.last = id
		c.distinct++
	}
	c.tally.sample("invented: %s epoch %d seq %d, observed %s: the world emits no such reading by now",
		c.deviceID, got.epoch, got.seq, stamp(got.observedAt))
}

// identified gives who the row must say it was: as the device read it, and
// nobody when the vehicle was purged.
func (c *comparison) identified(r *device.Reading) (want identified, forgotten bool) {
	want = identified{plate: r.Plate.String(), tag: r.Tag.String()}
	want.token.high, want.token.low, want.keyID = c.tokens.token(want.plate, want.tag)
	if c.purged[want.token] {
		return identified{}, true
	}
	if c.tokensOnly {
		want.plate, want.tag = "", ""
	}
	return want, false
}

// differences names the fields in which a row is not the reading; empty when
// there is none. It never prints a plate.
func (c *comparison) differences(r *device.Reading, want identified, got *row) string {
	var diffs []string
	num := func(name string, want, have uint64) {
		if want != have {
			diffs = append(diffs, fmt.Sprintf("%s is %d, not %d", name, have, want))
		}
	}
	if r.ObservedAt != got.observedAt {
		diffs = append(diffs, fmt.Sprintf("observed_at is %s, not %s", stamp(got.observedAt), stamp(r.ObservedAt)))
	}
	num("kind", uint64(r.Kind), uint64(got.kind))
	num("lane", uint64(r.Lane), uint64(got.lane))
	num("vehicle_class", uint64(r.Class), uint64(got.class))
	num("length_cm", uint64(r.LengthCM), uint64(got.lengthCM))
	num("occupied_ms", uint64(r.OccupiedMS), uint64(got.occupiedMS))
	num("headway_ms", uint64(r.HeadwayMS), uint64(got.headwayMS))
	num("speed_tenth_kmh", uint64(r.SpeedTenthKMH), uint64(got.speedTenthKMH))
	num("limit_kmh", uint64(r.LimitKMH), uint64(got.limitKMH))
	num("confidence_percent", uint64(r.ConfidencePercent), uint64(got.confidencePercent))
	num("axles", uint64(r.Axles), uint64(got.axles))
	num("persons", uint64(r.Persons), uint64(got.persons))
	num("charge_cents", uint64(r.ChargeCents), uint64(got.chargeCents))
	if want.plate != got.plate {
		diffs = append(diffs, "plate is another")
	}
	if want.tag != got.tag {
		diffs = append(diffs, "tag is another")
	}
	if want.token != (token{got.tokenHigh, got.tokenLow}) || want.keyID != got.keyID {
		diffs = append(diffs, "plate_token is another")
	}
	return strings.Join(diffs, ", ")
}
