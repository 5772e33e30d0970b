package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/gantry-dev/gantry/collector/access"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// methods walks every method of every service of the contract.
func methods(t *testing.T) map[string]gantryv1.Role {
	t.Helper()
	out := map[string]gantryv1.Role{}
	protoregistry.GlobalFiles.RangeFilesByPackage("gantry.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			for j := range service.Methods().Len() {
				name := fmt.Sprintf("/%s/%s", service.FullName(), service.Methods().Get(j).Name())
				out[name] = access.RoleOf(name)
			}
		}
		return true
	})
	return out
}

func writeTokens(t *testing.T, lines ...string) string {
	t.Helper()
	return secretFile(t, "tokens", strings.Join(lines, "\n"))
}

func digest(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }

// callers are the tokens of doorsOf, by role; nobody has none.
var callers = map[string]gantryv1.Role{
	"": 0, "agent": gantryv1.Role_ROLE_AGENT, "viewer": gantryv1.Role_ROLE_VIEWER, "operator": gantryv1.Role_ROLE_OPERATOR,
	"planner": gantryv1.Role_ROLE_PLANNER, "enforcement": gantryv1.Role_ROLE_ENFORCEMENT,
}

// may says who may use a method on loopback, written out once more so that a
// slip in the guard's tables is seen.
func may(caller string, needed gantryv1.Role) bool {
	list := map[string]string{
		"": "AGENT VIEWER PLANNER", "agent": "AGENT", "viewer": "VIEWER", "planner": "VIEWER PLANNER",
		"enforcement": "VIEWER PLANNER ENFORCEMENT", "operator": "VIEWER PLANNER OPERATOR",
	}[caller]
	return strings.Contains(" "+list+" ", " "+strings.TrimPrefix(needed.String(), "ROLE_")+" ")
}

// TestEveryDoorAsksForTheRole walks every method of the query services, every
// caller and every door of a running collector whose ClickHouse is away: who
// may ask learns that, and who may not learns nothing.
func TestEveryDoorAsksForTheRole(t *testing.T) {
	broker := kafkatest.Fake(t)
	applyNetwork(t, broker)
	var tokens []string
	for name := range callers {
		if name != "" {
			tokens = append(tokens, name+" "+digest("token-"+name))
		}
	}
	password := writeTokens(t, "any")
	c, _ := start(t, settings{
		ServeFlags: serveFlags(broker), warehouse: "127.0.0.1:1",
		query: &QueryFlags{ClickhousePlannerUser: "planner", ClickhouseEnforcementUser: "enforcement", ClickhouseEnforcementPasswordFile: password},
		grpc:  &GRPCFlags{GRPCAddr: "127.0.0.1:0", Reflection: true, LeaseTTL: 3 * time.Second, AccessFlags: AccessFlags{TokensFile: writeTokens(t, tokens...)}},
	})
	conn := dial(t, c)
	web := "http://" + c.httpListener.Addr().String()
	tried := 0
	for method, needed := range methods(t) {
		if strings.Contains(method, "Watch") && needed != gantryv1.Role_ROLE_PLANNER || strings.Contains(method, "IngestService") {
			continue // open streams end in no answer; ingest has but one door
		}
		for caller := range callers {
			tried++
			want := may(caller, needed)
			if got := admitted(grpcCode(t, conn, method, caller)); got != want {
				t.Errorf("gRPC: %q may use %s: %v, want %v", caller, method, got, want)
			}
			if got := admittedHTTP(t, http.MethodPost, web+method, caller); got != want {
				t.Errorf("Connect: %q may use %s: %v, want %v", caller, method, got, want)
			}
			name, isQuery := strings.CutPrefix(method, "/gantry.v1.QueryService/")
			if isQuery && !strings.HasPrefix(name, "Watch") && admittedHTTP(t, http.MethodGet, web+"/csv/"+name, caller) != want {
				t.Errorf("CSV: %q may use %s: %v, want %v", caller, method, !want, want)
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d tried", tried)
	}
}

// TestLooksAreInTheAuditTopic: whichever door they come by, and even though
// nothing can be answered.
func TestLooksAreInTheAuditTopic(t *testing.T) {
	broker := kafkatest.Fake(t)
	applyNetwork(t, broker)
	c, _ := start(t, settings{
		ServeFlags: serveFlags(broker), warehouse: "127.0.0.1:1",
		query: &QueryFlags{ClickhousePlannerUser: "planner", ClickhouseEnforcementUser: "enforcement", ClickhouseEnforcementPasswordFile: writeTokens(t, "any")},
		grpc: &GRPCFlags{GRPCAddr: "127.0.0.1:0", LeaseTTL: 3 * time.Second,
			AccessFlags: AccessFlags{TokensFile: writeTokens(t, "inspector enforcement "+digest("token-enforcement")+" never")}},
	})
	const method = "/gantry.v1.QueryService/ListViolations"
	web := "http://" + c.httpListener.Addr().String()
	if !admittedHTTP(t, http.MethodGet, web+"/csv/ListViolations?station_id=s1&purpose=csv", "enforcement") {
		t.Error("CSV was refused")
	}
	for _, header := range []string{"connect", "grpc"} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer token-enforcement", "gantry-purpose", header)
		port := c.grpcListener
		if header == "connect" {
			port = c.httpListener
		}
		conn, err := grpc.NewClient(port.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if code := status.Code(conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{})); code != codes.Unavailable {
			t.Errorf("%s: %s, want ClickHouse to be away", header, code)
		}
	}
	client := kafkatest.Client(t, broker, kgo.ConsumeTopics(kafka.TopicAudit))
	var seen []string
	for len(seen) < 3 {
		client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			var a access.AuditRecord
			if err := json.Unmarshal(r.Value, &a); err != nil || a.Caller != "inspector" || a.Method != method || a.Via != access.ViaToken || a.Peer != "127.0.0.1" {
				t.Errorf("%s: %v", r.Value, err)
			}
			seen = append(seen, a.Purpose+a.Filters["station_id"])
		})
	}
	if want := []string{"csvs1", "connect", "grpc"}; !slices.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

// admitted says whether a code is that of an answer and not of a closed door.
func admitted(code codes.Code) bool {
	return code != codes.PermissionDenied && code != codes.Unauthenticated
}

// grpcCode calls a method with an empty request, which every request may be.
func grpcCode(t *testing.T, conn *grpc.ClientConn, method, caller string) codes.Code {
	t.Helper()
	ctx := t.Context()
	if caller != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer token-"+caller)
	}
	return status.Code(conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{}))
}

// admittedHTTP asks over HTTP, with Connect's JSON if by POST.
func admittedHTTP(t *testing.T, verb, url, caller string) bool {
	t.Helper()
	body, kind := "{}", "application/json"
	if strings.Contains(url, "Watch") {
		body, kind = "\x00\x00\x00\x00\x02{}", "application/connect+json" // a stream's envelope
	}
	req, err := http.NewRequestWithContext(t.Context(), verb, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if caller != "" {
		req.Header.Set("Authorization", "Bearer token-"+caller)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(resp.StatusCode, " ", string(answer))
	return !strings.Contains(text, "permission_denied") && !strings.Contains(text, "unauthenticated") &&
		resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusForbidden
}
