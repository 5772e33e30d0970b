package main

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/gantry-dev/gantry/collector/access"
)

// Limits of the gRPC server.
const (
	// Windows do not grow: with the library's dynamic ones a stalled Kafka
	// would let each stream buffer 16 MiB before its sender noticed.
	streamWindowBytes = 1 << 20
	connWindowBytes   = 2 << 20
	maxRecvBytes      = 4 << 20
	maxSendBytes      = 16 << 20
	maxHeaderBytes    = 16 << 10
	maxStreams        = 256
)

// newGRPCServer makes a server with every limit set and the guard in front;
// extra are a service's own options.
func newGRPCServer(g *access.Guard, extra ...grpc.ServerOption) *grpc.Server {
	opts := []grpc.ServerOption{
		grpc.StaticStreamWindowSize(streamWindowBytes),
		grpc.StaticConnWindowSize(connWindowBytes),
		grpc.MaxRecvMsgSize(maxRecvBytes),
		grpc.MaxSendMsgSize(maxSendBytes),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		// The default answers an agent's ping every 30 s with GOAWAY.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(g.Unary),
		grpc.ChainStreamInterceptor(g.Stream),
	}
	return grpc.NewServer(append(opts, extra...)...)
}

// registerStandard adds health, and reflection where wanted; call it last.
func registerStandard(s *grpc.Server, withReflection bool) *health.Server {
	h := health.NewServer()
	for name := range s.GetServiceInfo() {
		h.SetServingStatus(name, grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	}
	h.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(s, h)
	if withReflection {
		reflection.Register(s)
	}
	return h
}

// setServing tells every service's health; services that come later are not
// concerned.
func setServing(s *grpc.Server, h *health.Server, serving bool) {
	state := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if serving {
		state = grpc_health_v1.HealthCheckResponse_SERVING
	}
	h.SetServingStatus("", state)
	for name := range s.GetServiceInfo() {
		if !access.IsOpen(name) {
			h.SetServingStatus(name, state)
		}
	}
}
