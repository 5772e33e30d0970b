package ingest

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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
	client    *kgo.Client
}

// New makes a Server over its sources. It produces through a client of its
// own. Run must run while it serves, and positions.Run and the network's too.
func New(cfg Config, network Network, leases Leases, positions *Positions) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return nil, errors.New("not yet")
}

// Run works in the background (checkpoints, credit for backfill) until the
// context ends. Call Drain before that.
func (s *Server) Run(ctx context.Context) error { return nil }

// Drain asks all agents to finish and go, waits until they have or the
// context ends, and writes the last checkpoints. No stream is taken
// afterwards.
func (s *Server) Drain(ctx context.Context) error { return nil }

// Connect is the stream of an agent.
func (s *Server) Connect(stream grpc.BidiStreamingServer[gantryv1.ConnectRequest, gantryv1.ConnectResponse]) error {
	return status.Error(codes.Unimplemented, "not yet")
}
