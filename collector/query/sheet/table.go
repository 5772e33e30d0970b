package sheet

import (
	"encoding/csv"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/gantry-dev/gantry/collector/query/rows"
)

// unixSuffix is of fields in seconds since 1970 UTC; a column has the time
// itself.
const unixSuffix = "_unix_s"

// cellColumn is one column: a field, by the messages on the way to it.
type cellColumn struct {
	way   []protoreflect.FieldDescriptor
	field protoreflect.FieldDescriptor
}

// Table is how the answers of one method become lines.
type Table struct {
	rows    protoreflect.FieldDescriptor // nil when the answer itself is the row
	axis    protoreflect.FieldDescriptor // nil without bins
	columns []cellColumn
}

// Of is the table of a response.
func Of(response protoreflect.MessageDescriptor) Table {
	var t Table
	row := response
	for i := range response.Fields().Len() {
		fd := response.Fields().Get(i)
		switch {
		case fd.IsList() && fd.Message() != nil && t.rows == nil:
			t.rows, row = fd, fd.Message()
		case fd.IsList() && fd.Message() == nil:
			t.axis = fd
		}
	}
	t.columns = columnsOf(row, nil)
	if t.rows == nil {
		t.axis = nil
	}
	return t
}

// columnsOf lists the fields of a row. A basis is about the answer and no
// column, and what repeats within a row, but for numbers, has no place in a
// line.
func columnsOf(md protoreflect.MessageDescriptor, way []protoreflect.FieldDescriptor) []cellColumn {
	var out []cellColumn
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		switch {
		case fd.Name() == "basis", fd.Name() == "next_page_token", fd.IsList() && fd.Message() != nil:
		case fd.Message() != nil:
			out = append(out, columnsOf(fd.Message(), append(way[:len(way):len(way)], fd))...)
		default:
			out = append(out, cellColumn{way: way, field: fd})
		}
	}
	return out
}

// Header names the columns.
func (t Table) Header() []string {
	var out []string
	if t.axis != nil {
		out = append(out, columnName(t.axis))
	}
	for _, c := range t.columns {
		out = append(out, columnName(c.field))
	}
	return out
}

func columnName(fd protoreflect.FieldDescriptor) string {
	return strings.TrimSuffix(string(fd.Name()), unixSuffix)
}

// Write writes the lines of one answer and says how many they were.
func (t Table) Write(w *csv.Writer, response protoreflect.Message) (lines int, err error) {
	if t.rows == nil {
		return 1, w.Write(t.line(response, nil, -1))
	}
	all := response.Get(t.rows).List()
	for i := range all.Len() {
		row := all.Get(i).Message()
		if t.axis == nil {
			lines++
			if err := w.Write(t.line(row, nil, -1)); err != nil {
				return lines, err
			}
			continue
		}
		axis := response.Get(t.axis).List()
		for bin := range axis.Len() {
			lines++
			if err := w.Write(t.line(row, axis, bin)); err != nil {
				return lines, err
			}
		}
	}
	return lines, nil
}

// line gives a row's cells; of arrays along the axis those of one bin.
func (t Table) line(row protoreflect.Message, axis protoreflect.List, bin int) []string {
	var out []string
	if t.axis != nil {
		out = append(out, cell(t.axis, axis.Get(bin)))
	}
	for _, c := range t.columns {
		m := row
		for _, fd := range c.way {
			m = m.Get(fd).Message()
		}
		if !c.field.IsList() {
			if c.field.HasPresence() && !m.Has(c.field) {
				out = append(out, "")
				continue
			}
			out = append(out, cell(c.field, m.Get(c.field)))
			continue
		}
		list := m.Get(c.field).List()
		if t.axis != nil && list.Len() == axis.Len() {
			out = append(out, cell(c.field, list.Get(bin)))
			continue
		}
		parts := make([]string, list.Len())
		for i := range parts {
			parts[i] = cell(c.field, list.Get(i))
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

// cell is one value as text.
func cell(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch kind := fd.Kind(); {
	case kind == protoreflect.StringKind:
		return harmless(v.String())
	case kind == protoreflect.EnumKind:
		return word(fd.Enum(), v.Enum())
	case kind == protoreflect.FloatKind:
		return number(v.Float(), 32)
	case kind == protoreflect.DoubleKind:
		return number(v.Float(), 64)
	case strings.HasSuffix(string(fd.Name()), unixSuffix):
		return time.Unix(v.Int(), 0).UTC().Format(time.RFC3339)
	}
	return v.String()
}

func number(v float64, bits int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}

// harmless keeps a spreadsheet from running text as a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

// word is an enum's value in lower case, without the enum's name.
func word(ed protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	value := ed.Values().ByNumber(n)
	if value == nil {
		return strconv.Itoa(int(n))
	}
	text := strings.TrimPrefix(string(value.Name()), rows.EnumPrefix(ed))
	return strings.ToLower(strings.ReplaceAll(text, "_", " "))
}
