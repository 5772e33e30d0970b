package sink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// pipeline carries one topic into its tables. One goroutine polls and fills
// the open block, Limits.Inserters others send sealed blocks away; franz-go's
// calls come from goroutines of its own. What they share is under mu.
type pipeline struct {
	name    string
	topic   string
	group   string
	limits  Limits
	cfg     Config
	metrics *metrics
	log     *slog.Logger
	client  *kgo.Client
	newRows func() rows

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever what is below changes
	ledger  *ledger
	open    *block
	sealed  []*block // waiting for an inserter, oldest first
	onWay   map[blockID]*block
	free    []*block
	closing bool // no block follows
	stopped bool // no inserter is left

	commitMu sync.Mutex // commits go out in the order of the ledger's answers
}

func newPipeline(name, topic, group string, l Limits, cfg Config, m *metrics, log *slog.Logger, newRows func() rows) *pipeline {
	p := &pipeline{
		name: name, topic: topic, group: group, limits: l, cfg: cfg, metrics: m, newRows: newRows,
		log:     log.With("pipeline", name),
		changed: make(chan struct{}),
		ledger:  newLedger(),
		onWay:   map[blockID]*block{},
	}
	p.open = p.newBlock()
	return p
}

// connect joins the group.
func (p *pipeline) connect() error {
	k := p.cfg.Kafka
	k.ClientID += "-sink-" + p.name
	k.FetchMaxWait = p.limits.FetchMaxWait
	k.FetchMaxBytes, k.FetchMaxPartitionBytes = p.limits.FetchMaxBytes, p.limits.FetchMaxBytes/2
	client, err := kafka.NewClient(k,
		kgo.ConsumerGroup(p.group),
		kgo.ConsumeTopics(p.topic),
		kgo.DisableAutoCommit(),
		// Without this a partition could move while its rows are decoded.
		kgo.BlockRebalanceOnPoll(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(p.cfg.SessionTimeout),
		kgo.HeartbeatInterval(p.cfg.HeartbeatEvery),
		kgo.RebalanceTimeout(p.cfg.RebalanceTimeout),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMinBytes(p.limits.FetchMinBytes),
		kgo.WithPools(&recordPool{}),
		kgo.OnPartitionsAssigned(p.assigned),
		kgo.OnPartitionsRevoked(p.revoked),
		kgo.OnPartitionsLost(p.lost),
	)
	p.client = client
	return err
}

// recordPool keeps the slices of fetched records.
type recordPool struct{ pool sync.Pool }

// GetRecords gives a slice of capacity n or more.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	if s, ok := p.pool.Get().(*[]kgo.Record); ok && cap(*s) >= n {
		return (*s)[:0]
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords takes a slice back.
func (p *recordPool) PutRecords(s []kgo.Record) { p.pool.Put(&s) }

// run carries records until ctx ends, then finishes what is in memory within
// Config.ShutdownWait and leaves the group.
func (p *pipeline) run(ctx context.Context) error {
	if err := p.connect(); err != nil {
		return err
	}
	insertCtx, stopInserts := context.WithCancel(context.WithoutCancel(ctx))
	defer stopInserts()
	var inserters sync.WaitGroup
	for range p.limits.Inserters {
		inserters.Go(func() { p.insertBlocks(insertCtx) })
	}
	err := p.poll(ctx)
	p.close()
	deadline := time.AfterFunc(p.cfg.ShutdownWait, stopInserts)
	inserters.Wait()
	deadline.Stop()
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.client.CloseAllowingRebalance()
	return err
}

// poll fills blocks until ctx ends or a mistake of ours shows.
func (p *pipeline) poll(ctx context.Context) error {
	for p.awaitRoom(ctx) {
		fetches := p.fetch(ctx)
		err := p.absorb(fetches)
		p.client.AllowRebalance()
		if err != nil {
			return err
		}
	}
	return nil
}

// fetch polls, but no longer than the open block may wait.
func (p *pipeline) fetch(ctx context.Context) kgo.Fetches {
	p.mu.Lock()
	opened, records := p.open.opened, p.open.records
	p.mu.Unlock()
	if records > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, opened.Add(p.limits.FlushEvery))
		defer cancel()
	}
	// No more than the open block has room for: what is left over would fill
	// a further block while it waits.
	return p.client.PollRecords(ctx, min(p.limits.PollRecords, max(1, p.limits.MaxRows-records)))
}

// awaitRoom returns true once the inserters keep up, false when ctx ended. A
// poll may add a few blocks at most, so waiting before it bounds memory, and
// waiting without records in hand lets the group rebalance meanwhile.
func (p *pipeline) awaitRoom(ctx context.Context) bool {
	for {
		p.mu.Lock()
		room, changed := len(p.sealed) == 0, p.changed
		p.mu.Unlock()
		if ctx.Err() != nil {
			return false
		}
		if room {
			return true
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// absorb decodes what was fetched and seals what is due.
func (p *pipeline) absorb(fetches kgo.Fetches) error {
	fetches.EachError(func(topic string, partition int32, err error) {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return
		}
		p.metrics.kafkaErrors.WithLabelValues(p.name).Inc()
		p.log.Warn("topic cannot be read, trying again", "topic", topic, "partition", partition, "error", err)
	})
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reuse()
	var err error
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if err == nil && len(f.Records) > 0 {
			err = p.absorbPartition(f.Partition, f.Records, now)
		}
	})
	if p.open.due(p.limits, now) {
		p.seal()
	}
	return err
}

// absorbPartition decodes consecutive records of a partition. The records'
// memory goes back to its pool.
func (p *pipeline) absorbPartition(partition int32, records []*kgo.Record, now time.Time) error {
	first := records[0].Offset // of those the ledger does not know yet
	last := first
	for _, r := range records {
		poisoned, err := p.open.add(r, now)
		if errors.Is(err, errFull) {
			if err := p.takeAndSeal(partition, first, r.Offset); err != nil {
				return err
			}
			first = r.Offset
			poisoned, err = p.open.add(r, now)
		}
		if err != nil {
			return err
		}
		if poisoned != nil {
			p.notePoison(partition, r.Offset, poisoned)
		}
		end := r.Offset + 1
		r.Recycle()
		if p.open.full(p.limits) {
			if err := p.takeAndSeal(partition, first, end); err != nil {
				return err
			}
			first = end
		}
		last = end
	}
	if last == first {
		return nil
	}
	return p.ledger.take(partition, first, last)
}

// takeAndSeal seals after noting the partition's offsets from first up to,
// not including, end; there may be none.
func (p *pipeline) takeAndSeal(partition int32, first, end int64) error {
	if end > first {
		if err := p.ledger.take(partition, first, end); err != nil {
			return err
		}
	}
	p.seal()
	return nil
}

func (p *pipeline) notePoison(partition int32, offset int64, poisoned *poison) {
	p.metrics.poison.WithLabelValues(p.name, poisoned.code.String(), poisoned.field).Inc()
	p.log.Debug("record cannot be stored, it goes to the dead letters", "partition", partition, "offset", offset,
		"code", poisoned.code.String(), "field", poisoned.field, "reason", poisoned.reason)
}

// seal hands the open block to the inserters. Callers hold mu.
func (p *pipeline) seal() {
	if p.open.records == 0 {
		return
	}
	p.open.id = p.ledger.seal()
	p.sealed = append(p.sealed, p.open)
	p.metrics.buildUps.WithLabelValues(p.name).Observe(float64(p.open.records))
	p.open = p.newBlock()
	p.notify()
}

func (p *pipeline) newBlock() *block {
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	return &block{rows: p.newRows()}
}

// reuse takes a block that has been freed in place of one that has never held
// a row: two with memory of their own keep poller and inserter busy. Callers
// hold mu.
func (p *pipeline) reuse() {
	if n := len(p.free); n > 0 && p.open.records == 0 && !p.open.used {
		p.open, p.free = p.free[n-1], p.free[:n-1]
	}
}

// notify wakes all that wait for a change. Callers hold mu.
func (p *pipeline) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// close seals the last block; inserters end when there is nothing left.
func (p *pipeline) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing = true
	p.seal()
	p.notify()
}
