package rows

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Key is one column of a list's order.
type Key struct {
	// Name of the field and column.
	Name string
	// Type of ClickHouse that its value is compared as.
	Type string
}

// Order is what identifies a row, in the order of the list.
type Order struct {
	// Keys of a row.
	Keys []Key
	// Newest puts the largest first.
	Newest bool
}

// By orders by keys, each a name, or a name and its type if it is no String.
func By(keys ...string) Order {
	var o Order
	for _, k := range keys {
		name, databaseType, typed := strings.Cut(k, " ")
		if !typed {
			databaseType = "String"
		}
		o.Keys = append(o.Keys, Key{Name: name, Type: databaseType})
	}
	return o
}

// NewestFirst puts the largest first.
func (o Order) NewestFirst() Order {
	o.Newest = true
	return o
}

// Page continues a select behind the row that token names, for size rows and
// one more that tells whether there is a next page.
func (s Select) Page(order Order, size uint32, token string) (Select, error) {
	var names, bound []string
	for _, k := range order.Keys {
		names = append(names, k.Name)
		bound = append(bound, "{after_"+k.Name+":"+k.Type+"}")
	}
	relation, suffix := " > ", ""
	if order.Newest {
		relation, suffix = " < ", " DESC"
	}
	out := s
	if token != "" {
		values, err := readToken(order.Keys, token)
		if err != nil {
			return Select{}, err
		}
		out.Where = append(slices.Clip(out.Where), "("+strings.Join(names, ", ")+")"+relation+"("+strings.Join(bound, ", ")+")")
		out.Args = slices.Clip(out.Args)
		for i, k := range order.Keys {
			out.Args = append(out.Args, Arg("after_"+k.Name, values[i]))
		}
	}
	out.Tail = "ORDER BY " + strings.Join(names, suffix+", ") + suffix + " LIMIT {page_rows:UInt64}"
	out.Args = append(slices.Clip(out.Args), Arg("page_rows", uint64(size)+1))
	return out, nil
}

// Token names a row of the list.
func (o Order) Token(row protoreflect.Message) string {
	values := make([]string, 0, len(o.Keys))
	for _, k := range o.Keys {
		values = append(values, row.Get(row.Descriptor().Fields().ByName(protoreflect.Name(k.Name))).String())
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings always become JSON
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// readToken gives the values of a token, as parameters.
func readToken(keys []Key, token string) ([]any, error) {
	wrong := status.Errorf(codes.InvalidArgument, "page_token %q is none that this list gave: leave it empty to begin", token)
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, wrong
	}
	var values []string
	if json.Unmarshal(text, &values) != nil || len(values) != len(keys) {
		return nil, wrong
	}
	out := make([]any, len(values))
	for i, v := range values {
		if out[i], err = keyValue(keys[i].Type, v); err != nil {
			return nil, wrong
		}
	}
	return out, nil
}

// keyValue checks a value and gives it as its type's parameter.
func keyValue(databaseType, v string) (any, error) {
	switch {
	case strings.HasPrefix(databaseType, "DateTime"):
		return time.Parse(time.RFC3339Nano, v)
	case databaseType == "Date":
		_, err := time.Parse(time.DateOnly, v)
		return v, err
	case strings.HasPrefix(databaseType, "UInt"):
		var n uint64
		err := json.Unmarshal([]byte(v), &n)
		return n, err
	}
	return v, nil
}
