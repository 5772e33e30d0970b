package main

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/gantry-dev/gantry/collector/query/rows"
)

// Shares of the time to stop; what is left is for the connections.
const (
	drainShare = 0.35
	flushShare = 0.5
	lingerTime = time.Second
)

// stop ends everything in the order of the way of a reading: no new streams,
// those open are drained, leases are given back, the sink flushes and
// commits, then the connections go. Whatever does not finish in time is cut,
// which loses nothing: what was not acknowledged is sent again, and what was
// not committed is read again.
func (c *collector) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), c.ShutdownTimeout)
	defer cancel()
	c.health.stop()
	if c.grpcServer != nil {
		setServing(c.grpcServer, c.services, false)
		c.drain(ctx)
	} else if c.grpcListener != nil {
		_ = c.grpcListener.Close() // stopped before it came to serving
	}
	c.grpcPart.stop(ctx)
	c.ingestPart.stop(ctx)
	c.leasePart.stop(ctx)
	c.sinkPart.stop(ctx)
	c.positionsPart.stop(ctx)
	c.networkPart.stop(ctx)
	c.healthPart.stop(ctx)
	c.httpPart.stop(ctx)
	for _, source := range []*rows.Source{c.planner, c.enforcement} {
		if source != nil {
			_ = source.Close()
		}
	}
	c.adminPart.stop(ctx)
	if c.adminGRPC != nil {
		c.adminGRPC.Stop()
	}
	c.client.Close()
}

// drain asks agents to go elsewhere and waits for what they have under way.
func (c *collector) drain(ctx context.Context) {
	if c.taker == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(float64(c.ShutdownTimeout)*drainShare))
	defer cancel()
	if err := c.taker.Drain(ctx); err != nil {
		c.log.Warn("streams were not all drained in time and are cut", "error", err)
	}
}

// stopGRPC lets calls under way finish for a moment. GracefulStop alone would
// wait for open watches for ever.
func stopGRPC(s *grpc.Server) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.GracefulStop()
	}()
	select {
	case <-stopped:
	case <-time.After(lingerTime):
		s.Stop()
		<-stopped
	}
	return nil
}
