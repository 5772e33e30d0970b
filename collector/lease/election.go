package lease

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// group is the consumer group whose member that holds the lease topic's only
// partition decides. It commits no offsets.
const group = "gantry-lease"

// elect stands for election until ctx ends. A decider that meets an error,
// above all being fenced, leaves the group and stands again a little later.
func (m *Manager) elect(ctx context.Context) {
	for ctx.Err() == nil {
		err := m.stand(ctx)
		if ctx.Err() != nil {
			return
		}
		reason := "error"
		if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
			reason = "fenced"
		}
		m.met.lost.WithLabelValues(reason).Inc()
		m.cfg.Log.Warn("decider left office, standing again", "reason", reason, "error", err)
		// Not all at once, nor at once: whoever fenced us should settle.
		d := min(m.cfg.TTL/3, time.Second)
		pause(ctx, d/2+rand.N(d/2+1))
	}
}

// stand joins the group and decides whenever the partition is held, until
// ctx ends or an office ends with an error.
func (m *Manager) stand(ctx context.Context) error {
	var s seat
	s.change = make(chan struct{}, 1)
	client, err := m.newClient(
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(kafka.TopicLease),
		// The decider stays while others come and go.
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(m.cfg.ElectionTimeout),
		kgo.HeartbeatInterval(m.cfg.ElectionTimeout/3),
		kgo.RebalanceTimeout(m.cfg.ElectionTimeout),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.set(p, true) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.set(p, false) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, p map[string][]int32) { s.set(p, false) }),
	)
	if err != nil {
		return err
	}
	// The group says who decides; records come from the follower.
	client.PauseFetchTopics(kafka.TopicLease)
	var errs sync.WaitGroup
	defer errs.Wait()
	defer client.Close()
	errs.Go(func() { m.logGroup(ctx, client) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.change:
		}
		if !s.taken() {
			continue
		}
		if err := m.hold(ctx, &s); err != nil {
			return err
		}
	}
}

// logGroup says what hinders the election, which the client goes on trying:
// an election timeout below what the brokers allow would never be noticed.
func (m *Manager) logGroup(ctx context.Context, client *kgo.Client) {
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(_ string, _ int32, err error) {
			m.cfg.Log.Warn("election of the lease decider does not work, trying again",
				"group", group, "session_timeout", m.cfg.ElectionTimeout, "error", err)
		})
	}
}

// hold decides until ctx ends, the seat is lost, or an error comes.
func (m *Manager) hold(ctx context.Context, s *seat) error {
	term, cancel := context.WithCancel(ctx)
	defer cancel()
	if !s.sit(cancel) {
		return nil
	}
	m.met.elections.Inc()
	m.met.decider.Set(1)
	defer m.met.decider.Set(0)
	return m.office(term)
}

// seat is whether this member holds the partition.
type seat struct {
	mu     sync.Mutex
	held   bool
	leave  context.CancelFunc
	change chan struct{} // holds one
}

// set takes what the group says about some partitions.
func (s *seat) set(partitions map[string][]int32, held bool) {
	if !slices.Contains(partitions[kafka.TopicLease], 0) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = held
	if !held && s.leave != nil {
		s.leave()
		s.leave = nil
	}
	select {
	case s.change <- struct{}{}:
	default:
	}
}

func (s *seat) taken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// sit has leave called when the seat is lost; false when it already is.
func (s *seat) sit(leave context.CancelFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		s.leave = leave
	}
	return s.held
}
