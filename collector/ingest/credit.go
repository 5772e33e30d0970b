package ingest

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// credit bounds what all streams together have given to Kafka and is not
// acknowledged, in records and bytes. It lies below the limits of Kafka's
// client, whose Produce collapses when it blocks. Who waits is served in
// order; backfill has a share of its own first, so that history never takes
// all of it from live.
type credit struct {
	all, backfill pool
}

// pool is a bound in records and bytes.
type pool struct {
	records, bytes       *semaphore.Weighted
	maxRecords, maxBytes int64
}

func newPool(records, bytes int64) pool {
	return pool{semaphore.NewWeighted(records), semaphore.NewWeighted(bytes), records, bytes}
}

func newCredit(cfg *Config) *credit {
	share := func(n int) int64 { return max(1, int64(float64(n)*cfg.BackfillShare)) }
	return &credit{
		all:      newPool(int64(cfg.BufferedRecords), int64(cfg.BufferedBytes)),
		backfill: newPool(share(cfg.BufferedRecords), share(cfg.BufferedBytes)),
	}
}

// acquire waits for credit. What is larger than a pool takes all of it, so
// that it passes alone instead of never.
func (p *pool) acquire(ctx context.Context, records, bytes int64) error {
	if err := p.records.Acquire(ctx, min(records, p.maxRecords)); err != nil {
		return err
	}
	if err := p.bytes.Acquire(ctx, min(bytes, p.maxBytes)); err != nil {
		p.records.Release(min(records, p.maxRecords))
		return err
	}
	return nil
}

func (p *pool) release(records, bytes int64) {
	p.records.Release(min(records, p.maxRecords))
	p.bytes.Release(min(bytes, p.maxBytes))
}

// acquire waits until a flight may be produced.
func (c *credit) acquire(ctx context.Context, f *flight) error {
	records, bytes := f.cost()
	if f.backfill {
		if err := c.backfill.acquire(ctx, records, bytes); err != nil {
			return err
		}
	}
	err := c.all.acquire(ctx, records, bytes)
	if err != nil && f.backfill {
		c.backfill.release(records, bytes)
	}
	return err
}

// release gives a flight's credit back, once Kafka has answered all of it.
func (c *credit) release(f *flight) {
	records, bytes := f.cost()
	c.all.release(records, bytes)
	if f.backfill {
		c.backfill.release(records, bytes)
	}
}

// cost counts what Kafka's client counts: records, and bytes of keys and
// values.
func (f *flight) cost() (records, bytes int64) {
	return int64(len(f.records)), int64(f.size + len(f.records)*maxDeviceIDBytes)
}
