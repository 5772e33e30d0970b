package purge

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
)

// purged holds for a row of any vehicle that was ever purged.
const purged = "IN (SELECT plate_token FROM raw.purges)"

// readings empties plate, tag and token where they stand, in copies too.
func (p *purger) readings(ctx context.Context) (uint64, error) {
	n, err := p.count(ctx, "SELECT count() FROM raw.readings WHERE plate_token "+purged)
	if err != nil {
		return 0, fmt.Errorf("look into raw.readings: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	// A constant, for every part must say the same; ClickHouse's own clock, for
	// dbt compares it with others of that clock.
	now, err := p.count(ctx, "SELECT toUInt64(toUnixTimestamp(now()))")
	if err != nil {
		return 0, fmt.Errorf("ask ClickHouse for the time: %w", err)
	}
	for _, shard := range p.shards {
		err = shard.Exec(ctx, fmt.Sprintf(`ALTER TABLE %s
			UPDATE plate = '', tag = '', plate_token = 0, plate_key_id = 0, inserted_at = toDateTime(%d, 'UTC')
			WHERE plate_token %s SETTINGS mutations_sync = 1`, p.cfg.ClickHouse.Layout.ReadingsTable(), now, purged))
		if err != nil {
			return 0, fmt.Errorf("erase from raw.readings: %w", err)
		}
	}
	p.report.Readings += n
	return n, nil
}

// rejectKey names a row of raw.rejects by its sorting key.
type rejectKey struct {
	device      string
	epoch       uint32
	seq         uint64
	code, topic string
	partition   int32
	offset      int64
}

// literal is the key as a tuple of SQL. Its strings may hold any bytes.
func (k rejectKey) literal() string {
	text := func(s string) string { return "unhex('" + hex.EncodeToString([]byte(s)) + "')" }
	return fmt.Sprintf("(%s, %d, %d, %s, %s, %d, %d)", text(k.device), k.epoch, k.seq, text(k.code), text(k.topic), k.partition, k.offset)
}

// rejectsAtOnce bounds the length of a statement.
const rejectsAtOnce = 500

// rejects empties the bytes of refused readings of the vehicle.
func (p *purger) rejects(ctx context.Context) (uint64, error) {
	found, err := p.findRejects(ctx)
	if err != nil {
		return 0, fmt.Errorf("look into raw.rejects: %w", err)
	}
	for keys := range slices.Chunk(found, rejectsAtOnce) {
		var list []string
		for _, k := range keys {
			list = append(list, k.literal())
		}
		err := p.conn.Exec(ctx, `ALTER TABLE raw.rejects UPDATE value = ''
			WHERE (device_id, epoch, seq, code, source_topic, source_partition, source_offset) IN (`+strings.Join(list, ", ")+`)
			SETTINGS mutations_sync = 1`)
		if err != nil {
			return 0, fmt.Errorf("erase from raw.rejects: %w", err)
		}
	}
	p.report.Rejects += uint64(len(found))
	return uint64(len(found)), nil
}

func (p *purger) findRejects(ctx context.Context) ([]rejectKey, error) {
	rows, err := p.conn.Query(ctx, `SELECT device_id, epoch, seq, CAST(code, 'String'), CAST(source_topic, 'String'), source_partition, source_offset, value
		FROM raw.rejects WHERE value != ''`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is Err's
	var found []rejectKey
	var value string
	for rows.Next() {
		var k rejectKey
		if err := rows.Scan(&k.device, &k.epoch, &k.seq, &k.code, &k.topic, &k.partition, &k.offset, &value); err != nil {
			return nil, err
		}
		if p.named([]byte(value)) {
			found = append(found, k)
		}
	}
	return found, rows.Err()
}

// named says whether refused bytes name the vehicle. Where they are no
// reading, any place will do: rather too much is erased.
func (p *purger) named(value []byte) bool {
	var r kafka.Reading
	if err := r.Parse(value); err != nil {
		all := platekey.Normalised(value)
		return slices.ContainsFunc(p.names, func(name []byte) bool { return bytes.Contains(all, name) })
	}
	return slices.ContainsFunc(p.names, func(name []byte) bool {
		return bytes.Equal(platekey.Normalised(r.Plate), name) || bytes.Equal(platekey.Normalised(r.Tag), name)
	})
}

// underOtherKeys fails when readings hold the plate or tag under a token that
// the keys did not give.
func (p *purger) underOtherKeys(ctx context.Context) error {
	const normal = "upper(replaceRegexpAll(%s, '[^0-9A-Za-z]', ''))"
	// Parameters and no log, so that the names stay out of system tables.
	parameters := chgo.Parameters{}
	var list []string
	for i, name := range p.names {
		parameters[fmt.Sprintf("name%d", i)] = string(name)
		list = append(list, fmt.Sprintf("{name%d:String}", i))
	}
	ctx = chgo.Context(ctx, chgo.WithParameters(parameters), chgo.WithSettings(chgo.Settings{"log_queries": 0}))
	in := " IN (" + strings.Join(list, ", ") + ")"
	n, err := p.count(ctx, "SELECT count() FROM raw.readings WHERE (plate != '' AND "+fmt.Sprintf(normal, "plate")+in+
		") OR (tag != '' AND "+fmt.Sprintf(normal, "tag")+in+")")
	if err != nil {
		return fmt.Errorf("look for the name itself in raw.readings: %w", err)
	}
	if n > 0 {
		return fmt.Errorf("%d readings hold the plate or tag under the token of another key: give that key's file too", n)
	}
	return nil
}

// wide is the token as the driver takes a UInt128.
func wide(t proto.UInt128) *big.Int {
	n := new(big.Int).Lsh(new(big.Int).SetUint64(t.High), 64)
	return n.Or(n, new(big.Int).SetUint64(t.Low))
}
