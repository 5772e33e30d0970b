package sink

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// assigned begins turns. franz-go calls these three between polls only.
func (p *pipeline) assigned(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, partition := range parts[p.topic] {
		p.ledger.assign(partition)
	}
}

// revoked ends turns, but first lets the rows at hand be inserted and
// committed, or the next owner would insert them again. While ClickHouse is
// away that would take for ever: then they do come again.
func (p *pipeline) revoked(ctx context.Context, _ *kgo.Client, parts map[string][]int32) {
	deadline := time.NewTimer(p.cfg.RevokeWait)
	defer deadline.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seal()
	for waiting := !p.stopped; waiting && len(p.sealed)+len(p.onWay) > 0; {
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			waiting = false
		case <-deadline.C:
			waiting = false
			p.log.Warn("partitions go before their rows are in ClickHouse; the next owner inserts them", "partitions", parts[p.topic])
		}
		p.mu.Lock()
	}
	p.forget(parts)
}

// lost ends turns that the group has given away already.
func (p *pipeline) lost(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(parts)
}

func (p *pipeline) forget(parts map[string][]int32) {
	for _, partition := range parts[p.topic] {
		p.ledger.revoke(partition)
	}
}
