package query_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// tables are what the lists must be the rows of, all columns included that the
// row's message has; renamed fields are given as SQL.
var tables = map[string]struct {
	table   string
	renamed map[string]string
	request map[string]any
}{
	"ListStations":               {table: "serving.stations"},
	"ListLinks":                  {table: "serving.links", renamed: map[string]string{"points_deg": "arrayConcat([points_deg[1].1, points_deg[1].2], [points_deg[2].1, points_deg[2].2])"}},
	"ListNodes":                  {table: "serving.nodes"},
	"ListStationDays":            {table: "serving.station_flow_day"},
	"ListStationYears":           {table: "serving.station_annual"},
	"ListFundamentalDiagram":     {table: "serving.fundamental_diagram", renamed: map[string]string{"density_veh_km": "density_bin"}},
	"ListStationCapacities":      {table: "serving.station_capacity"},
	"ListSpeedCompliance":        {table: "serving.speed_compliance"},
	"ListSpeedDistribution":      {table: "(SELECT * FROM serving.speed_distribution WHERE station_id = 'S1')", request: map[string]any{"station_id": "S1"}},
	"ListBottlenecks":            {table: "serving.bottlenecks"},
	"ListLinkDays":               {table: "serving.link_flow_day"},
	"ListNetworkHours":           {table: "serving.region_performance"},
	"ListTravelTimes":            {table: "(SELECT * FROM serving.travel_time_5m WHERE bin_start >= '2026-03-02 01:00:00' AND bin_start < '2026-03-02 09:00:00')", request: map[string]any{"from": "2026-03-02T01:00:00Z", "to": "2026-03-02T10:00:00+01:00"}},
	"ListTravelTimeReliability":  {table: "serving.travel_time_reliability"},
	"ListOdFlows":                {table: "serving.od_flow_hour"},
	"ListCommuterShares":         {table: "serving.commuter_share"},
	"ListUpgradeScreen":          {table: "serving.screen_upgrade"},
	"ListPublicTransportScreen":  {table: "serving.screen_public_transport"},
	"ListFlexiTimeScreen":        {table: "serving.screen_flexi_time"},
	"ListSpeedCameraScreen":      {table: "serving.screen_speed_cameras"},
	"ListFlexiTimeCurve":         {table: "serving.flexi_time_curve"},
	"ListPipelineDays":           {table: "serving.pipeline_days"},
	"ListDeviceHealth":           {table: "serving.device_health", request: map[string]any{"from_day": "2026-03-01"}},
	"ListViolations":             {table: "(SELECT * FROM enforcement.violations WHERE observed_at >= '2026-03-02 00:00:00' AND observed_at < '2026-03-03')", request: map[string]any{"purpose": "test"}},
	"ListAverageSpeedViolations": {table: "(SELECT * FROM enforcement.average_speed_violations WHERE to_observed_at >= '2026-03-02 00:00:00' AND to_observed_at < '2026-03-03')", request: map[string]any{"purpose": "test"}},
}

// notRows are methods whose answer is no table's rows; each has a test of its
// own.
var notRows = []string{
	"GetNetwork", "ListLiveStations", "WatchLiveStations", "GetCorridor", "GetStationSeries", "ListOdProfiles", "GetEvidence", "GetPipeline",
	"ListSuspectedIncidents",
}

// TestListsAreTheirTables: every list shows every row of its table once, each
// value as SQL has it, however small the pages.
func TestListsAreTheirTables(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	for _, method := range methodsOf() {
		name := string(method.Name())
		if slices.Contains(notRows, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c, ok := tables[name]
			if !ok {
				t.Fatal("say which table it shows")
			}
			got, pages := d.allPages(t, method, c.request, 50)
			want := d.rowsOf(t, method, c.table, c.renamed)
			if len(want) == 0 {
				t.Fatalf("%s has no rows: nothing is shown", c.table)
			}
			if needed := (len(want) + 49) / 50; pages != needed {
				t.Errorf("%d rows by 50 took %d pages, want %d", len(want), pages, needed)
			}
			same(t, got, want)
		})
	}
}

// same compares rows regardless of their order.
func same(t *testing.T, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("row %d is\n%s, want\n%s", i, got[i], want[i])
		}
	}
}

// methodsOf are those of QueryService.
func methodsOf() []protoreflect.MethodDescriptor {
	var out []protoreflect.MethodDescriptor
	all := gantryv1.File_gantry_v1_query_proto.Services().ByName("QueryService").Methods()
	for i := range all.Len() {
		out = append(out, all.Get(i))
	}
	return out
}

// newMessage is an empty message with the fields set.
func newMessage(t *testing.T, md protoreflect.MessageDescriptor, fields map[string]any) protoreflect.Message {
	t.Helper()
	mt, err := protoregistry.GlobalTypes.FindMessageByName(md.FullName())
	if err != nil {
		t.Fatal(err)
	}
	m := mt.New()
	for name, value := range fields {
		m.Set(md.Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOf(value))
	}
	return m
}

// ask calls a method by gRPC.
func (d *doors) ask(ctx context.Context, t *testing.T, method protoreflect.MethodDescriptor, fields map[string]any) (protoreflect.Message, error) {
	t.Helper()
	req, resp := newMessage(t, method.Input(), fields), newMessage(t, method.Output(), nil)
	path := fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())
	err := d.grpc.Invoke(ctx, path, req.Interface(), resp.Interface())
	return resp, err
}

// allPages gives the rows of all pages, as text.
func (d *doors) allPages(t *testing.T, method protoreflect.MethodDescriptor, request map[string]any, size uint32) (all []string, pages int) {
	t.Helper()
	fields := map[string]any{"page_size": size}
	for name, value := range request {
		fields[name] = value
	}
	for {
		resp, err := d.ask(t.Context(), t, method, fields)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		basis, _ := resp.Get(resp.Descriptor().Fields().ByName("basis")).Message().Interface().(*gantryv1.Basis)
		if basis.GetAsOf() == "" {
			t.Errorf("the basis has no as_of: %v", basis)
		}
		list := resp.Get(rowsFieldOf(method)).List()
		if list.Len() > int(size) {
			t.Errorf("a page has %d rows of %d", list.Len(), size)
		}
		for i := range list.Len() {
			all = append(all, rowText(list.Get(i).Message()))
		}
		token := resp.Get(resp.Descriptor().Fields().ByName("next_page_token")).String()
		if token == "" {
			return all, pages
		}
		fields["page_token"] = token
	}
}

func rowsFieldOf(method protoreflect.MethodDescriptor) protoreflect.FieldDescriptor {
	fields := method.Output().Fields()
	for i := range fields.Len() {
		if fd := fields.Get(i); fd.IsList() && fd.Message() != nil {
			return fd
		}
	}
	return nil
}

// leaves are the fields of a row, those of messages within it in their place;
// its rank is no column.
func leaves(md protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var out []protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		switch {
		case fd.Name() == "rank":
		case fd.Message() != nil:
			out = append(out, leaves(fd.Message())...)
		default:
			out = append(out, fd)
		}
	}
	return out
}

// rowText writes a row as name=value; what is absent is null.
func rowText(row protoreflect.Message) string {
	var out []string
	for i := range row.Descriptor().Fields().Len() {
		fd := row.Descriptor().Fields().Get(i)
		switch {
		case fd.Name() == "rank":
		case fd.Message() != nil:
			out = append(out, rowText(row.Get(fd).Message()))
		case fd.HasPresence() && !row.Has(fd):
			out = append(out, string(fd.Name())+"=null")
		case fd.IsList():
			var parts []string
			for i := range row.Get(fd).List().Len() {
				parts = append(parts, number(row.Get(fd).List().Get(i).Float()))
			}
			out = append(out, fmt.Sprintf("%s=[%s]", fd.Name(), strings.Join(parts, ",")))
		case fd.Kind() == protoreflect.DoubleKind:
			out = append(out, string(fd.Name())+"="+number(row.Get(fd).Float()))
		case fd.Kind() == protoreflect.EnumKind:
			word := fd.Enum().Values().ByNumber(row.Get(fd).Enum()).Name()
			out = append(out, string(fd.Name())+"="+strings.ToLower(strings.TrimPrefix(string(word), "VERDICT_")))
		default:
			out = append(out, string(fd.Name())+"="+row.Get(fd).String())
		}
	}
	return strings.Join(out, "|")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// rowsOf asks ClickHouse over its HTTP interface for the same rows, so that
// neither statement nor driver nor types are those of the service.
func (d *doors) rowsOf(t *testing.T, method protoreflect.MethodDescriptor, table string, renamed map[string]string) []string {
	t.Helper()
	fields := leaves(rowsFieldOf(method).Message())
	var columns []string
	for _, fd := range fields {
		name := string(fd.Name())
		if sql := renamed[name]; sql != "" {
			name = sql + " AS " + name
		}
		columns = append(columns, name)
	}
	ok, answer, err := d.Ask(t, clickhousetest.Operator, "SELECT "+strings.Join(columns, ", ")+" FROM "+table+
		" FORMAT JSONCompactEachRow SETTINGS output_format_json_quote_64bit_integers = 1, date_time_output_format = 'iso'", nil)
	if !ok {
		t.Fatalf("%s (%v)", answer, err)
	}
	var out []string
	for i, line := range strings.Split(strings.TrimSpace(string(answer)), "\n") {
		if i == 0 {
			continue // status and headers
		}
		var values []any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&values); err != nil {
			t.Fatal(err)
		}
		var row []string
		for i, fd := range fields {
			row = append(row, string(fd.Name())+"="+sqlText(fd, values[i]))
		}
		out = append(out, strings.Join(row, "|"))
	}
	return out
}

func sqlText(fd protoreflect.FieldDescriptor, v any) string {
	switch v := v.(type) {
	case nil:
		if !fd.HasPresence() {
			return "" // text: empty where NULL, as its comment says
		}
		return "null"
	case json.Number:
		if fd.Kind() == protoreflect.DoubleKind {
			f, _ := v.Float64()
			return number(f)
		}
		return v.String()
	case []any:
		var parts []string
		for _, one := range v {
			parts = append(parts, sqlText(fd, one))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case string:
		if fd.Kind() == protoreflect.EnumKind {
			return strings.ReplaceAll(v, " ", "_")
		}
		return v
	}
	return fmt.Sprint(v)
}
