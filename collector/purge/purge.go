package purge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/platekey"
)

// Config is one request.
type Config struct {
	// ClickHouse reaches the server as a user like collector.
	ClickHouse clickhouse.Config
	// Keys are the keys that tokens were ever made with.
	Keys []platekey.Key
	// Plates and Tags name the vehicle, written in any way.
	Plates, Tags []string
	// Reason and Who go into raw.purges; neither may name the vehicle.
	Reason, Who string
	// Settle is how long inserts that began before the request may take; see
	// sink.Config.PurgeSettle.
	Settle time.Duration
}

// Report counts what was erased.
type Report struct {
	// Readings are rows of raw.readings, copies included.
	Readings uint64
	// Rejects are rows of raw.rejects.
	Rejects uint64
	// Derived are rows of other tables, by name.
	Derived map[string]uint64
}

// maxRounds bounds the looks after the wait: each would have to find new rows.
const maxRounds = 10

// statementTimeout bounds one statement; a mutation of a large table takes
// minutes and says nothing meanwhile.
const statementTimeout = time.Hour

// purger is one run.
type purger struct {
	conn     driver.Conn
	shards   []driver.Conn // to every server that holds readings; conn alone without a cluster
	cfg      Config
	names    [][]byte // normalised plates and tags
	report   Report
	recorded time.Time
}

// Run does all that a request needs. It may run again, at any time and after
// any failure.
func Run(ctx context.Context, cfg Config) (Report, error) {
	p := &purger{cfg: cfg, report: Report{Derived: map[string]uint64{}}}
	if err := p.check(); err != nil {
		return p.report, err
	}
	cfg.ClickHouse.ReadTimeout = statementTimeout
	conn, err := clickhouse.Open(cfg.ClickHouse)
	if err != nil {
		return p.report, err
	}
	defer func() { _ = conn.Close() }() // all that was written was confirmed
	p.conn = conn
	hangUp, err := p.openShards(ctx, cfg.ClickHouse)
	if err != nil {
		return p.report, err
	}
	defer hangUp()
	if err := p.run(ctx); err != nil {
		return p.report, fmt.Errorf("purge: %w; what was erased stays erased: run it again", err)
	}
	return p.report, nil
}

// openShards opens the servers of a cluster; the function closes them.
func (p *purger) openShards(ctx context.Context, cfg clickhouse.Config) (func(), error) {
	if cfg.Layout.Cluster == "" {
		p.shards = []driver.Conn{p.conn}
		return func() {}, nil
	}
	hangUp := func() {
		for _, shard := range p.shards {
			_ = shard.Close() // as above
		}
	}
	configs, err := clickhouse.ShardConfigs(ctx, cfg)
	if err != nil {
		return hangUp, err
	}
	for _, c := range configs {
		shard, err := clickhouse.Open(c)
		if err != nil {
			return hangUp, err
		}
		p.shards = append(p.shards, shard)
	}
	return hangUp, nil
}

// check refuses a request that cannot be carried out or would keep the name
// that it is to erase.
func (p *purger) check() error {
	if len(p.cfg.Keys) == 0 {
		return errors.New("purge: no key of plate tokens: without it the vehicle cannot be found")
	}
	for _, name := range append(append([]string{}, p.cfg.Plates...), p.cfg.Tags...) {
		normal := platekey.Normalised([]byte(name))
		if len(normal) == 0 {
			return errors.New("purge: a plate or tag has no letter and no digit: give it as it is read, such as ABC123")
		}
		for what, text := range map[string]string{"reason": p.cfg.Reason, "name of who asks": p.cfg.Who} {
			if bytes.Contains(platekey.Normalised([]byte(text)), normal) {
				return fmt.Errorf("purge: the %s contains the plate or tag and would keep it: leave it out", what)
			}
		}
		p.names = append(p.names, normal)
	}
	if len(p.names) == 0 {
		return errors.New("purge: neither a plate nor a tag is given")
	}
	if strings.TrimSpace(p.cfg.Reason) == "" || strings.TrimSpace(p.cfg.Who) == "" {
		return errors.New("purge: reason and who must be given: they are the record of why data is missing")
	}
	return nil
}

func (p *purger) run(ctx context.Context) error {
	if err := p.record(ctx); err != nil {
		return err
	}
	if _, err := p.erase(ctx); err != nil {
		return err
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	for range maxRounds {
		found, err := p.erase(ctx)
		if err != nil {
			return err
		}
		if found == 0 {
			return p.underOtherKeys(ctx)
		}
	}
	return fmt.Errorf("%d looks in a row found more: something writes the vehicle anew; stop it (dbt, a sink of an older version)", maxRounds)
}

// tokens are the vehicle's tokens, one per key and name.
func (p *purger) tokens() map[proto.UInt128]uint8 {
	out := map[proto.UInt128]uint8{}
	for _, key := range p.cfg.Keys {
		for _, plate := range p.cfg.Plates {
			out[key.Token(plate, "")] = key.ID()
		}
		for _, tag := range p.cfg.Tags {
			out[key.Token("", tag)] = key.ID()
		}
	}
	return out
}

// record notes the request, a row per token, on each server that is to find the
// rows.
func (p *purger) record(ctx context.Context) error {
	for _, shard := range p.shards {
		if err := p.recordAt(ctx, shard); err != nil {
			return err
		}
	}
	p.recorded = time.Now()
	return nil
}

func (p *purger) recordAt(ctx context.Context, conn driver.Conn) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO raw.purges (plate_token, plate_key_id, reason, who)")
	if err != nil {
		return fmt.Errorf("note the request in raw.purges: %w", err)
	}
	for token, key := range p.tokens() {
		if err := batch.Append(wide(token), key, p.cfg.Reason, p.cfg.Who); err != nil {
			return fmt.Errorf("note the request in raw.purges: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("note the request in raw.purges: %w", err)
	}
	return nil
}

// erase erases everything that is there now, and says how many rows it was.
func (p *purger) erase(ctx context.Context) (uint64, error) {
	var found uint64
	for _, step := range []func(context.Context) (uint64, error){p.readings, p.rejects, p.derived} {
		n, err := step(ctx)
		if err != nil {
			return 0, err
		}
		found += n
	}
	return found, nil
}

// settle waits until all inserts that may not know of the request are over:
// the sinks' by their limits in time, all others, dbt's above all, by looking.
func (p *purger) settle(ctx context.Context) error {
	if err := pause(ctx, p.cfg.Settle); err != nil {
		return err
	}
	for {
		running, err := p.count(ctx, `SELECT count() FROM system.processes
			WHERE user != currentUser() AND query_kind IN ('Insert', 'Create', 'Alter') AND elapsed > ?`, time.Since(p.recorded).Seconds())
		if err != nil {
			return fmt.Errorf("look for statements that began before: %w", err)
		}
		if running == 0 {
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

func (p *purger) count(ctx context.Context, query string, args ...any) (uint64, error) {
	var n uint64
	err := p.conn.QueryRow(ctx, query, args...).Scan(&n)
	return n, err
}
