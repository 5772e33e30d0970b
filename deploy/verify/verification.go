package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/gantry-agent/device"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// maxRejects bounds what is read of raw.rejects into memory.
const maxRejects = 5_000_000

// verification is one comparison of a world with a ClickHouse.
type verification struct {
	cfg    *Config
	oracle *oracle
	until  world.Micros
	dial   ch.Options
	tokens tokens
	purged purged
	ranges ranges
	now    func() time.Time
}

func newVerification(cfg *Config, o *oracle, until world.Micros) (*verification, error) {
	password, err := secret(cfg.ClickhousePasswordFile)
	if err != nil {
		return nil, err
	}
	key, err := loadKey(cfg.PlateKeyFile)
	if err != nil {
		return nil, err
	}
	return &verification{
		cfg:    cfg,
		oracle: o,
		until:  until,
		tokens: key,
		ranges: readRanges(),
		now:    time.Now,
		dial: ch.Options{
			Address:     cfg.ClickhouseAddr,
			User:        cfg.ClickhouseUser,
			Password:    password,
			Compression: ch.CompressionDisabled,
			ReadTimeout: 5 * time.Minute, // a sort of a device's rows may take its time before the first block
		},
	}, nil
}

func (v *verification) connect(ctx context.Context) (*ch.Client, error) {
	client, err := ch.Dial(ctx, v.dial)
	if err != nil {
		return nil, fmt.Errorf("connect to ClickHouse at %s as %s (is it running?): %w", v.dial.Address, v.dial.User, err)
	}
	return client, nil
}

func (v *verification) run(ctx context.Context) (*Tally, error) {
	total := &Tally{}
	ends, rejects, err := v.readEndsAndRejects(ctx)
	if err != nil {
		return nil, err
	}
	if v.purged, err = v.readPurges(ctx); err != nil {
		return nil, err
	}
	tallies := make([]*Tally, len(v.oracle.devices))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, v.cfg.Parallel))
	known := map[string]bool{}
	for i := range v.oracle.devices {
		d := &v.oracle.devices[i]
		known[d.id] = true
		group.Go(func() error {
			t, err := v.device(groupCtx, d, ends[d.id], rejects[d.id])
			if err != nil {
				return fmt.Errorf("device %s: %w", d.id, err)
			}
			tallies[i] = t
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, t := range tallies {
		total.Add(t)
	}
	return total, v.strangers(ctx, known, ends, rejects, total)
}

// device compares one device: every physical row, then the look under FINAL,
// then the ends of its epochs.
func (v *verification) device(ctx context.Context, d *oracleDevice, ends map[uint32][]uint64, rejected map[identity]string) (*Tally, error) {
	client, err := v.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }() // nothing was written
	now := max(v.now().Add(v.cfg.Ahead).UnixMicro(), v.until)
	dev, epochs, err := v.oracle.epochs(d, now)
	if err != nil {
		return nil, err
	}
	check := &predictor{ranges: v.ranges, kind: d.kind, lanes: d.lanes, validFromUS: d.validFrom}
	c := &comparison{
		deviceID: d.id, until: v.until, now: now, tokens: v.tokens, tokensOnly: v.cfg.TokensOnly, purged: v.purged, rejected: rejected,
		predict: check.predict,
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows := streamRows(ctx, client, d.id)
	for _, e := range epochs {
		last := c.walkEpoch(e, dev.Open(e, 0), rows)
		switch {
		case e.NoEnd: // an end that is there nevertheless is left over
		case e.End <= v.until:
			c.walkEnd(e, last, ends[e.ID])
			delete(ends, e.ID)
		case e.End <= now: // may have ended
			delete(ends, e.ID)
		}
	}
	c.rest(rows)
	c.endsLeft(ends)
	if err := rows.close(); err != nil {
		return nil, err
	}
	return &c.tally, c.underFinal(ctx, client)
}

// underFinal counts identities that stand more than once under FINAL, and
// identities that FINAL hides.
func (c *comparison) underFinal(ctx context.Context, client *ch.Client) error {
	var rows, distinct proto.ColUInt64
	err := client.Do(ctx, ch.Query{
		Body:       "SELECT count() AS rows, uniqExact(epoch, seq) AS distinct_rows FROM raw.readings FINAL WHERE device_id = {device:String}",
		Parameters: ch.Parameters(map[string]any{"device": c.deviceID}),
		Result:     proto.Results{{Name: "rows", Data: &rows}, {Name: "distinct_rows", Data: &distinct}},
	})
	if err != nil {
		return fmt.Errorf("read raw.readings under FINAL: %w", err)
	}
	if rows[0] > distinct[0] {
		c.tally.Duplicate += rows[0] - distinct[0]
		c.tally.sample("duplicate: %s has %d rows under FINAL for %d identities", c.deviceID, rows[0], distinct[0])
	}
	// More may have come since the rows were read, never fewer.
	if distinct[0] < c.distinct {
		c.tally.Missing += c.distinct - distinct[0]
		c.tally.sample("missing: %s has %d identities, and %d under FINAL", c.deviceID, c.distinct, distinct[0])
	}
	return nil
}

// walkEnd compares the end of an epoch that ended by T.
func (c *comparison) walkEnd(e device.Epoch, last uint64, rows []uint64) {
	c.tally.Expected++
	var good uint64
	for _, seq := range rows {
		if seq == last {
			good++
			continue
		}
		c.tally.Altered++
		c.tally.sample("altered: %s ended epoch %d at %d, not at %d", c.deviceID, e.ID, seq, last)
	}
	switch {
	case good > 0:
		c.tally.Found++
		c.tally.Copies += good - 1
	case len(rows) == 0:
		c.tally.Missing++
		c.tally.sample("missing: %s has no end of epoch %d, at %d", c.deviceID, e.ID, last)
	}
}

// endsLeft counts ends of epochs that the device never had, never closed, or is
// still in.
func (c *comparison) endsLeft(ends map[uint32][]uint64) {
	for epoch, rows := range ends {
		c.tally.Invented += uint64(len(rows))
		c.tally.sample("invented: %s ended epoch %d, which has no end, not yet or never, or never was", c.deviceID, epoch)
	}
}

// strangers counts rows of devices that the network does not have, and rejects
// that no reading of the world explains.
func (v *verification) strangers(ctx context.Context, known map[string]bool, ends map[string]map[uint32][]uint64, rejects map[string]map[identity]string, total *Tally) error {
	client, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // nothing was written
	var ids proto.ColStr
	var counts proto.ColUInt64
	err = client.Do(ctx, ch.Query{
		Body:   "SELECT CAST(device_id, 'String') AS id, count() AS rows FROM raw.readings GROUP BY id",
		Result: proto.Results{{Name: "id", Data: &ids}, {Name: "rows", Data: &counts}},
		OnResult: func(_ context.Context, block proto.Block) error {
			for i := range block.Rows {
				if id := ids.Row(i); !known[id] {
					total.Invented += counts[i]
					total.sample("invented: %d rows of device %q, which the network does not have", counts[i], id)
				}
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("read the devices of raw.readings: %w", err)
	}
	for id, of := range ends {
		if !known[id] {
			total.Invented += uint64(len(of))
			total.sample("invented: ends of epochs of device %q, which the network does not have", id)
		}
	}
	for id, of := range rejects {
		for at, code := range of {
			total.RejectedUnexpected++
			total.sample("rejected unexpectedly: %q epoch %d seq %d, %s", id, at.epoch, at.seq, code)
		}
	}
	return nil
}

// readEndsAndRejects reads both tables whole: an end per device and day, and
// rejects, which are few when nothing is wrong.
func (v *verification) readEndsAndRejects(ctx context.Context) (map[string]map[uint32][]uint64, map[string]map[identity]string, error) {
	client, err := v.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = client.Close() }() // nothing was written
	ends := map[string]map[uint32][]uint64{}
	var ids, codes proto.ColStr
	var epochs proto.ColUInt32
	var seqs proto.ColUInt64
	err = client.Do(ctx, ch.Query{
		Body:   "SELECT CAST(device_id, 'String') AS id, epoch, last_seq FROM raw.epoch_ends",
		Result: proto.Results{{Name: "id", Data: &ids}, {Name: "epoch", Data: &epochs}, {Name: "last_seq", Data: &seqs}},
		OnResult: func(_ context.Context, block proto.Block) error {
			for i := range block.Rows {
				of, ok := ends[ids.Row(i)]
				if !ok {
					of = map[uint32][]uint64{}
					ends[ids.Row(i)] = of
				}
				of[epochs[i]] = append(of[epochs[i]], seqs[i])
			}
			return nil
		},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read raw.epoch_ends: %w", err)
	}
	rejects, n := map[string]map[identity]string{}, 0
	err = client.Do(ctx, ch.Query{
		Body: "SELECT device_id AS id, epoch, seq, CAST(code, 'String') AS reject_code FROM raw.rejects",
		Result: proto.Results{
			{Name: "id", Data: &ids}, {Name: "epoch", Data: &epochs}, {Name: "seq", Data: &seqs}, {Name: "reject_code", Data: &codes},
		},
		OnResult: func(_ context.Context, block proto.Block) error {
			if n += block.Rows; n > maxRejects {
				return fmt.Errorf("raw.rejects has more than %d rows: look at what is refused first", maxRejects)
			}
			for i := range block.Rows {
				of, ok := rejects[ids.Row(i)]
				if !ok {
					of = map[identity]string{}
					rejects[ids.Row(i)] = of
				}
				of[identity{epochs[i], seqs[i]}] = strings.TrimPrefix(codes.Row(i), "REJECT_CODE_")
			}
			return nil
		},
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read raw.rejects: %w", err)
	}
	return ends, rejects, nil
}
