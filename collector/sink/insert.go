package sink

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// insertBlocks sends sealed blocks away until the pipeline is closed and none
// is left, or ctx ends.
func (p *pipeline) insertBlocks(ctx context.Context) {
	in := &inserter{p: p}
	defer in.hangUp()
	for {
		b := p.nextSealed(ctx)
		if b == nil {
			return
		}
		if !in.deliver(ctx, b) {
			return
		}
		p.crash("sink.inserted")
		p.finish(ctx, b)
	}
}

// nextSealed waits for a block; nil means that there will be none.
func (p *pipeline) nextSealed(ctx context.Context) *block {
	for {
		p.mu.Lock()
		if len(p.sealed) > 0 {
			b := p.sealed[0]
			p.sealed = p.sealed[1:]
			p.onWay[b.id] = b
			p.notify()
			p.mu.Unlock()
			return b
		}
		closing, changed := p.closing, p.changed
		p.mu.Unlock()
		if closing {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// finish commits what the block allows and frees its memory. It stays on its
// way until the commit is through, so that a revocation waits for that too.
func (p *pipeline) finish(ctx context.Context, b *block) {
	p.commitMu.Lock()
	p.mu.Lock()
	offsets, err := p.ledger.inserted(b.id)
	p.mu.Unlock()
	if err != nil {
		panic(err) // a block is delivered once
	}
	p.commit(ctx, offsets)
	p.commitMu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.onWay, b.id)
	b.reset()
	p.free = append(p.free, b)
	p.notify()
}

// commit tells Kafka. When that fails rows come again after the next
// rebalance or restart, unless a later commit covers them.
func (p *pipeline) commit(ctx context.Context, offsets map[int32]int64) {
	if len(offsets) == 0 {
		return
	}
	parts := make(map[int32]kgo.EpochOffset, len(offsets))
	for partition, offset := range offsets {
		parts[partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.CommitTimeout)
	defer cancel()
	var failed error
	p.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{p.topic: parts},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
			failed = cmp.Or(err, refusedCommit(answer))
		})
	if failed != nil {
		p.metrics.commitFails.WithLabelValues(p.name).Inc()
		p.log.Warn("offsets cannot be committed, their rows may come again", "error", failed)
	}
}

// refusedCommit finds the first partition whose commit Kafka refused.
func refusedCommit(answer *kmsg.OffsetCommitResponse) error {
	if answer == nil {
		return nil
	}
	for _, t := range answer.Topics {
		for _, part := range t.Partitions {
			if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
				return fmt.Errorf("partition %d: %w", part.Partition, err)
			}
		}
	}
	return nil
}

func (p *pipeline) crash(point string) {
	if p.cfg.Crash != nil {
		p.cfg.Crash(point)
	}
}

// inserter has one connection to ClickHouse.
type inserter struct {
	p    *pipeline
	conn *ch.Client
	// What was purged, and when the question was asked.
	purges     *purges
	purgesRead time.Time
}

// deliver repeats until all of the block is where it belongs; false means
// that ctx ended first. Whatever fails is worth repeating: the block was made
// so that the table can hold it, so either ClickHouse is away or an operator
// must do something, and until then readings wait in Kafka.
func (in *inserter) deliver(ctx context.Context, b *block) bool {
	pause := in.p.cfg.RetryMin
	for {
		err := in.try(ctx, b)
		if err == nil {
			if b.attempts > 0 {
				in.p.log.Info("block delivered after all", "attempts", b.attempts+1, "records", b.records)
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		b.attempts++
		in.p.metrics.failures.WithLabelValues(in.p.name).Inc()
		in.p.log.Warn("block cannot be delivered, trying again", "attempt", b.attempts, "records", b.records, "pause", pause, "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
		pause = min(2*pause, in.p.cfg.RetryMax)
	}
}

// try makes one attempt. A table that went through is not sent again.
func (in *inserter) try(ctx context.Context, b *block) error {
	if len(b.letters) > 0 {
		if err := in.p.client.ProduceSync(ctx, b.letters...).FirstErr(); err != nil {
			return fmt.Errorf("dead letters: %w", err)
		}
		b.letters = b.letters[:0]
	}
	if err := in.forget(ctx, b); err != nil {
		in.hangUp()
		return err
	}
	for _, t := range b.rows.tables()[b.inserted:] {
		if err := in.insert(ctx, t); err != nil {
			in.hangUp()
			return err
		}
		b.inserted++
	}
	return nil
}

func (in *inserter) insert(ctx context.Context, t table) error {
	ctx, cancel := context.WithTimeout(ctx, in.p.cfg.InsertTimeout)
	defer cancel()
	if err := in.dial(ctx); err != nil {
		return err
	}
	begin := time.Now()
	// Input.Into would quote the database and the table as one name.
	body := "INSERT INTO " + t.name + " " + t.input.Columns() + " VALUES"
	if err := in.conn.Do(ctx, ch.Query{Body: body, Input: t.input}); err != nil {
		return fmt.Errorf("insert %d rows into %s: %w", t.rows, t.name, err)
	}
	in.p.metrics.insert.WithLabelValues(in.p.name).Observe(time.Since(begin).Seconds())
	in.p.metrics.rows.WithLabelValues(in.p.name, t.name).Add(float64(t.rows))
	return nil
}

// hangUp closes the connection: after a failure nobody knows its state.
func (in *inserter) hangUp() {
	if in.conn != nil {
		_ = in.conn.Close()
		in.conn = nil
	}
}
