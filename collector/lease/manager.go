package lease

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// leaveTimeout bounds what is written on the way out.
const leaveTimeout = 2 * time.Second

// Manager is one collector's part in leasing: it follows the lease topic,
// writes its own sessions, and decides while it is the decider. All methods
// may be called from anywhere.
type Manager struct {
	cfg    Config
	met    *metrics
	client *kgo.Client // follows the topic, writes the own sessions
	begun  time.Time
	opts   []kgo.Opt // for every client; tests cut connections with it

	ready chan struct{}
	dirty chan struct{} // holds one: what should be assigned may differ

	mu      sync.Mutex
	table   *table
	members map[string]*Membership
	next    int64         // offset behind the last record seen
	moved   chan struct{} // closed when next grows, then replaced
	closed  bool
}

// New makes a Manager. It connects on first use; Run must be called for
// anything to happen, and frees what New took.
func New(cfg Config) (*Manager, error) { return newManager(cfg) }

func newManager(cfg Config, opts ...kgo.Opt) (*Manager, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	// One record at a time, wanted now.
	cfg.Kafka.Linger = 0
	met, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	m := &Manager{
		cfg: cfg, met: met, begun: time.Now(), opts: opts,
		ready: make(chan struct{}), dirty: make(chan struct{}, 1),
		table: newTable(cfg.TTL, cfg.MaxSessions), members: map[string]*Membership{},
		moved: make(chan struct{}),
	}
	m.client, err = m.newClient(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		kafka.TopicLease: {0: kgo.NewOffset().AtStart()},
	}))
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	return m, nil
}

// newClient makes a client of the lease topic's only partition.
func (m *Manager) newClient(opts ...kgo.Opt) (*kgo.Client, error) {
	opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return kafka.NewClient(m.cfg.Kafka, append(opts, m.opts...)...)
}

// Run works until ctx ends; then it takes back all sessions that are still
// joined, leaves the election, and returns nil.
func (m *Manager) Run(ctx context.Context) error {
	follow, stopFollowing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFollowing()
	var followers, workers errgroup.Group
	followers.Go(func() error { m.follow(follow); return nil })
	followers.Go(func() error { m.awaitEnd(follow); return nil })
	workers.Go(func() error { m.renew(ctx); return nil })
	workers.Go(func() error { m.elect(ctx); return nil })
	_ = workers.Wait()
	m.leaveAll()
	stopFollowing()
	_ = followers.Wait()
	m.client.Close()
	return nil
}

// Ready is closed once the lease topic has been read as far as it reached
// when Run began.
func (m *Manager) Ready() <-chan struct{} { return m.ready }

// now is the time on this process's monotonic clock.
func (m *Manager) now() time.Duration { return time.Since(m.begun) }

// Agents lists the connected agents of all collectors, by agent and session.
func (m *Manager) Agents() []Agent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.agents()
}

// Leases lists the devices that ever had a holder with their holders, by
// device.
func (m *Manager) Leases() []DeviceLease {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.leases()
}

// Decider names the collector that decides; empty while none does. After a
// decider's sudden end it is named until the next one comes into office.
func (m *Manager) Decider() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.decider
}

// Drain takes an agent's devices away and gives it no more, whichever
// collector holds its stream. It returns how many devices the agent carried;
// the error is ErrUnknownAgent or Kafka's.
func (m *Manager) Drain(ctx context.Context, agentID string) (int, error) {
	m.mu.Lock()
	var records []*kgo.Record
	devices := 0
	for _, a := range m.table.agents() {
		if a.AgentID != agentID {
			continue
		}
		devices += int(a.Devices)
		// The collector that holds the stream sees this record and goes on
		// renewing with draining set.
		r := proto.CloneOf(m.table.sessions[a.SessionID].record)
		r.Draining = true
		records = append(records, sessionRecord(r))
	}
	m.mu.Unlock()
	if len(records) == 0 {
		return 0, fmt.Errorf("lease: drain agent %q: %w: list the agents to see who is", agentID, ErrUnknownAgent)
	}
	if err := produce(ctx, m.client, records...); err != nil {
		return 0, fmt.Errorf("lease: drain agent %q: %w", agentID, err)
	}
	return devices, nil
}

// sessionRecord gives the Kafka record of a session.
func sessionRecord(s *gantryv1.SessionRecord) *kgo.Record {
	return leaseRecord(sessionPrefix+s.SessionId, &gantryv1.LeaseRecord{
		Record: &gantryv1.LeaseRecord_Session{Session: s},
	})
}

// leaseRecord gives a record of the lease topic; nil deletes the key.
func leaseRecord(key string, r *gantryv1.LeaseRecord) *kgo.Record {
	out := &kgo.Record{Topic: kafka.TopicLease, Partition: 0, Key: []byte(key)}
	if r == nil {
		return out
	}
	value, err := proto.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("lease: marshal the record of key %q: %v", key, err)) // Strings are checked by Join.
	}
	out.Value = value
	return out
}

// produce writes records and waits for Kafka or for the end of ctx. The
// client's own ProduceSync outlasts ctx once a record is under way, because
// the record may be in the log already; here that is for readers to find out.
func produce(ctx context.Context, client *kgo.Client, records ...*kgo.Record) error {
	results := make(chan error, len(records))
	for _, r := range records {
		client.Produce(ctx, r, func(_ *kgo.Record, err error) { results <- err })
	}
	var first error
	for range records {
		select {
		case err := <-results:
			if first == nil {
				first = err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return first
}
