package query

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/gantry-dev/gantry/collector/query/sheet"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// csvHandler answers GET /csv/METHOD?FIELD=VALUE with all rows of a method of
// QueryService.
type csvHandler struct {
	traffic *Traffic
	guard   Guard
}

// ServeHTTP asks for page after page and writes each as it comes.
func (h *csvHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	invoke, method := unaryOf(name)
	if method == nil {
		httpError(w, status.Errorf(codes.NotFound, "there is no CSV of %q: a method of gantry.v1.QueryService that is no stream has one, as /csv/ListStations", name))
		return
	}
	ctx := r.Context()
	req, err := h.request(r, method)
	if err == nil {
		err = h.guard.Admit(ctx, "/"+string(method.Parent().FullName())+"/"+name, req.Interface())
	}
	if err != nil {
		httpError(w, err)
		return
	}
	ask := func() (protoreflect.Message, error) { return invoke(ctx, h.traffic, req) }
	first, err := ask()
	if err != nil {
		httpError(w, err)
		return
	}
	describe(w, name, first)
	if err := h.write(w, req, first, ask); err != nil {
		// The status is sent already: a download cut short must not look whole.
		panic(http.ErrAbortHandler)
	}
}

// request reads the request; its pages are as large as can be.
func (h *csvHandler) request(r *http.Request, method protoreflect.MethodDescriptor) (protoreflect.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	if err != nil {
		return nil, err
	}
	req := t.New()
	query := r.URL.Query()
	if query.Has("page_size") || query.Has("page_token") {
		return nil, status.Error(codes.InvalidArgument, "page_size, page_token: a CSV has all rows; leave them out")
	}
	if err := sheet.Ask(query, req); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if fd := method.Input().Fields().ByName("page_size"); fd != nil {
		req.Set(fd, protoreflect.ValueOfUint32(h.traffic.cfg.MaxRows))
	}
	return req, nil
}

// write writes the header, the rows of answer, and those of the pages after it.
func (h *csvHandler) write(w http.ResponseWriter, req, answer protoreflect.Message, ask func() (protoreflect.Message, error)) error {
	table := sheet.Of(answer.Descriptor())
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(table.Header()); err != nil {
		return err
	}
	for total := 0; ; {
		n, err := table.Write(out, answer)
		if err != nil {
			return err
		}
		out.Flush()
		next := answer.Descriptor().Fields().ByName("next_page_token")
		if next == nil || answer.Get(next).String() == "" {
			return out.Error()
		}
		if total += n; total >= h.traffic.cfg.MaxCSVRows {
			return fmt.Errorf("more than %d rows", total)
		}
		req.Set(field(req, "page_token"), answer.Get(next))
		if answer, err = ask(); err != nil {
			return err
		}
	}
}

// describe sets the headers of a download.
func describe(w http.ResponseWriter, method string, answer protoreflect.Message) {
	basis, _ := answer.Get(field(answer, "basis")).Message().Interface().(*gantryv1.Basis)
	asOf := strings.NewReplacer(":", "", "-", "").Replace(basis.GetAsOf())
	if asOf == "" {
		asOf = "no-data"
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="gantry-%s-%s.csv"`, method, asOf))
	h.Set("Gantry-As-Of", basis.GetAsOf())
	h.Set("Gantry-Computed-At", basis.GetComputedAt())
	if c := basis.GetCompleteness(); c != nil {
		h.Set("Gantry-Completeness", fmt.Sprintf("%d of %d %s", c.MeasuredCount, c.ExpectedCount, c.Of))
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// unary calls a method of the service by its name.
type unary func(ctx context.Context, t *Traffic, req protoreflect.Message) (protoreflect.Message, error)

// unaryOf finds a method that is no stream; nil when there is none.
func unaryOf(name string) (unary, protoreflect.MethodDescriptor) {
	method := gantryv1.File_gantry_v1_query_proto.Services().ByName("QueryService").Methods().ByName(protoreflect.Name(name))
	for _, desc := range gantryv1.QueryService_ServiceDesc.Methods {
		if method == nil || desc.MethodName != name {
			continue
		}
		return func(ctx context.Context, t *Traffic, req protoreflect.Message) (protoreflect.Message, error) {
			resp, err := desc.Handler(t, ctx, func(into any) error {
				proto.Merge(into.(proto.Message), req.Interface())
				return nil
			}, nil)
			if err != nil {
				return nil, err
			}
			return resp.(proto.Message).ProtoReflect(), nil
		}, method
	}
	return nil, nil
}

// httpError writes an error as text, with the status that fits its code.
func httpError(w http.ResponseWriter, err error) {
	s := status.Convert(err)
	code := http.StatusInternalServerError
	switch s.Code() {
	case codes.InvalidArgument:
		code = http.StatusBadRequest
	case codes.Unauthenticated:
		code = http.StatusUnauthorized
	case codes.PermissionDenied:
		code = http.StatusForbidden
	case codes.NotFound:
		code = http.StatusNotFound
	case codes.ResourceExhausted:
		code = http.StatusRequestEntityTooLarge
	case codes.FailedPrecondition, codes.Unavailable:
		code = http.StatusServiceUnavailable
	case codes.DeadlineExceeded:
		code = http.StatusGatewayTimeout
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, s.Message(), code)
}
