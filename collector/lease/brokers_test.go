package lease

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
)

// TestTakeOverInTime cuts off the decider together with sessions of its own,
// with times that Apache Kafka allows: their devices must be carried by
// others within the TTL and five seconds.
func TestTakeOverInTime(t *testing.T) {
	kafkatest.Both(t, func(t *testing.T, broker string) {
		b := benchOn(t, broker, DefaultElectionTimeout, 30)
		one := b.start("one", nil)
		eventually(t, "one decides", func() bool { return one.Decider() == "one" })
		two := b.start("two", nil)
		var agents []*agent
		for i := range 10 {
			n := one
			if i < 2 {
				n = two
			}
			agents = append(agents, b.join(n, Session{ID: fmt.Sprintf("s%d", i), Capacity: 20}))
			if i == 2 {
				spread(t, agents, 10)
			}
		}
		spread(t, agents, 3)
		began := time.Now()
		one.cut()
		spread(t, agents[:2], 15)
		took := time.Since(began)
		t.Logf("all devices carried again after %s, TTL %s", took.Round(time.Millisecond), b.ttl)
		if took > b.ttl+5*time.Second {
			t.Errorf("devices were without an agent for %s, more than the TTL %s and 5 s", took, b.ttl)
		}
		eventually(t, "two decides", func() bool { return two.Decider() == "two" })
	})
}

// TestCompactedTopicGivesTheSameTable starts a collector on a topic that was
// compacted while sessions came and went.
func TestCompactedTopicGivesTheSameTable(t *testing.T) {
	cluster := kafkatest.FakeCluster(t)
	b := benchOn(t, cluster.ListenAddrs()[0], DefaultElectionTimeout, 12)
	one := b.start("one", nil)
	a := b.join(one, Session{ID: "a", Capacity: 20})
	for i := range 5 {
		s := b.join(one, Session{ID: fmt.Sprintf("s%d", i), Capacity: 20})
		spread(t, []*agent{a, s}, 6)
		s.Leave(t.Context())
		spread(t, []*agent{a}, 12)
	}
	before := count(t, b.brokers[0])
	cluster.Compact()
	if after := count(t, b.brokers[0]); after >= before {
		t.Fatalf("the broker kept all %d records: nothing was compacted", after)
	}
	two := b.start("two", nil)
	<-two.Ready()
	if got, want := fmt.Sprint(two.Leases(), two.Agents()), fmt.Sprint(one.Leases(), one.Agents()); got != want {
		t.Errorf("after compaction:\n%s\nwant\n%s", got, want)
	}
}

// count reads the lease topic to its end.
func count(t *testing.T, broker string) int {
	t.Helper()
	client := kafkatest.Client(t, broker, kgo.ConsumeTopics(kafka.TopicLease))
	n := 0
	mark := &kgo.Record{Topic: kafka.TopicLease, Key: []byte(devicePrefix + "mark")}
	if err := client.ProduceSync(t.Context(), mark).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for {
		for _, r := range client.PollFetches(t.Context()).Records() {
			if n++; r.Offset >= mark.Offset {
				return n
			}
		}
	}
}
