package access

import (
	"context"
	"net"
	"net/netip"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
)

// Unary is grpc-go's interceptor.
func (g *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := g.enterGRPC(ctx)
	if err != nil {
		return nil, err
	}
	message, _ := req.(proto.Message)
	if err := g.Admit(ctx, info.FullMethod, message); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// Stream is grpc-go's interceptor.
func (g *Guard) Stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := g.enterGRPC(s.Context())
	if err != nil {
		return err
	}
	if err := g.allow(ctx, info.FullMethod); err != nil {
		return err
	}
	return next(srv, &notedStream{ServerStream: s, ctx: ctx, guard: g, procedure: info.FullMethod})
}

// notedStream writes the audit record once the request is there, before the
// method sees it.
type notedStream struct {
	grpc.ServerStream
	ctx       context.Context
	guard     *Guard
	procedure string
	noted     bool
}

// Context knows the caller.
func (s *notedStream) Context() context.Context { return s.ctx }

// RecvMsg notes the first message.
func (s *notedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil || s.noted {
		return err
	}
	s.noted = true
	message, _ := m.(proto.Message)
	return s.guard.note(s.ctx, s.procedure, message)
}

// enterGRPC finds out who calls. Pages cannot speak gRPC but to a port that
// lets them: an Origin, or on loopback a foreign name, is a page that tries.
func (g *Guard) enterGRPC(ctx context.Context) (context.Context, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	if len(md.Get("origin")) > 0 {
		return ctx, refuse(codes.PermissionDenied, "this port is not for pages of a browser: they call the HTTP port")
	}
	if host := md.Get(":authority"); g.here && len(host) > 0 && !isLocalName(host[0]) {
		return ctx, refuse(codes.PermissionDenied, "this listener answers for localhost only: call it as localhost or 127.0.0.1")
	}
	p := proof{header: md.Get}
	if from, ok := peer.FromContext(ctx); ok {
		p.peer = addressOf(from.Addr)
		if info, ok := from.AuthInfo.(credentials.TLSInfo); ok {
			p.tls = &info.State
		}
	}
	return g.enter(ctx, p), nil
}

// addressOf gives the IP address of a peer, or the zero one.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
