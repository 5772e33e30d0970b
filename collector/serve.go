package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"github.com/gantry-dev/gantry/collector/access"
	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/query/rows"
	"github.com/gantry-dev/gantry/collector/sink"
	"github.com/gantry-dev/gantry/proto/transport"
)

type allCmd struct {
	ServeFlags
	GRPCFlags
	IngestFlags
	SinkFlags
	PlateKeyFlags
	QueryFlags
}

// Run runs every role.
func (c *allCmd) Run(ctx context.Context, log *slog.Logger) error {
	return serve(ctx, log, settings{ServeFlags: &c.ServeFlags, grpc: &c.GRPCFlags, sink: &c.SinkFlags, ingest: &c.IngestFlags, plateKeyFile: c.PlateKeyFile, query: &c.QueryFlags, warehouse: c.ClickhouseAddr, warehouseTLS: c.ClickHouseTLSFlags})
}

type ingestCmd struct {
	ServeFlags
	GRPCFlags
	IngestFlags
	PlateKeyFlags
}

// Run accepts readings, and answers for the fleet since it follows it anyway.
func (c *ingestCmd) Run(ctx context.Context, log *slog.Logger) error {
	return serve(ctx, log, settings{ServeFlags: &c.ServeFlags, grpc: &c.GRPCFlags, ingest: &c.IngestFlags, plateKeyFile: c.PlateKeyFile})
}

type sinkCmd struct {
	ServeFlags
	SinkFlags
	PlateKeyFlags
}

// Run writes readings to ClickHouse.
func (c *sinkCmd) Run(ctx context.Context, log *slog.Logger) error {
	return serve(ctx, log, settings{ServeFlags: &c.ServeFlags, sink: &c.SinkFlags, plateKeyFile: c.PlateKeyFile})
}

type queryCmd struct {
	ServeFlags
	GRPCFlags
	ClickhouseAddr string `default:"127.0.0.1:9000" help:"ClickHouse's native protocol, host:port."`
	ClickHouseTLSFlags
	QueryFlags
}

// Run answers for the fleet and for traffic.
func (c *queryCmd) Run(ctx context.Context, log *slog.Logger) error {
	return serve(ctx, log, settings{ServeFlags: &c.ServeFlags, grpc: &c.GRPCFlags, query: &c.QueryFlags, warehouse: c.ClickhouseAddr, warehouseTLS: c.ClickHouseTLSFlags})
}

// settings say what a process does: grpc is nil without a gRPC listener, sink
// without the sink, ingest where no reading is accepted, query where nobody asks
// for traffic; warehouse is ClickHouse's address for query.
type settings struct {
	*ServeFlags
	grpc   *GRPCFlags
	sink   *SinkFlags
	ingest *IngestFlags

	plateKeyFile string

	query        *QueryFlags
	warehouse    string
	warehouseTLS ClickHouseTLSFlags
}

// collector is one running process.
type collector struct {
	settings
	log   *slog.Logger
	group *group

	// Listeners, and what stands behind them.
	grpcListener, httpListener, adminListener net.Listener
	grpcServer                                *grpc.Server
	services                                  *health.Server
	httpServer, adminServer                   *http.Server
	adminGRPC                                 *grpc.Server
	tls                                       *transport.TLS // of gRPC and HTTP; nil in the clear
	health                                    *healthState
	guard, httpGuard                          *access.Guard
	// data is what the HTTP port serves behind the guard.
	data                 *http.ServeMux
	api                  door
	planner, enforcement *rows.Source

	kafkaConfig kafka.ClientConfig
	sinkConfig  sink.Config
	plateKey    platekey.Key
	client      *kgo.Client
	network     *kafka.NetworkView
	taker       *ingest.Server
	metrics     *prometheus.Registry
	started     chan struct{} // closed once every role runs
	schema      chan struct{} // closed once raw is migrated

	healthPart, httpPart, adminPart, grpcPart, networkPart *part
	leasePart, positionsPart, ingestPart, sinkPart         *part
}

func newCollector(log *slog.Logger, s settings) *collector {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &collector{
		settings: s, log: log, group: newGroup(log), metrics: metrics,
		started: make(chan struct{}), schema: make(chan struct{}),
	}
}

// gcPercent is the garbage that the heap may grow by, in percent of what
// lives: what lives are mostly columns without pointers, cheap to go over, so
// that Go's 100 would spend memory and save little time. GOGC wins.
const gcPercent = 50

// serve runs a process until the context ends, or a part of it fails.
func serve(ctx context.Context, log *slog.Logger, s settings) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	c := newCollector(log.With("collector_id", s.id()), s)
	// What can be wrong with flags and ports is found before anything runs.
	if err := c.prepare(); err != nil {
		return err
	}
	return c.run(ctx)
}

// run starts everything, waits, and stops everything.
func (c *collector) run(ctx context.Context) error {
	c.log.Info("collector starting", "version", version, "grpc", addrOf(c.grpcListener), "http", addrOf(c.httpListener), "kafka", c.KafkaBrokers)
	c.startHTTP()
	err := c.startRoles(ctx)
	if err == nil {
		c.log.Info("collector is ready")
		select {
		case <-ctx.Done():
		case err = <-c.group.failed:
		}
	}
	cause := err
	if ctx.Err() != nil {
		// Told to stop; whatever start-up was doing then failed of it.
		cause, err = context.Cause(ctx), nil
	}
	c.log.Info("collector stopping", "cause", cause, "within", c.ShutdownTimeout)
	began := time.Now()
	c.stop()
	c.log.Info("collector stopped", "took_ms", time.Since(began).Milliseconds())
	return err
}

// prepare checks files and takes ports.
func (c *collector) prepare() error {
	var err error
	if c.kafkaConfig, err = c.ServeFlags.client("gantry-"+c.id(), c.log); err != nil {
		return err
	}
	if c.ingest != nil && c.ingest.BackfillGroup != "" && !c.ingest.JSONTopics {
		return errors.New("--backfill-group names who reads a JSON topic, but none is written: add --json-topics, or leave it out")
	}
	if c.sink != nil || c.writesJSON() {
		if c.plateKey, err = platekey.Load(c.plateKeyFile); err != nil {
			return err
		}
	}
	if c.sink != nil {
		if err := c.prepareSink(); err != nil {
			return err
		}
	}
	if c.client, err = kafka.NewClient(c.kafkaConfig); err != nil {
		return err
	}
	if err := c.prepareListeners(); err != nil || c.grpc == nil {
		return err
	}
	if c.query != nil {
		at, err := c.warehouseTLS.at(c.warehouse, c.log)
		if err != nil {
			return err
		}
		if c.planner, c.enforcement, err = c.query.sources(at, c.log); err != nil {
			return err
		}
	}
	return c.prepareAccess()
}

// writesJSON says whether readings go to the JSON topics too.
func (c *collector) writesJSON() bool { return c.ingest != nil && c.ingest.JSONTopics }

func (c *collector) prepareSink() error {
	cfg, err := c.sink.config(c.log)
	if err != nil {
		return err
	}
	c.sinkConfig = sink.DefaultConfig(c.kafkaConfig, cfg, c.plateKey)
	c.sinkConfig.SkipReadings = !c.sink.SinkReadings
	c.sinkConfig.Crash = crashHook()
	c.sinkConfig.ShutdownWait = time.Duration(float64(c.ShutdownTimeout) * flushShare)
	return nil
}

// startHTTP brings /healthz and /metrics up, so that waiting can be seen.
func (c *collector) startHTTP() {
	// Without its broker no role can work. Without ClickHouse ingest can, so
	// there it must not turn agents away.
	checks := []healthCheck{{name: "kafka", vital: true, probe: c.client.Ping}}
	if c.sink != nil {
		checks = append(checks, healthCheck{name: "clickhouse", vital: c.ingest == nil, probe: c.probeClickHouse})
	}
	c.health = newHealthState(c.started, checks...)
	c.healthPart = c.group.start("health", c.health.run)

	var data http.Handler
	if c.data != nil {
		data = c.httpGuard.Handler(c.data)
	}
	c.httpServer = newHTTPServer(c.health, c.metrics, c.httpListener.Addr(), data)
	c.httpServer.ErrorLog = slog.NewLogLogger(c.log.Handler(), slog.LevelDebug) // of callers' making, mostly
	if c.tls != nil {
		c.httpServer.TLSConfig = c.tls.Server(tls.NoClientCert, "h2", "http/1.1")
	}
	c.httpPart = c.group.start("http", serveHTTP(c.httpServer, c.httpListener))
	if c.adminListener != nil {
		c.adminServer, c.adminGRPC = newAdminServer(c.adminListener.Addr())
		c.adminPart = c.group.start("admin", serveHTTP(c.adminServer, c.adminListener))
	}
}

// serveHTTP serves until the context ends, and gives requests under way a
// second then.
func serveHTTP(s *http.Server, l net.Listener) func(context.Context) error {
	return func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- serveOn(s, l) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			grace, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if s.Shutdown(grace) != nil {
				return s.Close()
			}
			return nil
		}
	}
}

// serveOn serves by TLS where that is set up.
func serveOn(s *http.Server, l net.Listener) error {
	if s.TLSConfig != nil {
		return s.ServeTLS(l, "", "")
	}
	return s.Serve(l)
}

// startRoles starts the roles in the order of the way of a reading backwards:
// nothing is let in before there is a way on.
func (c *collector) startRoles(ctx context.Context) error {
	if err := c.ensureTopics(ctx); err != nil {
		return err
	}
	if c.sink != nil {
		c.sinkPart = c.group.start("sink", c.runSink)
	}
	if c.grpc != nil {
		if err := c.startFleet(ctx); err != nil {
			return err
		}
	}
	close(c.started)
	return nil
}

// ensureTopics waits for Kafka.
func (c *collector) ensureTopics(ctx context.Context) error {
	var more []kafka.Topic
	if c.writesJSON() {
		more = kafka.JSONTopics()
	}
	for {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := kafka.EnsureTopics(attempt, c.client, c.ReplicationFactor, more...)
		cancel()
		if err == nil {
			return nil
		}
		c.log.Warn("Kafka is not there yet, trying again", "brokers", c.KafkaBrokers, "error", err)
		if err := c.pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// pause waits, unless the process is to stop.
func (c *collector) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-c.group.failed:
		return err
	case <-time.After(d):
		return nil
	}
}

// runSink migrates first, for as long as ClickHouse is away. A database that
// does not fit this program ends the process: it is for people to put right.
func (c *collector) runSink(ctx context.Context) error {
	carrier, err := sink.New(c.sinkConfig, c.log, c.metrics)
	if err != nil {
		return err
	}
	if err := c.awaitSchema(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	close(c.schema)
	c.log.Info("raw schema is up to date", "clickhouse", c.sinkConfig.ClickHouse.Addr)
	return carrier.Run(ctx)
}

// awaitSchema migrates until it succeeds, can never succeed, or the context
// ends, which is no error. Whatever else is wrong is tried again: readings are
// safe in Kafka meanwhile, and /healthz and the log say what it is.
func (c *collector) awaitSchema(ctx context.Context) error {
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Minute)
		err := migrate(attempt, c.sinkConfig.ClickHouse)
		cancel()
		if err == nil || errors.Is(err, clickhouse.ErrSchema) {
			return err
		}
		c.log.Warn("raw schema could not be brought up to date, trying again", "clickhouse", c.sinkConfig.ClickHouse.Addr, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(3 * time.Second):
		}
	}
	return nil
}

// probeClickHouse asks for an answer, and whether the sink has its tables.
func (c *collector) probeClickHouse(ctx context.Context) error {
	client, err := clickhouse.Dial(ctx, c.sinkConfig.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := client.Ping(ctx); err != nil {
		return err
	}
	if !closed(c.schema) {
		return errors.New("raw schema is not up to date: see the log, or run `collector migrate`")
	}
	return nil
}

func addrOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}
