//go:build linux

package standin_test

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// service keeps a count of tasks of one definition running, as ECS does.
type service struct {
	site       *site
	name       string
	deployment deployment
	// behind registers tasks with the balancer; nil for a service that
	// nobody calls.
	behind *balancer

	quit, ended chan struct{}

	mu       sync.Mutex
	want     int
	current  *definition
	before   *definition // what a release that fails goes back to
	failures int         // tasks of current that died before they were well
	tasks    []*task
	count    counts
	problem  error // the stand-in's own
}

// counts are what has happened to a service's tasks.
type counts struct {
	Started int
	// Stopped ended on SIGTERM, Killed were too slow for it, Died were not
	// told to end.
	Stopped, Killed, Died int
	RolledBack            int
}

// stepEvery is how often a service looks at its tasks.
const stepEvery = 100 * time.Millisecond

func newService(s *site, name string, d deployment, behind *balancer) *service {
	v := &service{site: s, name: name, deployment: d, behind: behind, quit: make(chan struct{}), ended: make(chan struct{})}
	go v.run()
	s.services = append(s.services, v)
	return v
}

func (v *service) run() {
	defer close(v.ended)
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	for {
		select {
		case <-v.quit:
			return
		case <-tick.C:
			v.step()
		}
	}
}

// update sets what the service is to be; a definition that is another than the
// current one is a release.
func (v *service) update(d *definition, want int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d != v.current {
		v.current, v.before, v.failures = d, v.current, 0
	}
	v.want = want
}

// step does what is to be done now.
func (v *service) step() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bury()
	v.breakCircuit()
	if v.current == nil {
		return
	}
	var news, olds []*task
	ready := 0
	for _, t := range v.tasks {
		well, sick, stopping := t.is()
		if stopping {
			continue
		}
		if sick {
			v.retire(t)
			continue
		}
		if v.ready(t, well) {
			ready++
		}
		if t.definition == v.current {
			news = append(news, t)
		} else {
			olds = append(olds, t)
		}
	}
	v.startMissing(len(news), len(news)+len(olds))
	for len(news) > v.want { // scaled in: the oldest first
		v.retire(news[0])
		news = news[1:]
	}
	v.retireOld(olds, ready)
}

// ready says whether a task counts as healthy.
func (v *service) ready(t *task, well bool) bool {
	return well && (v.behind == nil || v.behind.healthy(t.ns.addr.String()))
}

func (v *service) startMissing(news, running int) {
	limit := max(v.want*v.deployment.maximum/100, v.want)
	for ; news < v.want && running < limit; news, running = news+1, running+1 {
		t, err := startTask(v.site, v.current, v.site.nextTask())
		if err != nil {
			v.problem = fmt.Errorf("%s: %w", v.name, err)
			return
		}
		v.tasks = append(v.tasks, t)
		v.count.Started++
		if v.behind != nil {
			v.behind.register(t.ns.addr.String())
		}
	}
}

// retireOld stops tasks of the release before, as many as may be away.
func (v *service) retireOld(olds []*task, ready int) {
	least := (v.want*v.deployment.minimumHealthy + 99) / 100
	for _, t := range olds {
		well, _, _ := t.is()
		if v.ready(t, well) {
			if ready <= least {
				continue
			}
			ready--
		}
		v.retire(t)
	}
}

// retire takes a task out in order.
func (v *service) retire(t *task) {
	if !t.markStopping() {
		return
	}
	go func() {
		if v.behind != nil {
			v.behind.drain(t.ns.addr.String())
			t.endsWithin(v.behind.group.drain)
		}
		t.stop(t.definition.stopTimeout)
	}()
}

// bury forgets tasks that are gone, and counts how they went.
func (v *service) bury() {
	v.tasks = slices.DeleteFunc(v.tasks, func(t *task) bool {
		if !t.gone() {
			return false
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		switch {
		case t.killed:
			v.count.Killed++
		case t.stopping && t.cmd.ProcessState.Success():
			v.count.Stopped++
		default:
			v.count.Died++
		}
		if !t.ever && !t.stopping && t.definition == v.current {
			v.failures++
		}
		if v.behind != nil {
			v.behind.deregister(t.ns.addr.String())
		}
		v.site.metadata.remove(t.id)
		t.ns.close()
		return true
	})
}

// breakCircuit goes back to the release before when half of the wanted tasks,
// but three at the least, did not come up.
func (v *service) breakCircuit() {
	const least, most = 3, 200
	if !v.deployment.rollback || v.before == nil || v.failures < min(max(least, (v.want+1)/2), most) {
		return
	}
	v.current, v.before, v.failures = v.before, nil, 0
	v.count.RolledBack++
}

// steady says whether the service is what it is to be, and how far it is.
func (v *service) steady() (bool, string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.problem != nil {
		return false, v.problem.Error()
	}
	ready := 0
	for _, t := range v.tasks {
		well, _, stopping := t.is()
		if !stopping && t.definition == v.current && v.ready(t, well) {
			ready++
		}
	}
	return ready == v.want && len(v.tasks) == v.want,
		fmt.Sprintf("%s: %d of %d ready, %d tasks, %+v", v.name, ready, v.want, len(v.tasks), v.count)
}

// running are the tasks that nobody has told to stop.
func (v *service) running() []*task {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(v.tasks), func(t *task) bool {
		_, _, stopping := t.is()
		return stopping
	})
}

func (v *service) counted() counts {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count
}

// close ends the service and kills what it has.
func (v *service) close() {
	close(v.quit)
	<-v.ended
	for _, t := range v.tasks {
		t.kill()
		t.ns.close()
	}
}
