package query_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/query"
	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func TestMain(m *testing.M) { clickhousetest.Main(m) }

// stages is Kafka as a test wants it.
type stages struct {
	figures query.KafkaFigures
	err     error
}

// Kafka implements query.Stages.
func (s stages) Kafka(context.Context) (query.KafkaFigures, error) { return s.figures, s.err }

// doors are the ways to one service over a warehouse.
type doors struct {
	*querytest.Warehouse
	grpc *grpc.ClientConn
	http string
}

// open serves a warehouse at every door, to everybody.
func open(t *testing.T, w *querytest.Warehouse, limits rows.Limits, edit ...func(*query.Config)) *doors {
	t.Helper()
	cfg := query.DefaultConfig()
	cfg.FreshFor, cfg.PlacesFor = 0, 0
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	for _, e := range edit {
		e(&cfg)
	}
	traffic := query.NewTraffic(cfg, w.Source(clickhousetest.Planner, limits), w.Source(clickhousetest.Enforcement, limits), stages{figures: query.KafkaFigures{Produced: 7}})
	f := newFleet(1)
	fleet := query.NewFleet(cfg, f, f, f)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	gantryv1.RegisterQueryServiceServer(s, traffic)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	web := httptest.NewUnstartedServer(query.Handler(traffic, fleet, anybody{}))
	web.Config.Protocols = &http.Protocols{}
	web.Config.Protocols.SetHTTP1(true)
	web.Config.Protocols.SetUnencryptedHTTP2(true)
	web.Start()
	t.Cleanup(web.Close)
	return &doors{Warehouse: w, grpc: conn, http: web.URL}
}

func (d *doors) client() gantryv1.QueryServiceClient { return gantryv1.NewQueryServiceClient(d.grpc) }

// at is a clock that stands.
func at(moment string) func(*query.Config) {
	now, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		panic(err)
	}
	return func(c *query.Config) { c.Now = func() time.Time { return now } }
}

// anybody may call everything.
type anybody struct{}

func (anybody) Connect() connect.Interceptor {
	return connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc { return next })
}

func (anybody) Admit(context.Context, string, proto.Message) error { return nil }
