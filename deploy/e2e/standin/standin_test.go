//go:build linux

package standin_test

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAgentsScale runs 2, then 50, then 5 agents.
func TestAgentsScale(t *testing.T) {
	s := newSite(t)
	watch := s.watchLeases()
	for _, n := range []int{2, 50, 5} {
		s.agents.update(s.agentTask, n)
		s.steady(s.agents)
		watch.shared(n)
		s.flowing()
	}
	s.report(watch)
	s.verified()
	s.orderly(s.agents, 0)
}

// TestTaskSeesItsOwn: a task has the metadata that ECS has for it, and cannot be
// called where it listens on its own loopback.
func TestTaskSeesItsOwn(t *testing.T) {
	s := newSite(t)
	one, other := s.collectors.running()[0], s.collectors.running()[1]
	if got := one.askMetadata(t); got.TaskARN == "" || got.TaskARN == other.askMetadata(t).TaskARN || !strings.HasSuffix(got.TaskARN, one.id) {
		t.Errorf("task %s is told that it is %+v", one.id, got)
	}
	admin := "127.0.0.1:8081"
	if conn, err := one.dial(admin); err != nil {
		t.Errorf("a task does not reach its own %s: %v", admin, err)
	} else {
		_ = conn.Close()
	}
	if conn, err := net.DialTimeout("tcp", admin, dialTimeout); err == nil {
		_ = conn.Close()
		t.Errorf("%s of a task is reached from outside", admin)
	}
}

// TestReleaseOfAgents replaces every agent by one of a new release while hours
// of history and live readings flow.
func TestReleaseOfAgents(t *testing.T) {
	s, watch := loaded(t, 8)
	s.agents.update(s.agentTask.next(), 8)
	s.steady(s.agents)
	watch.shared(8)
	s.report(watch)
	s.verified()
	s.orderly(s.agents, 0)
}

// TestReleaseOfCollectors replaces both collectors, one after the other.
func TestReleaseOfCollectors(t *testing.T) {
	s, watch := loaded(t, 8)
	s.collectors.update(s.collectorTask.next(), 2)
	s.steady(s.collectors)
	watch.shared(8)
	s.report(watch)
	s.verified()
	s.orderly(s.agents, 0)
	s.orderly(s.collectors, 0)
}

// TestSpotInterruption takes a third of the agents at once. Half of these end
// when they are told to; the machines of the others stall, and vanish when the
// notice is over.
func TestSpotInterruption(t *testing.T) {
	s, watch := loaded(t, 12)
	victims := s.agents.running()[:4]
	var gone sync.WaitGroup
	for i, task := range victims {
		gone.Go(func() { s.interrupt(task, i%2 == 1) })
	}
	s.flowing()
	gone.Wait()
	left := time.Now()
	s.steady(s.agents)
	watch.shared(12)
	t.Logf("12 other agents carry all devices %.1f s after the last one vanished", time.Since(left).Seconds())
	s.report(watch)
	s.verified()
	s.orderly(s.agents, 2)
}

// TestReleaseThatDoesNotComeUp: collectors of before carry on, and the service
// goes back to them.
func TestReleaseThatDoesNotComeUp(t *testing.T) {
	s, watch := loaded(t, 2)
	before := s.collectors.running()
	s.collectors.update(s.collectorTask.next("no-such-command"), 2)
	s.await("the release is rolled back", func() (bool, string) {
		c := s.collectors.counted()
		return c.RolledBack == 1, s.collectors.name
	})
	s.steady(s.collectors)
	if after := s.collectors.running(); !slices.Equal(before, after) {
		t.Errorf("the collectors of before were replaced: %v", s.collectors.counted())
	}
	s.report(watch)
	s.verified()
}

// loaded is a site in which a number of agents carries all devices, with hours
// of history under way.
func loaded(t *testing.T, agents int) (*site, *leases) {
	t.Helper()
	s := newSite(t)
	watch := s.watchLeases()
	s.agents.update(s.agentTask, agents)
	s.steady(s.agents)
	watch.shared(agents)
	s.flowing()
	return s, watch
}

// report says what the scenario did.
func (s *site) report(watch *leases) {
	s.t.Helper()
	s.t.Logf("%d devices changed hands; %d rows so far", watch.end(), s.rows())
}

// interrupt is Spot taking a machine back: SIGTERM comes with the notice of two
// minutes, and the end when StopTimeout is over, which is shorter. The service
// sees it and starts another task. One that stalls is waited for in a hurry.
func (s *site) interrupt(t *task, stalls bool) {
	t.markStopping()
	if !stalls {
		t.stop(t.definition.stopTimeout)
		return
	}
	if err := t.freeze(); err != nil {
		s.t.Errorf("freeze: %v", err)
	}
	if t.endsWithin(t.definition.stopTimeout / hurry) {
		s.t.Errorf("task %s ended, though it was stalled", t.id)
	}
	if err := t.vanish(); err != nil {
		s.t.Errorf("vanish: %v", err)
	}
}

// orderly demands that tasks ended when they were told to, but for a number
// that could not.
func (s *site) orderly(v *service, killed int) {
	s.t.Helper()
	if c := v.counted(); c.Killed != killed || c.Died != 0 {
		s.t.Errorf("%s: %+v; want %d killed, and none to die by itself", v.name, c, killed)
	}
}
