package rows

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Select reads a table as messages.
type Select struct {
	// Table is a table, or a subquery in parentheses.
	Table string
	// Columns are expressions for fields that are no column of the same name.
	Columns map[string]string
	// Where are conditions, all of which must hold; parameters in them are bound
	// to Args.
	Where []string
	// Args of the conditions.
	Args []any
	// Group are the keys that rows are put together by; none when empty.
	Group string
	// Tail is what follows, as an order and a limit.
	Tail string
}

// column is a field that a row fills, and the messages on the way to it.
type column struct {
	way   []protoreflect.FieldDescriptor
	field protoreflect.FieldDescriptor
}

// columnsOf lists the fields of a message, those of messages within it in
// their place. A Basis is about the rows and not of them.
func columnsOf(md protoreflect.MessageDescriptor, way []protoreflect.FieldDescriptor) []column {
	var out []column
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if fd.Name() == "basis" {
			continue
		}
		if fd.Message() != nil && !fd.IsList() {
			out = append(out, columnsOf(fd.Message(), append(way[:len(way):len(way)], fd))...)
			continue
		}
		out = append(out, column{way: way, field: fd})
	}
	return out
}

// Statement is the SQL for rows of md.
func (s Select) Statement(md protoreflect.MessageDescriptor) string {
	var names []string
	for _, c := range columnsOf(md, nil) {
		name := string(c.field.Name())
		if expression, ok := s.Columns[name]; ok {
			name = expression + " AS " + name
		}
		names = append(names, name)
	}
	group := ""
	if s.Group != "" {
		group = " GROUP BY " + s.Group
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + s.Table + s.Conditions() + group + " " + s.Tail
}

// Conditions is the WHERE of the statement; empty without any.
func (s Select) Conditions() string {
	if len(s.Where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(s.Where, " AND ")
}

// Fill reads the rows into a new message each, which add gives.
func (s *Source) Fill(ctx context.Context, query Select, md protoreflect.MessageDescriptor, add func() protoreflect.Message) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	found, err := s.conn.Query(ctx, query.Statement(md), query.Args...)
	if err != nil {
		return s.told(ctx, err)
	}
	defer func() { _ = found.Close() }()
	columns := columnsOf(md, nil)
	types := found.ColumnTypes()
	dest := make([]any, len(columns))
	for i := range dest {
		dest[i] = reflect.New(types[i].ScanType()).Interface()
	}
	for found.Next() {
		if err := found.Scan(dest...); err != nil {
			return s.told(ctx, err)
		}
		row := add()
		for i, c := range columns {
			if err := c.set(row, reflect.ValueOf(dest[i]), types[i].DatabaseTypeName()); err != nil {
				return err
			}
		}
	}
	return s.told(ctx, found.Err())
}

// set puts a scanned value into its field; NULL leaves it absent.
func (c column) set(row protoreflect.Message, v reflect.Value, databaseType string) error {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	for _, fd := range c.way {
		row = row.Mutable(fd).Message()
	}
	if c.field.IsList() {
		list := row.Mutable(c.field).List()
		for i := range v.Len() {
			value, err := convert(c.field, v.Index(i), databaseType)
			if err != nil {
				return err
			}
			list.Append(value)
		}
		return nil
	}
	value, err := convert(c.field, v, databaseType)
	if err == nil {
		row.Set(c.field, value)
	}
	return err
}

// convert gives a column's value as its field has it.
func convert(fd protoreflect.FieldDescriptor, v reflect.Value, databaseType string) (protoreflect.Value, error) {
	switch kind := fd.Kind(); {
	case kind == protoreflect.StringKind && v.Kind() == reflect.String:
		return protoreflect.ValueOfString(v.String()), nil
	case kind == protoreflect.StringKind && v.Type() == reflect.TypeFor[time.Time]():
		return protoreflect.ValueOfString(FormatTime(v.Interface().(time.Time), databaseType)), nil
	case kind == protoreflect.BoolKind && v.Kind() == reflect.Bool:
		return protoreflect.ValueOfBool(v.Bool()), nil
	case kind == protoreflect.Uint32Kind && v.CanUint():
		return protoreflect.ValueOfUint32(uint32(v.Uint())), nil
	case kind == protoreflect.Uint64Kind && v.CanUint():
		return protoreflect.ValueOfUint64(v.Uint()), nil
	case kind == protoreflect.Int64Kind && v.CanInt():
		return protoreflect.ValueOfInt64(v.Int()), nil
	case kind == protoreflect.DoubleKind && v.CanFloat():
		return protoreflect.ValueOfFloat64(v.Float()), nil
	case kind == protoreflect.EnumKind && v.Kind() == reflect.String:
		return enumOf(fd.Enum(), v.String())
	}
	return protoreflect.Value{}, fmt.Errorf("column of type %s cannot be field %s, a %s", databaseType, fd.FullName(), fd.Kind())
}

// EnumPrefix is what the names of an enum's values begin with: VERDICT_ of
// Verdict.
func EnumPrefix(ed protoreflect.EnumDescriptor) string {
	var prefix strings.Builder
	for i, r := range string(ed.Name()) {
		if i > 0 && unicode.IsUpper(r) {
			prefix.WriteByte('_')
		}
		prefix.WriteRune(unicode.ToUpper(r))
	}
	return prefix.String() + "_"
}

// enumOf finds the value that a word names: "insufficient evidence" of Verdict
// is VERDICT_INSUFFICIENT_EVIDENCE.
func enumOf(ed protoreflect.EnumDescriptor, word string) (protoreflect.Value, error) {
	name := EnumPrefix(ed) + strings.ToUpper(strings.ReplaceAll(word, " ", "_"))
	value := ed.Values().ByName(protoreflect.Name(name))
	if value == nil {
		return protoreflect.Value{}, fmt.Errorf("%s has no value for %q", ed.FullName(), word)
	}
	return protoreflect.ValueOfEnum(value.Number()), nil
}

// FormatTime is how a message shows a time of a column: a date as it is, the
// rest as RFC 3339 UTC to the digits that its type has.
func FormatTime(t time.Time, databaseType string) string {
	switch {
	case strings.HasPrefix(databaseType, "DateTime64(6"):
		return t.UTC().Format("2006-01-02T15:04:05.000000Z")
	case strings.HasPrefix(databaseType, "DateTime64"):
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	case strings.HasPrefix(databaseType, "DateTime"):
		return t.UTC().Format(time.RFC3339)
	}
	return t.UTC().Format(time.DateOnly)
}
