//go:build linux

package standin_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	"github.com/gantry-dev/gantry/deploy/local/state"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// leases is what an operator sees of who carries what, through the balancer.
type leases struct {
	site   *site
	client gantryv1.FleetServiceClient
	token  string

	stop, stopped chan struct{}
	takeovers     atomic.Int64
	holders       map[string]string // agent by device
}

// watchLeases counts devices that pass from one agent to another, until end.
func (s *site) watchLeases() *leases {
	s.t.Helper()
	roots, err := credentials.NewClientTLSFromFile(s.tls.CA, "")
	s.check(err)
	addr := net.JoinHostPort(hostAddress.String(), strconv.Itoa(s.collectors.behind.group.port))
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(roots))
	s.check(err)
	s.t.Cleanup(func() { _ = conn.Close() })
	token, err := state.Token(s.dir, "operator")
	s.check(err)
	l := &leases{
		site: s, client: gantryv1.NewFleetServiceClient(conn), token: token,
		stop: make(chan struct{}), stopped: make(chan struct{}), holders: map[string]string{},
	}
	go l.watch()
	return l
}

func (l *leases) list() ([]*gantryv1.DeviceLease, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	res, err := l.client.ListLeases(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+l.token), &gantryv1.ListLeasesRequest{})
	return res.GetLeases(), err
}

func (l *leases) watch() {
	defer close(l.stopped)
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		}
		list, err := l.list()
		if err != nil {
			continue // its collector goes; another answers next time
		}
		for _, lease := range list {
			device, agent := lease.GetDeviceId(), lease.GetAgentId()
			if agent == "" {
				continue
			}
			if before := l.holders[device]; before != "" && before != agent {
				l.takeovers.Add(1)
			}
			l.holders[device] = agent
		}
	}
}

// moved is how many devices have passed from one agent to another.
func (l *leases) moved() int64 { return l.takeovers.Load() }

// end ends the watch.
func (l *leases) end() {
	close(l.stop)
	<-l.stopped
}

// shared waits until each device has an agent, and n agents have devices, or as
// many as there are devices.
func (l *leases) shared(n int) {
	l.site.t.Helper()
	l.site.await(fmt.Sprintf("%d agents carry all devices", n), func() (bool, string) {
		list, err := l.list()
		share := map[string]int{}
		for _, lease := range list {
			share[lease.GetAgentId()]++
		}
		return err == nil && len(list) > 0 && share[""] == 0 && len(share) == min(n, len(list)), fmt.Sprintf("%d devices, %d agents, %v", len(list), len(share), err)
	})
}
