package sheet

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Ask sets the fields of a request by the parameters of a URL.
func Ask(query url.Values, req protoreflect.Message) error {
	fields := req.Descriptor().Fields()
	for _, name := range sorted(query) {
		fd := fields.ByName(protoreflect.Name(name))
		if fd == nil || fd.IsList() || fd.Message() != nil {
			return fmt.Errorf("%s: there is no such parameter; there are %s", name, names(fields))
		}
		if len(query[name]) != 1 {
			return fmt.Errorf("%s: given %d times, once is the most", name, len(query[name]))
		}
		value, err := parse(fd.Kind(), query.Get(name))
		if err != nil {
			return fmt.Errorf("%s: %q is no %s", name, query.Get(name), fd.Kind())
		}
		req.Set(fd, value)
	}
	return nil
}

func parse(kind protoreflect.Kind, text string) (protoreflect.Value, error) {
	switch {
	case kind == protoreflect.StringKind:
		return protoreflect.ValueOfString(text), nil
	case kind == protoreflect.BoolKind:
		v, err := strconv.ParseBool(text)
		return protoreflect.ValueOfBool(v), err
	case kind == protoreflect.Uint32Kind:
		v, err := strconv.ParseUint(text, 10, 32)
		return protoreflect.ValueOfUint32(uint32(v)), err
	case kind == protoreflect.Uint64Kind:
		v, err := strconv.ParseUint(text, 10, 64)
		return protoreflect.ValueOfUint64(v), err
	case kind == protoreflect.DoubleKind:
		v, err := strconv.ParseFloat(text, 64)
		return protoreflect.ValueOfFloat64(v), err
	}
	return protoreflect.Value{}, fmt.Errorf("fields of kind %s cannot be asked for", kind)
}

func sorted(query url.Values) []string {
	out := make([]string, 0, len(query))
	for name := range query {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func names(fields protoreflect.FieldDescriptors) string {
	var out []string
	for i := range fields.Len() {
		out = append(out, string(fields.Get(i).Name()))
	}
	return strings.Join(out, ", ")
}
