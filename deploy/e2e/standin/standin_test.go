//go:build linux

package standin_test

import (
	"fmt"
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
	t.Logf("%d devices changed hands; %d rows so far", watch.moved(), s.rows())
	watch.end()
	s.verified()
	s.orderly(s.agents, counts{Started: 50, Stopped: 45})
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

// busyAgents is how many agents carry the devices of TestUnderLoad.
const busyAgents = 12

// TestUnderLoad releases, interrupts and breaks, one after the other, what
// carries the devices of a road in its morning peak, and what they have emitted
// since midnight. Nothing may be missing after any of it.
func TestUnderLoad(t *testing.T) {
	s := newSite(t)
	watch := s.watchLeases()
	s.agents.update(s.agentTask, busyAgents)
	s.steady(s.agents)
	watch.shared(busyAgents)
	s.scenario("release of collectors", watch, s.releaseOfCollectors)
	s.scenario("release of agents", watch, s.releaseOfAgents)
	s.scenario("Spot interruption", watch, func() { s.spotInterruption(watch) })
	s.scenario("release that does not come up", watch, s.brokenRelease)
	watch.end()
}

// scenario runs one while readings flow, and then compares all of them with
// what ClickHouse holds.
func (s *site) scenario(name string, watch *leases, run func()) {
	whole := s.t
	ok := whole.Run(name, func(t *testing.T) {
		s.t = t
		defer func() { s.t = whole }()
		began, moved := time.Now(), watch.moved()
		s.flowing()
		run()
		watch.shared(busyAgents)
		t.Logf("after %.1f s: %d devices changed hands; %d rows so far", time.Since(began).Seconds(), watch.moved()-moved, s.rows())
		s.verified()
	})
	if !ok {
		whole.FailNow()
	}
}

// releaseOfAgents replaces every agent by one of a new release.
func (s *site) releaseOfAgents() {
	s.agents.update(s.agentTask.next(), busyAgents)
	s.steady(s.agents)
	s.orderly(s.agents, counts{Started: 2 * busyAgents, Stopped: busyAgents})
}

// releaseOfCollectors replaces both collectors, one after the other.
func (s *site) releaseOfCollectors() {
	s.collectors.update(s.collectorTask.next(), 2)
	s.steady(s.collectors)
	s.orderly(s.collectors, counts{Started: 4, Stopped: 2})
	s.orderly(s.agents, counts{Started: busyAgents})
}

// spotInterruption takes a third of the agents at once. Half of these end when
// they are told to; the machines of the others stall, and vanish when their time
// is over.
func (s *site) spotInterruption(watch *leases) {
	var gone sync.WaitGroup
	for i, task := range s.agents.running()[:busyAgents/3] {
		gone.Go(func() { s.interrupt(task, i%2 == 1) })
	}
	gone.Wait()
	left := time.Now()
	s.steady(s.agents)
	watch.shared(busyAgents)
	s.t.Logf("others carry all devices %.1f s after the last machine vanished", time.Since(left).Seconds())
	s.orderly(s.agents, counts{Started: 2*busyAgents + busyAgents/3, Stopped: busyAgents + busyAgents/6, Killed: busyAgents / 6})
}

// brokenRelease has collectors that do not come up: those of before carry on,
// and the service goes back to them.
func (s *site) brokenRelease() {
	before := s.collectors.running()
	s.collectors.update(s.collectorTask.next("no-such-command"), 2)
	s.await("the release is rolled back", func() (bool, string) {
		c := s.collectors.counted()
		return c.RolledBack == 1, fmt.Sprintf("%+v", c)
	})
	s.steady(s.collectors)
	if after := s.collectors.running(); !slices.Equal(before, after) {
		s.t.Errorf("the collectors of before were replaced: %+v", s.collectors.counted())
	}
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

// orderly demands what happened to a service's tasks since the beginning.
func (s *site) orderly(v *service, want counts) {
	s.t.Helper()
	if got := v.counted(); got != want {
		s.t.Errorf("%s: %+v; want %+v", v.name, got, want)
	}
}
