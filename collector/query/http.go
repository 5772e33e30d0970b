package query

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
	"github.com/gantry-dev/gantry/proto/gen/gantry/v1/gantryv1connect"
)

// Guard decides over calls, as access.Guard does.
type Guard interface {
	// Connect guards the methods of Connect's services.
	Connect() connect.Interceptor
	// Admit lets a call of a procedure, as
	// "/gantry.v1.QueryService/GetNetwork", go on when it returns nil. It may
	// complete the request.
	Admit(ctx context.Context, procedure string, request proto.Message) error
}

// Sizes of messages over HTTP.
const (
	maxRequestBytes  = 1 << 20
	maxResponseBytes = 16 << 20
	compressBytes    = 1 << 10
)

// Handler answers over HTTP with the implementations that the gRPC server has:
// Connect, gRPC-Web and gRPC, in binary and JSON, under the services' names, and
// CSV under /csv/. Every call passes the guard.
func Handler(t *Traffic, f *Fleet, guard Guard) http.Handler {
	options := []connect.HandlerOption{
		connect.WithInterceptors(ownErrors{}, guard.Connect()),
		connect.WithReadMaxBytes(maxRequestBytes),
		connect.WithSendMaxBytes(maxResponseBytes),
		connect.WithCompressMinBytes(compressBytes),
		connect.WithCompression("gzip", func() connect.Decompressor { return &gzip.Reader{} }, fastGzip),
	}
	mux := http.NewServeMux()
	mux.Handle(gantryv1connect.NewQueryServiceHandler(connectTraffic{t}, options...))
	mux.Handle(gantryv1connect.NewFleetServiceHandler(connectFleet{f}, options...))
	mux.Handle("GET /csv/{method}", &csvHandler{traffic: t, guard: guard})
	return mux
}

// fastGzip packs as fast as it can: a matrix of a month in JSON took longer to
// be packed by the default level than to be made, for a sixth less of size.
func fastGzip() connect.Compressor {
	w, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is one of its own
	}
	return w
}

// HTTPPrefixes are the paths that Handler answers.
func HTTPPrefixes() []string {
	return []string{"/" + gantryv1connect.QueryServiceName + "/", "/" + gantryv1connect.FleetServiceName + "/", "/csv/"}
}

// ownErrors gives errors of ours the code that they have.
type ownErrors struct{}

// WrapUnary implements connect.Interceptor.
func (ownErrors) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		resp, err := next(ctx, req)
		if err != nil {
			return nil, connectError(err)
		}
		return resp, nil
	}
}

// WrapStreamingHandler implements connect.Interceptor.
func (ownErrors) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return connectError(next(ctx, conn))
	}
}

// WrapStreamingClient implements connect.Interceptor; there are no clients here.
func (ownErrors) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// connectError is a gRPC status as connect has it: the codes are the same. The
// guard's errors are connect's already.
func connectError(err error) error {
	if _, ok := errors.AsType[*connect.Error](err); ok {
		return err
	}
	if s, ok := status.FromError(err); err != nil && ok {
		return connect.NewError(connect.Code(s.Code()), errors.New(s.Message()))
	}
	return err
}

// connectTraffic and connectFleet are the same services with connect's kind of
// stream.
type (
	connectTraffic struct{ *Traffic }
	connectFleet   struct{ *Fleet }
)

// WatchLiveStations serves connect's stream.
func (c connectTraffic) WatchLiveStations(ctx context.Context, req *gantryv1.WatchLiveStationsRequest, stream *connect.ServerStream[gantryv1.WatchLiveStationsResponse]) error {
	return c.Traffic.WatchLiveStations(req, &connectStream[gantryv1.WatchLiveStationsResponse]{ctx: ctx, to: stream})
}

// WatchDevices serves connect's stream.
func (c connectFleet) WatchDevices(ctx context.Context, req *gantryv1.WatchDevicesRequest, stream *connect.ServerStream[gantryv1.WatchDevicesResponse]) error {
	return c.Fleet.WatchDevices(req, &connectStream[gantryv1.WatchDevicesResponse]{ctx: ctx, to: stream})
}

// connectStream is connect's stream as far as our services use grpc-go's.
type connectStream[M any] struct {
	grpc.ServerStream // nil: nothing else of it is used
	ctx               context.Context
	to                *connect.ServerStream[M]
}

// Context is that of the call.
func (s *connectStream[M]) Context() context.Context { return s.ctx }

// Send sends one message.
func (s *connectStream[M]) Send(m *M) error { return s.to.Send(m) }
