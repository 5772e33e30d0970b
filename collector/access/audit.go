package access

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// AuditLog keeps records for good.
type AuditLog interface {
	// Append returns nil only when the record is durable.
	Append(ctx context.Context, record AuditRecord) error
}

// AuditRecord is one look at single vehicles: who, what, when and why. It
// never holds a plate.
type AuditRecord struct {
	// At is when it was asked, UTC.
	At time.Time `json:"at"`
	// Caller and Via say who asked and how that is known.
	Caller string `json:"caller"`
	// Via is one of the constants Via….
	Via string `json:"via"`
	// Peer is the address it was asked from.
	Peer string `json:"peer"`
	// Method is "/package.Service/Method".
	Method string `json:"method"`
	// Purpose is why, in the caller's words.
	Purpose string `json:"purpose"`
	// Filters are which sites, times and readings were asked for.
	Filters map[string]string `json:"filters"`
}

// auditFields are the fields of requests that stand in the audit log. Others
// do not, whatever they may come to hold; a test holds the contract against
// this list.
var auditFields = map[protoreflect.Name]bool{
	"station_id": true, "from_station_id": true, "from": true, "to": true,
	"device_id": true, "epoch": true, "seq": true,
	"usable_only": true, "min_over_kmh": true, "page_size": true,
}

// maxFilterBytes cuts what a caller wrote into a field.
const maxFilterBytes = 64

// note writes the audit record of a call that needs one, and lets it go on
// only when that is durable.
func (g *Guard) note(ctx context.Context, procedure string, request proto.Message) error {
	if RoleOf(procedure) != gantryv1.Role_ROLE_ENFORCEMENT {
		return nil
	}
	v, _ := ctx.Value(visitKey{}).(visit)
	purpose, err := g.purpose(v.purpose, request)
	if err != nil {
		return err
	}
	record := AuditRecord{
		At: g.cfg.Now().UTC(), Caller: v.caller.Name, Via: v.caller.Via, Peer: v.peer,
		Method: procedure, Purpose: purpose, Filters: filters(request),
	}
	if err := g.append(ctx, record); err != nil {
		g.metrics.audited.WithLabelValues("failed").Inc()
		g.cfg.Log.Error("audit log cannot be written, so a look at single vehicles was refused", "caller", record.Caller, "method", procedure, "error", err)
		return refuse(codes.Unavailable, "the audit log cannot be written, and nothing about single vehicles is shown without it: try again, and tell the operator if that does not help")
	}
	g.metrics.audited.WithLabelValues("written").Inc()
	g.cfg.Log.Info("look at single vehicles", "caller", record.Caller, "via", record.Via, "peer", record.Peer,
		"method", record.Method, "purpose", record.Purpose, "filters", record.Filters)
	return nil
}

func (g *Guard) append(ctx context.Context, record AuditRecord) error {
	if g.cfg.Audit == nil {
		return fmt.Errorf("this collector has no audit log")
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.AuditTimeout)
	defer cancel()
	return g.cfg.Audit.Append(ctx, record)
}

// purpose takes the header Gantry-Purpose, or the request's field of that
// name, which can hold any letter; what came by the header is put into the
// field.
func (g *Guard) purpose(header string, request proto.Message) (string, error) {
	said := header
	if request != nil {
		m := request.ProtoReflect()
		if f := m.Descriptor().Fields().ByName("purpose"); f != nil && f.Kind() == protoreflect.StringKind {
			if in := m.Get(f).String(); in != "" {
				said = in
			} else if header != "" {
				m.Set(f, protoreflect.ValueOfString(header))
			}
		}
	}
	said = strings.TrimSpace(said)
	switch {
	case said == "":
		return "", refuse(codes.InvalidArgument, "purpose: say why this is asked, as a case number, with the header Gantry-Purpose or the field purpose; it stands in the audit log")
	case len(said) > g.cfg.MaxPurposeBytes:
		return "", refuse(codes.InvalidArgument, "purpose: has %d bytes, more than %d: say it shorter", len(said), g.cfg.MaxPurposeBytes)
	case !utf8.ValidString(said) || strings.ContainsFunc(said, unicode.IsControl):
		return "", refuse(codes.InvalidArgument, "purpose: has characters that cannot be printed: write one line of text")
	}
	return said, nil
}

// filters gives the fields of auditFields that are set.
func filters(request proto.Message) map[string]string {
	out := map[string]string{}
	if request == nil {
		return out
	}
	request.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if auditFields[f.Name()] && !f.IsList() && !f.IsMap() && f.Message() == nil {
			text := strings.ToValidUTF8(v.String(), "?")
			out[string(f.Name())] = strings.ToValidUTF8(text[:min(len(text), maxFilterBytes)], "?")
		}
		return true
	})
	return out
}
