package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const listViolations = gantryv1.QueryService_ListViolations_FullMethodName

// inspector is a context of a call by somebody who may see violations.
func inspector(t *testing.T, g *Guard, pairs ...string) context.Context {
	t.Helper()
	md := metadata.Pairs(append([]string{"authorization", "Bearer e"}, pairs...)...)
	ctx, err := g.enterGRPC(metadata.NewIncomingContext(t.Context(), md))
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

func auditGuard(t *testing.T, audit AuditLog, log *slog.Logger) *Guard {
	cfg := testConfig(t, audit)
	cfg.TokensFile = tokensFile(t, tokenLine("inspector", "enforcement", "e", "never"), tokenLine("planner", "planner", "p", "never"))
	if log != nil {
		cfg.Log = log
	}
	return openAccess(t, cfg).Guard(open)
}

// TestAuditRecord: who, what, when and why; what was answered is not in it,
// nor a field that nobody put on the list.
func TestAuditRecord(t *testing.T) {
	const plate = "GA77XYZ"
	audit, text := &memoryAudit{}, &bytes.Buffer{}
	g := auditGuard(t, audit, slog.New(slog.NewJSONHandler(text, nil)))
	request := &gantryv1.ListViolationsRequest{
		StationId: "s1", From: "2026-03-06T08:00:00Z", To: "2026-03-06T09:00:00Z", MinOverKmh: 20.5, UsableOnly: true,
		PageToken: plate, Purpose: "case 7",
	}
	ctx := inspector(t, g)
	_, err := g.Unary(metadata.NewIncomingContext(ctx, metadata.Pairs("authorization", "Bearer e")), request, &grpc.UnaryServerInfo{FullMethod: listViolations},
		func(context.Context, any) (any, error) {
			if len(audit.records) != 1 {
				t.Error("the method ran before the record was there")
			}
			return &gantryv1.GetEvidenceResponse{}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	records := audit.take()
	want := AuditRecord{At: noon, Caller: "inspector", Via: ViaToken, Peer: "invalid IP", Method: listViolations, Purpose: "case 7", Filters: map[string]string{
		"station_id": "s1", "from": "2026-03-06T08:00:00Z", "to": "2026-03-06T09:00:00Z", "min_over_kmh": "20.5", "usable_only": "true"}}
	got, _ := json.Marshal(records)
	wanted, _ := json.Marshal([]AuditRecord{want})
	if !bytes.Equal(got, wanted) {
		t.Errorf("got\n%s\nwant\n%s", got, wanted)
	}
	for _, has := range []string{"inspector", "case 7", "s1", listViolations} {
		if !strings.Contains(text.String(), has) {
			t.Errorf("the log lacks %s: %s", has, text)
		}
	}
	if strings.Contains(text.String(), plate) || bytes.Contains(got, []byte(plate)) {
		t.Errorf("a plate got into the audit log: %s", text)
	}
}

// silent are fields of enforcement requests that must not be in the audit log,
// or are there in another place.
var silent = map[protoreflect.Name]bool{"purpose": true, "page_token": true}

// TestAuditKnowsEveryField: whoever adds a filter decides whether it is noted.
func TestAuditKnowsEveryField(t *testing.T) {
	found := 0
	for procedure, m := range procedures(t) {
		if RoleOf(procedure) != gantryv1.Role_ROLE_ENFORCEMENT {
			continue
		}
		found++
		fields := m.Input().Fields()
		for i := range fields.Len() {
			if name := fields.Get(i).Name(); auditFields[name] == silent[name] {
				t.Errorf("%s of %s: put it on auditFields, or here if it could hold a plate", name, m.Input().FullName())
			}
		}
		if fields.ByName("purpose") == nil {
			t.Errorf("%s asks for no purpose", m.Input().FullName())
		}
	}
	if found < 3 {
		t.Errorf("only %d methods of enforcement", found)
	}
}

// TestPurpose: by header or field, the field first; and none is refused.
func TestPurpose(t *testing.T) {
	for _, c := range []struct {
		name, header, field, want string
		code                      codes.Code
	}{
		{name: "none", code: codes.InvalidArgument},
		{name: "blank", header: " \t", code: codes.InvalidArgument},
		{name: "header", header: "case 7", want: "case 7"},
		{name: "field", field: "Fall 7: Straße", want: "Fall 7: Straße"},
		{name: "both", header: "case 7", field: "case 8", want: "case 8"},
		{name: "two lines", field: "case 7\nforged", code: codes.InvalidArgument},
		{name: "long", field: strings.Repeat("x", 257), code: codes.InvalidArgument},
	} {
		audit := &memoryAudit{}
		g := auditGuard(t, audit, nil)
		request := &gantryv1.GetEvidenceRequest{Purpose: c.field}
		var pairs []string
		if c.header != "" {
			pairs = []string{"gantry-purpose", c.header}
		}
		err := g.Admit(inspector(t, g, pairs...), gantryv1.QueryService_GetEvidence_FullMethodName, request)
		records := audit.take()
		if status.Code(err) != c.code || (len(records) == 1) != (c.code == codes.OK) {
			t.Errorf("%s: %v with %d records", c.name, err, len(records))
		}
		if c.code == codes.OK && (records[0].Purpose != c.want || request.Purpose != c.want) {
			t.Errorf("%s: noted %q, handed on %q", c.name, records[0].Purpose, request.Purpose)
		}
		if c.code != codes.OK && !strings.Contains(err.Error(), "purpose: ") {
			t.Errorf("%s: %v does not name the field", c.name, err)
		}
	}
}

// TestNothingIsShownWithoutAuditLog: fail closed, for enforcement alone.
func TestNothingIsShownWithoutAuditLog(t *testing.T) {
	for name, audit := range map[string]AuditLog{"failing": &memoryAudit{fail: errors.New("no broker")}, "none": nil} {
		g := auditGuard(t, audit, nil)
		ran := false
		_, err := g.Unary(metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer e", "gantry-purpose", "case 7")),
			proto.Message(&gantryv1.ListViolationsRequest{}), &grpc.UnaryServerInfo{FullMethod: listViolations},
			func(context.Context, any) (any, error) { ran = true; return nil, nil })
		if status.Code(err) != codes.Unavailable || ran || strings.Contains(err.Error(), "no broker") {
			t.Errorf("%s: %v, ran %v", name, err, ran)
		}
		if err := g.Admit(inspector(t, g), liveStations, nil); err != nil {
			t.Errorf("%s: a planner's question: %v", name, err)
		}
	}
}
