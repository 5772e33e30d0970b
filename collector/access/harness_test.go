package access

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Addresses that a listener may have.
var (
	onLoopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	open       = &net.TCPAddr{IP: net.IPv4zero, Port: 8080}
)

// procedures walks every method of every service of the contract.
func procedures(t *testing.T) map[string]protoreflect.MethodDescriptor {
	t.Helper()
	out := map[string]protoreflect.MethodDescriptor{}
	protoregistry.GlobalFiles.RangeFilesByPackage("gantry.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				m := methods.Get(j)
				out[fmt.Sprintf("/%s/%s", f.Services().Get(i).FullName(), m.Name())] = m
			}
		}
		return true
	})
	if len(out) < 40 {
		t.Fatalf("found only %d methods", len(out))
	}
	return out
}

// memoryAudit keeps records for a test, or fails.
type memoryAudit struct {
	mu      sync.Mutex
	fail    error
	records []AuditRecord
}

func (a *memoryAudit) Append(_ context.Context, r AuditRecord) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail == nil {
		a.records = append(a.records, r)
	}
	return a.fail
}

func (a *memoryAudit) take() []AuditRecord {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.records = nil }()
	return a.records
}

// noon is what tests call now.
var noon = time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)

func tokenLine(name, roles, secret, expires string) string {
	return fmt.Sprintf("%s %s %x %s", name, roles, sha256.Sum256([]byte(secret)), expires)
}

func tokensFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// testConfig logs to the test and stands at noon.
func testConfig(t *testing.T, audit AuditLog) Config {
	cfg := DefaultConfig()
	cfg.Audit, cfg.Now = audit, func() time.Time { return noon }
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	return cfg
}

func openAccess(t *testing.T, cfg Config) *Access {
	t.Helper()
	a, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// descs makes grpc-go services of the whole contract whose methods do nothing.
func descs(t *testing.T) map[string]*grpc.ServiceDesc {
	services := map[string]*grpc.ServiceDesc{}
	for procedure, m := range procedures(t) {
		name := string(m.Parent().FullName())
		if services[name] == nil {
			services[name] = &grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil)}
		}
		d := services[name]
		if m.IsStreamingClient() || m.IsStreamingServer() {
			d.Streams = append(d.Streams, grpc.StreamDesc{StreamName: string(m.Name()), ServerStreams: true, ClientStreams: true,
				Handler: func(_ any, s grpc.ServerStream) error { return s.RecvMsg(&emptypb.Empty{}) }})
			continue
		}
		d.Methods = append(d.Methods, grpc.MethodDesc{MethodName: string(m.Name()),
			Handler: func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
				in := &emptypb.Empty{}
				if err := decode(in); err != nil {
					return nil, err
				}
				return intercept(ctx, in, &grpc.UnaryServerInfo{FullMethod: procedure}, func(context.Context, any) (any, error) { return &emptypb.Empty{}, nil })
			}})
	}
	return services
}

// grpcServer serves the contract with grpc-go and returns its address.
func grpcServer(t *testing.T, g *Guard, opts ...grpc.ServerOption) string {
	t.Helper()
	s := grpc.NewServer(append(opts, grpc.UnaryInterceptor(g.Unary), grpc.StreamInterceptor(g.Stream))...)
	for _, d := range descs(t) {
		s.RegisterService(d, struct{}{})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String()
}

// httpServer serves the contract with Connect, and each method as plain HTTP
// under /csv/, as far as they have one question. It returns its URL.
func httpServer(t *testing.T, g *Guard) string {
	t.Helper()
	mux := http.NewServeMux()
	g.Routes(mux)
	guarded := connect.WithInterceptors(g.Connect())
	for procedure, m := range procedures(t) {
		if m.IsStreamingServer() || m.IsStreamingClient() {
			mux.Handle(procedure, connect.NewBidiStreamHandler(procedure, func(_ context.Context, s *connect.BidiStream[emptypb.Empty, emptypb.Empty]) error {
				_, err := s.Receive()
				return err
			}, guarded))
			continue
		}
		mux.Handle(procedure, connect.NewUnaryHandler(procedure, func(context.Context, *connect.Request[emptypb.Empty]) (*connect.Response[emptypb.Empty], error) {
			return connect.NewResponse(&emptypb.Empty{}), nil
		}, guarded))
		mux.HandleFunc("GET /csv"+procedure, func(w http.ResponseWriter, r *http.Request) {
			if err := g.Admit(r.Context(), procedure, nil); err != nil {
				http.Error(w, err.Error(), httpStatus(err))
			}
		})
	}
	s := httptest.NewUnstartedServer(g.Handler(mux))
	s.Config.Protocols = &http.Protocols{}
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func dial(t *testing.T, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
