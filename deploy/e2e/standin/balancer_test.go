//go:build linux

package standin_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// targetGroup is what the template says of the balancer's targets.
type targetGroup struct {
	port                    int
	checkURL                string // with %s for the target's address
	interval, timeout       time.Duration
	healthyAfter, sickAfter int
	// drain is how long a target that goes keeps its connections before its
	// task is told to stop.
	drain time.Duration
}

// balancer stands for a network load balancer in front of a service: each new
// connection goes to the next healthy target, or to the next of all when none
// is. A target that goes gets no new connections and keeps those it has.
type balancer struct {
	group   targetGroup
	forward *forwarder
	client  *http.Client

	mu      sync.Mutex
	targets []*target
	next    int
}

// target is one task behind the balancer.
type target struct {
	host              string
	healthy, draining bool
	good, bad         int // checks in a row
	stop              context.CancelFunc
}

var errNoTarget = errors.New("no collector is registered")

func newBalancer(t *testing.T, group targetGroup) *balancer {
	t.Helper()
	b := &balancer{group: group, client: &http.Client{
		Timeout: group.timeout,
		// A target group looks at no certificate, and keeps no connection.
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}}
	b.forward = forward(t, net.JoinHostPort(hostAddress.String(), strconv.Itoa(group.port)), b.pick)
	return b
}

// pick takes targets in turn.
func (b *balancer) pick() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	usable := b.those(func(t *target) bool { return t.healthy && !t.draining })
	if len(usable) == 0 {
		usable = b.those(func(t *target) bool { return !t.draining })
	}
	if len(usable) == 0 {
		return "", errNoTarget
	}
	b.next++
	return b.address(usable[b.next%len(usable)].host), nil
}

func (b *balancer) those(ok func(*target) bool) []*target {
	return slices.DeleteFunc(slices.Clone(b.targets), func(t *target) bool { return !ok(t) })
}

func (b *balancer) address(host string) string {
	return net.JoinHostPort(host, strconv.Itoa(b.group.port))
}

// register begins to look at a target.
func (b *balancer) register(host string) {
	ctx, stop := context.WithCancel(context.Background())
	t := &target{host: host, stop: stop}
	b.mu.Lock()
	b.targets = append(b.targets, t)
	b.mu.Unlock()
	go b.watch(ctx, t)
}

func (b *balancer) watch(ctx context.Context, t *target) {
	tick := time.NewTicker(b.group.interval)
	defer tick.Stop()
	for {
		well := b.probe(ctx, t.host)
		b.mu.Lock()
		if well {
			t.good, t.bad = t.good+1, 0
		} else {
			t.good, t.bad = 0, t.bad+1
		}
		t.healthy = t.healthy && t.bad < b.group.sickAfter || t.good >= b.group.healthyAfter
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (b *balancer) probe(ctx context.Context, host string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.group.checkURL, nil)
	if err != nil {
		return false
	}
	req.URL.Host = net.JoinHostPort(host, req.URL.Port())
	res, err := b.client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// healthy says whether a target would get connections.
func (b *balancer) healthy(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.those(func(t *target) bool { return t.host == host && t.healthy && !t.draining })) > 0
}

// drain sends a target no more connections.
func (b *balancer) drain(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.targets {
		if t.host == host {
			t.draining = true
		}
	}
}

// deregister forgets a target that is gone, with what is left of its
// connections.
func (b *balancer) deregister(host string) {
	b.mu.Lock()
	b.targets = slices.DeleteFunc(b.targets, func(t *target) bool {
		if t.host == host {
			t.stop()
		}
		return t.host == host
	})
	b.mu.Unlock()
	b.forward.cut(b.address(host))
}
