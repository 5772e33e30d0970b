package query

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// list says how a table answers a List method. A row of the answer has the
// table's columns by the names of its fields; a field of the request is a
// filter by its name.
type list struct {
	// table, or a subquery in parentheses.
	table string
	// columns are expressions for fields that are no column of the same name.
	columns map[string]string
	// group are the keys that rows are put together by; none when empty.
	group string
	// order of the rows.
	order rows.Order
	// filters by field of the request.
	filters map[string]filter
	// moment is the column that the request's from and to bound; empty when it
	// has none.
	moment string
	// of says in words what measured and expected count, over all rows that
	// the filters let pass. Empty counts nothing.
	of, measured, expected string
	// enforcement asks as the enforcement user, for a purpose.
	enforcement bool
}

// listed answers a list request: it fills resp, whose one repeated message
// field takes the rows.
func listed[R proto.Message](ctx context.Context, t *Traffic, l list, req proto.Message, resp R) (R, error) {
	var none R
	source, err := t.source(l.enforcement)
	if err != nil {
		return none, err
	}
	r := req.ProtoReflect()
	if l.enforcement {
		if err := purpose(r); err != nil {
			return none, err
		}
	}
	fresh, err := t.freshness(ctx)
	if err != nil {
		return none, err
	}
	query := rows.Select{Table: l.table, Columns: l.columns, Group: l.group}
	if err := t.narrow(ctx, l, r, fresh, &query); err != nil {
		return none, err
	}
	basis := fresh.basis()
	if l.of != "" {
		if basis.Completeness, err = count(ctx, source, l, query); err != nil {
			return none, err
		}
	}
	m := resp.ProtoReflect()
	m.Set(field(m, "basis"), protoreflect.ValueOfMessage(basis.ProtoReflect()))
	return resp, t.page(ctx, source, l, query, r, m)
}

// page reads one page of query into the response, and the token of the next.
func (t *Traffic) page(ctx context.Context, source *rows.Source, l list, query rows.Select, req, resp protoreflect.Message) error {
	size := uint32(req.Get(field(req, "page_size")).Uint())
	if size == 0 {
		size = t.cfg.DefaultRows
	}
	size = min(size, t.cfg.MaxRows)
	query, err := query.Page(l.order, size, req.Get(field(req, "page_token")).String())
	if err != nil {
		return err
	}
	into := rowsField(resp.Descriptor())
	out := resp.Mutable(into).List()
	err = source.Fill(ctx, query, into.Message(), func() protoreflect.Message {
		out.Append(out.NewElement())
		return out.Get(out.Len() - 1).Message()
	})
	if err != nil {
		return err
	}
	if out.Len() > int(size) {
		out.Truncate(int(size))
		last := out.Get(out.Len() - 1).Message()
		resp.Set(field(resp, "next_page_token"), protoreflect.ValueOfString(l.order.Token(last)))
	}
	return nil
}

// count tells how complete the rows of query are.
func count(ctx context.Context, source *rows.Source, l list, query rows.Select) (*gantryv1.Completeness, error) {
	c := &gantryv1.Completeness{Of: l.of}
	statement := "SELECT toUInt64(ifNull(" + l.measured + ", 0)), toUInt64(ifNull(" + l.expected + ", 0)) FROM " + l.table + query.Conditions()
	_, err := source.One(ctx, statement, query.Args, &c.MeasuredCount, &c.ExpectedCount)
	return c, err
}

// fill reads a select into messages that add gives.
func fill[M proto.Message](ctx context.Context, source *rows.Source, query rows.Select, add func() M) error {
	var row M
	return source.Fill(ctx, query, row.ProtoReflect().Descriptor(), func() protoreflect.Message { return add().ProtoReflect() })
}

func field(m protoreflect.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Descriptor().Fields().ByName(name)
}

// rowsField is the repeated message field of a response; nil without one.
func rowsField(md protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd.IsList() && fd.Message() != nil {
			return fd
		}
	}
	return nil
}

// purpose refuses a question about single vehicles that says no reason.
func purpose(req protoreflect.Message) error {
	if req.Get(field(req, "purpose")).String() == "" {
		return status.Error(codes.InvalidArgument, "purpose: say why this is asked, as a case number; it stands in the audit log")
	}
	return nil
}
