package e2e_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// seedFlag repeats a run: every random test prints the seed that it used.
var seedFlag = flag.Uint64("seed", 0, "seed of random faults; 0 takes a new one")

func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d: repeat with go test ./deploy/e2e -run %s -seed %d", seed, t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestKilledAtRandomMoments kills each kind of process while history and live
// readings flow, and starts it again; the last agent killed never comes back.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newStack(t, options{broker: "fake", network: "corridor", historyDays: 2})
	a, b := s.addCollector("ingest"), s.addCollector("ingest")
	sink := s.addCollector("sink")
	for range 3 {
		s.addAgent(nil)
	}
	s.flowing()
	victims := []*process{s.agents[0], a.process, b.process, sink.process, s.broker, s.clickhouse, s.agents[1]}
	rng.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for _, v := range victims {
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		t.Logf("kill -9 %s", v.name)
		v.kill()
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		v.start()
	}
	s.agents[2].kill() // never comes back: another agent takes its devices over
	s.settled(4 * time.Minute)
}

// TestKilledBetweenTwoSteps kills a process at every named point where state
// changes hands.
func TestKilledBetweenTwoSteps(t *testing.T) {
	t.Parallel()
	rng := random(t)
	s := newStack(t, options{broker: "apache", network: "corridor", historyDays: 2})
	// One collector, so that every agent, partition and decision is its own.
	// The fake broker's groups may wait for members that died while joining
	// far beyond their session; so many deaths in a row need the real one.
	first := s.addCollector("all")
	for range 2 {
		s.addAgent(nil)
	}
	s.flowing()
	for _, at := range []string{"ingest.produced:%d", "ingest.acked:%d", "sink.inserted:%d", "lease.deciding:1"} {
		point := "GANTRY_CRASH_AT=" + strings.Replace(at, "%d", strconv.Itoa(1+rng.IntN(3)), 1)
		t.Log(point)
		first.kill()
		first.start(point)
		first.waitDead(90 * time.Second)
		first.start()
		first.answers()
		s.flowing()
	}

	point := fmt.Sprintf("GANTRY_CRASH_AT=spool.writing:%d", 1+rng.IntN(3))
	t.Log(point)
	before := s.session(s.agents[0])
	s.agents[0].kill()
	s.agents[0].start(point)
	s.carries(s.agents[0], before)
	s.sends(s.agents[0])
	first.kill() // nobody takes readings: the agents' backlog goes to disk
	s.agents[0].waitDead(60 * time.Second)
	first.start()
	s.agents[0].start()
	s.settled(4 * time.Minute)
}

// TestClickHouseAway keeps ClickHouse down while a collector restarts: readings
// are accepted throughout, and all there afterwards.
func TestClickHouseAway(t *testing.T) {
	t.Parallel()
	away := 20 * time.Second
	if os.Getenv("GANTRY_LONG") != "" { // make test-long
		away = 10 * time.Minute
	}
	s := newStack(t, options{broker: "fake", network: "corridor", historyDays: 0})
	c := s.addCollector("all")
	s.addAgent(nil)
	s.flowing()
	s.clickhouse.kill()
	until := time.Now().Add(away)
	c.stop(30 * time.Second)
	c.start()
	eventually(t, 30*time.Second, "gRPC answers without ClickHouse", answers(c.grpcAddr))
	accepted := s.accepted()
	for time.Now().Before(until) {
		before := accepted
		eventually(t, leaseTTL+15*time.Second, "readings are accepted without ClickHouse", func() (bool, string) {
			accepted = s.accepted()
			return accepted > before, fmt.Sprintf("%d durable, %d before", accepted, before)
		})
	}
	s.clickhouse.start()
	s.settled(2 * time.Minute)
}

// TestApacheKafka runs the whole path over a real broker, which is killed in
// the middle.
func TestApacheKafka(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{broker: "apache", network: "corridor", historyDays: 1})
	s.addCollector("all")
	s.addAgent(nil)
	s.addAgent(nil)
	s.flowing()
	s.broker.kill()
	s.broker.start()
	s.flowing()
	s.settled(4 * time.Minute)
}
