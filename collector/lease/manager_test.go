package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
)

// patience bounds every wait for what must happen; it says nothing about how
// fast it should.
const patience = 30 * time.Second

// bench is a broker with managers on it.
type bench struct {
	t       *testing.T
	brokers []string
	ttl     time.Duration
	mu      sync.Mutex
	devices []string
}

func newBench(t *testing.T, ttl time.Duration, devices int) *bench {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return benchOn(t, cluster.ListenAddrs()[0], ttl, devices)
}

// benchOn is newBench on a broker that runs already.
func benchOn(t *testing.T, broker string, ttl time.Duration, devices int) *bench {
	t.Helper()
	kafkatest.Client(t, broker)
	return &bench{t: t, brokers: []string{broker}, ttl: ttl, devices: names("d", devices)}
}

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%02d", prefix, i)
	}
	return out
}

// node is one manager, with its network in our hands.
type node struct {
	*Manager
	cut  func()
	stop func()
}

func (b *bench) start(id string, crash func(string)) *node {
	b.t.Helper()
	var line cable
	m, err := newManager(Config{
		CollectorID: id, TTL: b.ttl, ElectionTimeout: b.ttl, Debounce: b.ttl / 10,
		Kafka: kafka.DefaultClientConfig(b.brokers...),
		Devices: func() []string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.devices
		},
		Log: slog.New(slog.DiscardHandler), Crash: crash,
	}, kgo.Dialer(line.dial), kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	var once sync.Once
	n := &node{Manager: m, cut: line.cut, stop: func() { once.Do(func() { cancel(); <-done }) }}
	b.t.Cleanup(n.stop)
	return n
}

// cable is a network that can be cut.
type cable struct {
	mu    sync.Mutex
	off   bool
	conns []net.Conn
}

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.off {
		_ = conn.Close()
		err = errors.New("the cable is cut")
	}
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = true
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// agent is a joined session with a reader that keeps what it carries.
type agent struct {
	*Membership
	mu    sync.Mutex
	terms map[string]uint64
	drain bool
}

func (b *bench) join(n *node, s Session) *agent {
	b.t.Helper()
	if s.AgentID == "" {
		s.AgentID = "agent-" + s.ID
	}
	ms, err := n.Join(b.t.Context(), s)
	if err != nil {
		b.t.Fatal(err)
	}
	a := &agent{Membership: ms, terms: map[string]uint64{}}
	go func() {
		for c := range ms.Changes() {
			a.mu.Lock()
			for _, d := range c.Revoked {
				delete(a.terms, d)
			}
			for _, g := range c.Granted {
				a.terms[g.DeviceID] = g.Term
			}
			a.drain = c.Drain
			a.mu.Unlock()
		}
	}()
	return a
}

func (a *agent) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.terms)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not so after %s: %s", patience, what)
		}
		pause(t.Context(), 5*time.Millisecond)
	}
}

// spread waits until the agents carry so many devices each.
func spread(t *testing.T, agents []*agent, want ...int) {
	t.Helper()
	got := make([]int, len(agents))
	defer func() {
		if t.Failed() {
			t.Logf("devices per agent were %v", got)
		}
	}()
	eventually(t, fmt.Sprintf("devices per agent are %v", want), func() bool {
		same := true
		for i, a := range agents {
			got[i] = a.count()
			same = same && got[i] == want[i%len(want)]
		}
		return same
	})
}

func TestThreeThenTenThenTwoSessions(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 30)
	one, two := b.start("one", nil), b.start("two", nil)
	nodes := []*node{one, two}
	var agents []*agent
	for i := range 10 {
		agents = append(agents, b.join(nodes[i%2], Session{ID: fmt.Sprintf("s%d", i), Capacity: 20}))
		if i == 2 {
			spread(t, agents, 10)
		}
	}
	spread(t, agents, 3)
	for _, a := range agents[2:] {
		a.Leave(t.Context())
	}
	spread(t, agents[:2], 15)
	leases := one.Leases()
	if len(leases) != 30 {
		t.Fatalf("%d leases, want 30", len(leases))
	}
	eventually(t, "both managers say the same", func() bool {
		return fmt.Sprint(one.Leases(), one.Agents(), one.Decider()) == fmt.Sprint(two.Leases(), two.Agents(), two.Decider())
	})
}

func TestBurstMovesDevicesOnce(t *testing.T) {
	b := newBench(t, 3*time.Second, 12) // Debounce 300 ms.
	n := b.start("one", nil)
	eventually(t, "somebody decides", func() bool { return n.Decider() == "one" })
	var agents []*agent
	for i := range 4 {
		agents = append(agents, b.join(n, Session{ID: fmt.Sprintf("s%d", i), Capacity: 12}))
	}
	spread(t, agents, 3)
	for _, l := range n.Leases() {
		if l.Term != 1 {
			t.Errorf("%s was moved before all had joined: term %d", l.DeviceID, l.Term)
		}
	}
}

func TestSessionsOfADeadCollectorExpire(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 10)
	one := b.start("one", nil)
	eventually(t, "one decides", func() bool { return one.Decider() == "one" })
	two := b.start("two", nil)
	keep, lost := b.join(two, Session{ID: "keep", Capacity: 10}), b.join(one, Session{ID: "lost", Capacity: 10})
	spread(t, []*agent{keep, lost}, 5)
	one.cut()
	spread(t, []*agent{keep}, 10)
	eventually(t, "two decides", func() bool { return two.Decider() == "two" && len(two.Agents()) == 1 })
}

// TestKilledAgentIsBackAtOnce: collector and agent were killed, the agent is
// back elsewhere, where the clock is behind.
func TestKilledAgentIsBackAtOnce(t *testing.T) {
	b := newBench(t, 20*time.Second, 10) // Debounce 2 s.
	two := b.start("two", nil)
	eventually(t, "two decides", func() bool { return two.Decider() == "two" })
	one := b.start("one", nil)
	old := b.join(one, Session{ID: "old", AgentID: "a", Capacity: 10, ConnectedAt: time.Unix(2000, 0)})
	spread(t, []*agent{old}, 10)
	one.cut()
	began := time.Now()
	back := b.join(two, Session{ID: "back", AgentID: "a", Capacity: 10, ConnectedAt: time.Unix(1000, 0)})
	spread(t, []*agent{back}, 10)
	if took := time.Since(began); took > b.ttl/2 {
		t.Errorf("it took %s: the dead session held devices for a TTL", took)
	}
	if n := len(two.Agents()); n != 2 {
		t.Errorf("%d sessions, want the dead one as well until it expires", n)
	}
}

func TestFencedDeciderStandsAgain(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 10)
	one := b.start("one", nil)
	a := b.join(one, Session{ID: "a", Capacity: 10})
	spread(t, []*agent{a}, 10)

	other, err := kafka.NewClient(kafka.DefaultClientConfig(b.brokers...), kgo.TransactionalID(transactionalID))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, _, err := other.ProducerID(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The fenced one finds out, comes back, and fences the other.
	second := b.join(one, Session{ID: "b", Capacity: 10})
	spread(t, []*agent{a, second}, 5)
}

func TestDeciderDiesInsideTheTransaction(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 10)
	var one *node
	ready := make(chan struct{})
	one = b.start("one", func(string) { <-ready; one.cut() })
	close(ready)
	eventually(t, "one decides", func() bool { return one.Decider() == "one" })
	two := b.start("two", nil)
	a := b.join(two, Session{ID: "a", Capacity: 10})
	spread(t, []*agent{a}, 10)
	for _, l := range two.Leases() {
		if l.SessionID != "a" {
			t.Errorf("%s is carried by %q", l.DeviceID, l.SessionID)
		}
	}
}

func TestDrainThroughAnotherCollector(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 10)
	one, two := b.start("one", nil), b.start("two", nil)
	x, y := b.join(one, Session{ID: "x", Capacity: 10}), b.join(two, Session{ID: "y", Capacity: 10})
	spread(t, []*agent{x, y}, 5)
	eventually(t, "two knows x", func() bool { return len(two.Agents()) == 2 })
	n, err := two.Drain(t.Context(), "agent-x")
	if err != nil || n != 5 {
		t.Fatalf("Drain = %d, %v; want 5 devices", n, err)
	}
	spread(t, []*agent{x, y}, 0, 10)
	eventually(t, "x is told to drain", func() bool { x.mu.Lock(); defer x.mu.Unlock(); return x.drain })
	if _, err := two.Drain(t.Context(), "nobody"); !errors.Is(err, ErrUnknownAgent) {
		t.Errorf("Drain of nobody: %v", err)
	}
}

func TestStaticDevicesAreNotLeased(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 10)
	one := b.start("one", nil)
	a := b.join(one, Session{ID: "a", Capacity: 10})
	spread(t, []*agent{a}, 10)
	s := b.join(one, Session{ID: "s", Static: []string{"d03", "d04", "elsewhere"}})
	spread(t, []*agent{a, s}, 8, 3)
	s.Leave(t.Context())
	spread(t, []*agent{a}, 10)
}

func TestNetworkGrowsAndShrinks(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 4)
	a := b.join(b.start("one", nil), Session{ID: "a", Capacity: 10})
	spread(t, []*agent{a}, 4)
	b.mu.Lock()
	b.devices = names("d", 7)
	b.mu.Unlock()
	spread(t, []*agent{a}, 7)
	b.mu.Lock()
	b.devices = names("d", 2)
	b.mu.Unlock()
	spread(t, []*agent{a}, 2)
}

func TestEndOfRunTakesSessionsBack(t *testing.T) {
	b := newBench(t, 20*time.Second, 10) // Longer than patience is needed: no expiry.
	one := b.start("one", nil)
	a := b.join(one, Session{ID: "a", Capacity: 10})
	spread(t, []*agent{a}, 10)
	two := b.start("two", nil)
	c := b.join(two, Session{ID: "c", Capacity: 10})
	spread(t, []*agent{a, c}, 5)
	one.stop()
	spread(t, []*agent{c}, 10)
	if _, err := one.Join(t.Context(), Session{ID: "late", AgentID: "late"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Join after the end: %v", err)
	}
}

func TestJoinRefuses(t *testing.T) {
	b := newBench(t, 500*time.Millisecond, 1)
	one := b.start("one", nil)
	one.cfg.MaxSessions = 1
	b.join(one, Session{ID: "a", Capacity: 1})
	for _, c := range []struct {
		s    Session
		want error
	}{
		{Session{ID: "b", AgentID: "b"}, ErrLimit},
		{Session{ID: "a", AgentID: "a"}, ErrSession},
		{Session{ID: "c"}, ErrSession},
		{Session{ID: "c", AgentID: "\xff"}, ErrSession},
		{Session{ID: "c", AgentID: "c", Static: names("a-rather-long-name", 20_000)}, ErrSession},
	} {
		if _, err := one.Join(t.Context(), c.s); !errors.Is(err, c.want) {
			t.Errorf("Join(%.20v) = %v, want %v", c.s, err, c.want)
		}
	}
}
