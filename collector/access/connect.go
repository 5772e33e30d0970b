package access

import (
	"context"
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Connect is the interceptor for handlers of connectrpc.com/connect that stand
// behind Handler, which found out who calls.
func (g *Guard) Connect() connect.Interceptor { return connectGuard{g} }

type connectGuard struct{ *Guard }

// WrapUnary guards a method of one answer.
func (g connectGuard) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		message, _ := req.Any().(proto.Message)
		if err := g.Admit(ctx, req.Spec().Procedure, message); err != nil {
			return nil, asConnect(err)
		}
		return next(ctx, req)
	}
}

// WrapStreamingClient does nothing: the collector calls nobody.
func (g connectGuard) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler guards a method of several messages.
func (g connectGuard) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := g.allow(ctx, conn.Spec().Procedure); err != nil {
			return asConnect(err)
		}
		return next(ctx, &notedConn{StreamingHandlerConn: conn, ctx: ctx, guard: g.Guard})
	}
}

// notedConn is notedStream for Connect.
type notedConn struct {
	connect.StreamingHandlerConn
	ctx   context.Context
	guard *Guard
	noted bool
}

// Receive notes the first message.
func (c *notedConn) Receive(m any) error {
	if err := c.StreamingHandlerConn.Receive(m); err != nil || c.noted {
		return err
	}
	c.noted = true
	message, _ := m.(proto.Message)
	if err := c.guard.note(c.ctx, c.Spec().Procedure, message); err != nil {
		return asConnect(err)
	}
	return nil
}

func asConnect(err error) error {
	return connect.NewError(connect.Code(codeOf(err)), err)
}

// codeOf is the code of a RefusedError.
func codeOf(err error) codes.Code {
	if r, ok := errors.AsType[*RefusedError](err); ok {
		return r.Code
	}
	return codes.Internal
}
