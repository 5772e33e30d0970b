package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/lease"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Network is what readings are judged by; *kafka.NetworkView is one.
type Network interface {
	// Snapshot is the present network.
	Snapshot() *kafka.NetworkSnapshot
	// Ready is closed once the network has been read.
	Ready() <-chan struct{}
}

// Leases tells which devices a stream carries; *lease.Manager is one.
type Leases interface {
	// Join adds a stream.
	Join(ctx context.Context, s lease.Session) (*lease.Membership, error)
}

// Server is gantry.v1.IngestService. The gRPC server it is registered with
// must have been made with Config.ServerOptions.
type Server struct {
	gantryv1.UnimplementedIngestServiceServer
	cfg       Config
	network   Network
	leases    Leases
	positions *Positions
	client    *kgo.Client // produces readings and dead letters
	credit    *credit
	metrics   *metrics
	began     time.Time

	// produceCtx outlives streams: what was given to Kafka is not called
	// back because an agent left.
	produceCtx  context.Context
	stopProduce context.CancelFunc

	draining chan struct{} // closed by Drain
	drain    sync.Once
	closing  sync.Once

	mu      sync.Mutex
	streams map[*stream]struct{}
	gone    chan struct{} // a stream has left; has room for one
	pace    pace

	checkpointing sync.Mutex  // held while checkpoints are written
	checkpoints   *kgo.Client // writes them
}

// New makes a Server over its sources. It produces through clients of its
// own. Run must run while it serves, and positions.Run and the network's too.
// leases may be nil: then agents carry what they were told by hand.
func New(cfg Config, network Network, leases Leases, positions *Positions) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	client, err := kafka.NewClient(cfg.Kafka)
	if err != nil {
		return nil, err
	}
	checkpoints, err := newCheckpointClient(cfg.Kafka)
	if err != nil {
		client.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		cfg: cfg, network: network, leases: leases, positions: positions,
		client: client, checkpoints: checkpoints, credit: newCredit(&cfg), metrics: newMetrics(cfg.Metrics), began: time.Now(),
		produceCtx: ctx, stopProduce: cancel,
		draining: make(chan struct{}), streams: map[*stream]struct{}{}, gone: make(chan struct{}, 1),
	}, nil
}

// Run works in the background (checkpoints, pace of backfill) until the
// context ends; it closes the client then and returns nil. Call Drain before
// that.
func (s *Server) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	wait.Go(func() { s.writeCheckpoints(ctx) })
	wait.Go(func() { s.watchLag(ctx) })
	wait.Wait()
	s.closing.Do(func() {
		s.stopProduce()
		s.client.Close()
		s.checkpoints.Close()
	})
	return nil
}

// enter registers a stream.
func (s *Server) enter(st *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.draining:
		return unavailable("The collector stops: connect to another.")
	default:
	}
	if len(s.streams) >= s.cfg.MaxStreams {
		return unavailable(fmt.Sprintf("The collector has %d streams, as many as it may: connect to another.", s.cfg.MaxStreams))
	}
	s.streams[st] = struct{}{}
	s.metrics.streams.Set(float64(len(s.streams)))
	return nil
}

func (s *Server) leave(st *stream) {
	st.fail(unavailable("The stream has ended.")) // frees whoever waits
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.streams, st)
	s.metrics.streams.Set(float64(len(s.streams)))
	select {
	case s.gone <- struct{}{}:
	default:
	}
}

// acquire waits for credit while the stream lives.
func (s *Server) acquire(ctx context.Context, f *flight) error {
	began := time.Now()
	if err := s.credit.acquire(ctx, f); err != nil {
		return unavailable("The stream ended while it waited for Kafka.")
	}
	if waited := time.Since(began); waited > time.Millisecond {
		s.metrics.creditWaits.Add(waited.Seconds())
	}
	records, bytes := f.cost()
	s.metrics.records.Add(float64(records))
	s.metrics.recordBytes.Add(float64(bytes))
	return nil
}

// giveBack returns a flight's credit.
func (s *Server) giveBack(f *flight) {
	records, bytes := f.cost()
	s.metrics.records.Sub(float64(records))
	s.metrics.recordBytes.Sub(float64(bytes))
	s.credit.release(f)
}

// Drain asks all agents to finish and go, waits until they have or the
// context ends, and writes the last checkpoints. No stream is taken
// afterwards.
func (s *Server) Drain(ctx context.Context) error {
	s.drain.Do(func() { close(s.draining) })
	err := s.awaitEmpty(ctx)
	// Checkpoints are worth a little more time than the budget: without them
	// the next collector starts behind and everything since is sent twice.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.CheckpointTimeout/4)
	defer cancel()
	return errors.Join(err, s.flushCheckpoints(last))
}

// awaitEmpty waits until no stream is left; when the context ends first, it
// ends those that are.
func (s *Server) awaitEmpty(ctx context.Context) error {
	for {
		s.mu.Lock()
		left := len(s.streams)
		s.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-s.gone:
		case <-ctx.Done():
			s.mu.Lock()
			for st := range s.streams {
				st.fail(unavailable("The collector stops and cannot wait any longer: connect to another."))
			}
			s.mu.Unlock()
			return fmt.Errorf("drain: %d streams did not end in time; their agents send again what was not answered", left)
		}
	}
}
