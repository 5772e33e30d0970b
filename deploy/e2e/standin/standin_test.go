//go:build linux

package standin_test

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// spotNotice is what a Spot task gets before it is taken away, in a hurry.
const spotNotice = 2 * time.Minute / hurry

// TestAgentsScale runs 2, then 50, then 5 agents.
func TestAgentsScale(t *testing.T) {
	s := newSite(t, 0)
	watch := s.watchLeases()
	for _, n := range []int{2, 50, 5} {
		s.agents.update(s.agentTask, n)
		s.steady(s.agents)
		watch.shared(n)
		s.flowing()
	}
	t.Logf("%d devices changed hands", watch.end())
	s.verified()
	s.orderly(s.agents, 0)
}

// TestReleaseOfAgents replaces every agent by one of a new release while a day
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
	s.steady(s.agents)
	watch.shared(12)
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

// loaded is a site in which a number of agents carries all devices, with a day
// of history under way.
func loaded(t *testing.T, agents int) (*site, *leases) {
	t.Helper()
	s := newSite(t, 1)
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

// interrupt is Spot taking a machine back: notice, SIGTERM, and the end. The
// service sees it and starts another task.
func (s *site) interrupt(t *task, stalls bool) {
	if stalls {
		if err := t.freeze(); err != nil {
			s.t.Errorf("freeze: %v", err)
		}
	}
	t.markStopping()
	if !stalls {
		t.stop(spotNotice)
		return
	}
	if t.endsWithin(spotNotice) {
		s.t.Errorf("task %s ended, though it was stalled", t.id)
	}
	t.mu.Lock()
	t.killed = true
	t.mu.Unlock()
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
