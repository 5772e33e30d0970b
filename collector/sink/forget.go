package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/kafka"
)

// PurgeSettle is how long after a row of raw.purges an insert may still carry
// the vehicle's plate: the age of the list, one insert, and some room.
func (c Config) PurgeSettle() time.Duration { return c.PurgesEvery + c.InsertTimeout + 5*time.Second }

// purges are the tokens whose plates and tags must not be stored any more.
// Nearly every lookup finds nothing, so a bitmap answers first.
type purges struct {
	tokens map[proto.UInt128]struct{}
	maybe  [1 << 10]uint64 // by the token's low 16 bits
}

func newPurges(tokens []proto.UInt128) *purges {
	p := &purges{tokens: make(map[proto.UInt128]struct{}, len(tokens))}
	for _, t := range tokens {
		p.tokens[t] = struct{}{}
		p.maybe[uint16(t.Low)>>6] |= 1 << (t.Low & 63)
	}
	return p
}

func (p *purges) has(t proto.UInt128) bool {
	if p.maybe[uint16(t.Low)>>6]&(1<<(t.Low&63)) == 0 {
		return false
	}
	_, ok := p.tokens[t]
	return ok
}

// forgetter are rows with personal data. It is done when they leave, not when
// they come: the list is as new as can be, a block that waits out an outage
// meets what was purged meanwhile, and decoding pays nothing.
type forgetter interface {
	// forget empties plate, tag and token of the rows of those vehicles.
	forget(p *purges)
}

// forget erases from the block what was purged.
func (in *inserter) forget(ctx context.Context, b *block) error {
	rows, ok := b.rows.(forgetter)
	if !ok {
		return nil
	}
	if in.purges == nil || time.Since(in.purgesRead) >= in.p.cfg.PurgesEvery {
		begin := time.Now()
		if err := in.readPurges(ctx); err != nil {
			return err
		}
		in.purgesRead = begin
	}
	if len(in.purges.tokens) > 0 {
		rows.forget(in.purges)
	}
	return nil
}

func (in *inserter) readPurges(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, in.p.cfg.InsertTimeout)
	defer cancel()
	if err := in.dial(ctx); err != nil {
		return err
	}
	var column proto.ColUInt128
	var tokens []proto.UInt128
	err := in.conn.Do(ctx, ch.Query{
		Body:   "SELECT DISTINCT plate_token FROM raw.purges",
		Result: proto.Results{{Name: "plate_token", Data: &column}},
		OnResult: func(context.Context, proto.Block) error {
			tokens = append(tokens, column...)
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("read raw.purges: %w", err)
	}
	in.purges = newPurges(tokens)
	return nil
}

// dial connects unless there is a connection.
func (in *inserter) dial(ctx context.Context) error {
	if in.conn != nil && !in.conn.IsClosed() {
		return nil
	}
	conn, err := clickhouse.Dial(ctx, in.p.cfg.ClickHouse)
	if err != nil {
		return err
	}
	in.conn = conn
	return nil
}

func (c *readings) forget(p *purges) {
	for i, t := range c.token {
		if t == (proto.UInt128{}) || !p.has(t) {
			continue
		}
		c.plate.Pos[i], c.tag.Pos[i] = proto.Position{}, proto.Position{}
		c.token[i], c.keyID[i] = proto.UInt128{}, 0
	}
}

// forget empties refused bytes too, as far as they are a reading: who it was
// cannot be read from the others without the plate itself, which collector
// purge has.
func (c *rejects) forget(p *purges) {
	var r kafka.Reading
	for i := range c.seq {
		_ = r.Parse(c.value.RowBytes(i)) // what came before the fault is enough
		if t, _ := c.key.TokenOf(r.Plate, r.Tag, &c.tokenBuf); t != (proto.UInt128{}) && p.has(t) {
			c.value.Pos[i] = proto.Position{}
		}
	}
}
