package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kadm"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/lease"
	"github.com/gantry-dev/gantry/collector/query"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// startFleet starts what every process with a gRPC listener follows (network,
// leases, positions), waits until each has been read to the end, and only
// then serves: a reading can only be judged, and a question only be answered,
// by what is known.
func (c *collector) startFleet(ctx context.Context) error {
	c.network = kafka.NewNetworkView(c.kafkaConfig, c.log)
	c.networkPart = c.group.start("network", c.network.Run)
	if err := c.awaitReady(ctx, c.network.Ready()); err != nil {
		return err
	}
	manager, err := lease.New(lease.Config{
		CollectorID: c.id(),
		TTL:         c.grpc.LeaseTTL,
		Devices:     func() []string { return c.network.Snapshot().DeviceIDs() },
		Kafka:       c.kafkaConfig,
		Log:         c.log,
		Metrics:     c.metrics,
		Crash:       crashHook(),
	})
	if err != nil {
		return err
	}
	c.leasePart = c.group.start("lease", manager.Run)
	positions := ingest.NewPositions(c.kafkaConfig, c.ingestConfig().MaxDeviceEpochs, c.log)
	c.positionsPart = c.group.start("positions", positions.Run)
	for _, ready := range []<-chan struct{}{manager.Ready(), positions.Ready()} {
		if err := c.awaitReady(ctx, ready); err != nil {
			return err
		}
	}
	return c.serveGRPC(manager, positions)
}

func (c *collector) ingestConfig() ingest.Config {
	cfg := ingest.DefaultConfig(c.id(), c.kafkaConfig)
	cfg.LeaseTTL = c.grpc.LeaseTTL
	if c.ingest != nil {
		cfg.WriteJSON, cfg.PlateKey = c.ingest.JSONTopics, c.plateKey
		if c.ingest.BackfillGroup != "" {
			cfg.BackfillTopic, cfg.BackfillGroup = kafka.TopicBackfillJSON, c.ingest.BackfillGroup
		}
	}
	cfg.Log, cfg.Metrics, cfg.Crash = c.log, c.metrics, crashHook()
	return cfg
}

// serveGRPC registers the services and opens the door.
func (c *collector) serveGRPC(manager *lease.Manager, positions *ingest.Positions) error {
	cfg := c.ingestConfig()
	var options []grpc.ServerOption
	if c.ingest != nil {
		taker, err := ingest.New(cfg, c.network, manager, positions)
		if err != nil {
			return err
		}
		c.taker = taker
		c.ingestPart = c.group.start("ingest", taker.Run)
		options = cfg.ServerOptions()
	}
	if c.tls != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(c.tls.Server(c.clientAuth(), "h2"))))
	}
	c.grpcServer = newGRPCServer(c.guard, options...)
	if c.ingest != nil {
		gantryv1.RegisterIngestServiceServer(c.grpcServer, c.taker)
	}
	c.registerQuery(manager, positions)
	c.services = registerStandard(c.grpcServer, c.grpc.Reflection)
	c.grpcPart = c.group.start("grpc", func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- c.grpcServer.Serve(c.grpcListener) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return stopGRPC(c.grpcServer)
		}
	})
	setServing(c.grpcServer, c.services, true)
	return nil
}

// registerQuery registers what answers questions, on the gRPC server and behind
// the HTTP server's door.
func (c *collector) registerQuery(manager *lease.Manager, positions *ingest.Positions) {
	cfg := query.DefaultConfig()
	cfg.Log = c.log
	fleet := query.NewFleet(cfg, c.network, leaseSource{manager}, positionSource{positions})
	gantryv1.RegisterFleetServiceServer(c.grpcServer, fleet)
	if c.query == nil {
		return
	}
	traffic := query.NewTraffic(cfg, c.planner, c.enforcement, stageSource{kadm.NewClient(c.client)})
	gantryv1.RegisterQueryServiceServer(c.grpcServer, traffic)
	c.api.open(query.Handler(traffic, fleet, c.httpGuard))
}

// awaitReady waits for a part to have caught up.
func (c *collector) awaitReady(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case err := <-c.group.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
