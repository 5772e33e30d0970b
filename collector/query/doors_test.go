package query_test

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/query"
	"github.com/gantry-dev/gantry/collector/query/querytest"
	"github.com/gantry-dev/gantry/collector/query/rows"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
	"github.com/gantry-dev/gantry/proto/gen/gantry/v1/gantryv1connect"
)

// reply is an answer over HTTP, read to its end.
type reply struct {
	status int
	header http.Header
	text   string
}

// get asks over HTTP.
func (d *doors) get(t *testing.T, path string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.http+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// TestCSVIsTheList: a download has the rows that the list has, all pages of
// them, and says of when they are.
func TestCSVIsTheList(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits(), func(c *query.Config) { c.MaxRows = 50 })
	for _, method := range methodsOf() {
		name := string(method.Name())
		if slices.Contains(notRows, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			parameters := url.Values{}
			for field, value := range tables[name].request {
				parameters.Set(field, value.(string))
			}
			got := d.get(t, "/csv/"+name+"?"+parameters.Encode())
			if got.status != http.StatusOK || got.header.Get("Gantry-As-Of") != "2026-03-03T00:00:00Z" ||
				!strings.Contains(got.header.Get("Content-Disposition"), "20260303T000000Z.csv") {
				t.Fatalf("%d %v: %.200s", got.status, got.header, got.text)
			}
			lines, err := csv.NewReader(strings.NewReader(got.text)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			var shown []string
			for _, line := range lines[1:] {
				shown = append(shown, csvRow(lines[0], line))
			}
			want, _ := d.allPages(t, method, tables[name].request, 50)
			for i, row := range want {
				want[i] = csvOf(row)
			}
			same(t, shown, want)
		})
	}
}

// csvRow and csvOf bring a line of a CSV and a row of a list to one form.
func csvRow(header, line []string) string {
	var out []string
	for i, name := range header {
		if name != "rank" {
			out = append(out, name+"="+strings.ReplaceAll(line[i], " evidence", "_evidence"))
		}
	}
	return strings.Join(out, "|")
}

func csvOf(row string) string {
	row = strings.ReplaceAll(row, "=null", "=")
	for _, list := range []string{"points_deg=["} {
		if before, after, ok := strings.Cut(row, list); ok {
			inside, rest, _ := strings.Cut(after, "]")
			row = before + strings.TrimSuffix(list, "[") + strings.ReplaceAll(inside, ",", " ") + rest
		}
	}
	return strings.ReplaceAll(row, " evidence", "_evidence")
}

// TestCSVOfAMatrix: one line per station and bin; what is missing is empty.
func TestCSVOfAMatrix(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	bin(d, "S0", "2026-03-02 08:00:00", 100, 50)
	got := d.get(t, "/csv/GetCorridor?direction=north&from=2026-03-02T08:00:00Z&to=2026-03-02T08:10:00Z")
	want := "bin_start,station_id,offset_m,lane_count,limit_kmh,speed_kmh,speed_state,flow_veh_h,count_state\r\n" +
		"2026-03-02T08:00:00Z,S0,0,2,110,50,measured,1200,measured\r\n2026-03-02T08:05:00Z,S0,0,2,110,,missing,,missing\r\n" +
		"2026-03-02T08:00:00Z,S2,2000,2,110,,missing,,missing\r\n2026-03-02T08:05:00Z,S2,2000,2,110,,missing,,missing\r\n"
	if got.status != http.StatusOK || got.text != want {
		t.Errorf("%d\n%s\nwant\n%s", got.status, got.text, want)
	}
	if text := d.get(t, "/csv/GetNetwork").text; text != "name,zone,valid_from,first_date,last_date\r\ntest,Europe/Berlin,2026-01-01T00:00:00Z,2026-03-01,2026-03-03\r\n" {
		t.Errorf("the network: %q", text)
	}
}

// TestCSVRunsNoFormula: text that a spreadsheet would run is defused; a
// negative number is none.
func TestCSVRunsNoFormula(t *testing.T) {
	w := querytest.Start(t)
	w.Exec(`TRUNCATE TABLE serving.flexi_time_curve`)
	w.Exec(`INSERT INTO serving.flexi_time_curve (road, direction, peak, shift_percent, workday_count, saved_vehicle_h_per_weekday)
		VALUES ('M1', 'north', '=HYPERLINK("x")', 5, 3, -2.5), ('M1', 'north', '+1', 5, 3, 1), ('M1', 'north', 'a,"b', 5, 3, 1)`)
	text := open(t, w, rows.DefaultLimits()).get(t, "/csv/ListFlexiTimeCurve").text
	want := "road,direction,peak,shift_percent,workday_count,saved_vehicle_h_per_weekday\r\nM1,north,'+1,5,3,1\r\n" +
		"M1,north,\"'=HYPERLINK(\"\"x\"\")\",5,3,-2.5\r\nM1,north,\"a,\"\"b\",5,3,1\r\n"
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// TestProblemsNameTheField: what is wrong with a question is said by gRPC and
// by CSV alike.
func TestProblemsNameTheField(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits())
	for path, c := range map[string]struct {
		status int
		says   string
	}{
		"ListBottlenecks?from_date=tomorrow":                              {400, `from_date: "tomorrow" is no date: write YYYY-MM-DD`},
		"ListBottlenecks?link_id=L9":                                      {404, `link_id: network test has no link "L9"; it has L0, L1, L2, L3`},
		"ListBottlenecks?road=A9":                                         {404, `road: network test has no road "A9"; it has M1`},
		"ListBottlenecks?color=red":                                       {400, "color: there is no such parameter; there are page_size, page_token, road"},
		"ListBottlenecks?road=M1&road=M1":                                 {400, "road: given 2 times"},
		"ListBottlenecks?page_size=3":                                     {400, "a CSV has all rows"},
		"ListStationDays?station_id=S9":                                   {404, `station_id: network test has no station "S9"`},
		"ListStationDays?station_id=S1'%20OR%20'1'='1":                    {404, `has no station "S1' OR '1'='1"`},
		"ListOdFlows?origin_zone=nowhere":                                 {404, `origin_zone: network test has no zone "nowhere"`},
		"ListDeviceHealth?device_id=nope":                                 {404, `nothing was ever heard of a device "nope"`},
		"ListSpeedDistribution":                                           {400, "station_id: say which station"},
		"ListTravelTimes?from=yesterday":                                  {400, `from: "yesterday" is no time: write RFC 3339`},
		"ListTravelTimes?from=0001-01-01T00:00:00Z":                       {400, "from: the year 1 is not between"},
		"ListTravelTimes?from=2026-03-03T00:00:00Z":                       {400, "from: 2026-03-03T00:00:00Z is not before to, 2026-03-03T00:00:00Z"},
		"GetCorridor":                                                     {400, "direction: say which, there are north, south"},
		"GetCorridor?direction=west":                                      {404, "direction: "},
		"GetCorridor?direction=north&bin_min=7":                           {400, "bin_min: 7 is not one of [1 5 15 60]"},
		"GetCorridor?direction=north&bin_min=5&from=2020-01-01T00:00:00Z": {413, "elements, and 250000 are the most"},
		"GetCorridor?direction=north&bin_min=1&from=2026-03-01T00:00:00Z": {400, "minutes are shown of at most 6h0m0s"},
		"GetStationSeries":                                                {404, `station_id: network test has no station ""`},
		"GetStationSeries?station_id=S1&weeks_before=9":                   {400, "weeks_before: 9 is more than 8"},
		"ListLiveStations?window_min=61":                                  {400, "window_min: 61 is more than 60 minutes"},
		"ListLiveStations?by_lane=perhaps":                                {400, `by_lane: "perhaps" is no bool`},
		"ListViolations":                                                  {400, "purpose: say why this is asked"},
		"GetEvidence?purpose=x&device_id=V1&epoch=1&seq=1":                {404, "there is no reading of a camera"},
		"GetEvidence?purpose=x":                                           {400, "device_id: say whose reading"},
		"WatchLiveStations":                                               {404, `there is no CSV of "WatchLiveStations"`},
		"Nope":                                                            {404, `there is no CSV of "Nope"`},
	} {
		if got := d.get(t, "/csv/"+path); got.status != c.status || !strings.Contains(got.text, c.says) {
			t.Errorf("%s: %d %s, want %d %s", path, got.status, strings.TrimSpace(got.text), c.status, c.says)
		}
	}
	for name, call := range map[string]func() error{
		"token": func() error {
			_, err := d.client().ListBottlenecks(t.Context(), &gantryv1.ListBottlenecksRequest{PageToken: "%"})
			return err
		},
		"token of another list": func() error {
			_, err := d.client().ListBottlenecks(t.Context(), &gantryv1.ListBottlenecksRequest{PageToken: "WyIxIl0"})
			return err
		},
	} {
		if err := call(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "leave it empty to begin") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryProtocol: the answer is the same by gRPC on its own port, and by
// Connect, gRPC-Web and gRPC, binary and JSON, on the HTTP port; so is an
// error, and a stream ends when its reader leaves.
func TestEveryProtocol(t *testing.T) {
	d := open(t, querytest.Start(t), rows.DefaultLimits(), at("2026-03-02T08:10:20Z"))
	bin(d, "S0", "2026-03-02 08:00:00", 100, 50)
	ask := &gantryv1.GetCorridorRequest{Direction: "north", From: "2026-03-02T08:00:00Z", To: "2026-03-02T08:10:00Z"}
	want, err := d.client().GetCorridor(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string][]connect.ClientOption{
		"connect": nil, "connect JSON": {connect.WithProtoJSON()}, "gRPC-Web": {connect.WithGRPCWeb()}, "gRPC": {connect.WithGRPC()},
	} {
		protocols := &http.Protocols{}
		protocols.SetHTTP1(name != "gRPC")
		protocols.SetUnencryptedHTTP2(name == "gRPC")
		client := gantryv1connect.NewQueryServiceClient(&http.Client{Transport: &http.Transport{Protocols: protocols}}, d.http, options...)
		got, err := client.GetCorridor(t.Context(), ask)
		if err != nil || !proto.Equal(dropNaN(got), dropNaN(want)) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
		}
		_, err = client.GetCorridor(t.Context(), &gantryv1.GetCorridorRequest{})
		var told *connect.Error
		if connect.CodeOf(err) != connect.CodeInvalidArgument || !asError(err, &told) || told.Message() != "direction: say which, there are north, south" {
			t.Errorf("%s: the error is %v", name, err)
		}
		ctx, leave := context.WithCancel(t.Context())
		stream, err := client.WatchLiveStations(ctx, &gantryv1.WatchLiveStationsRequest{})
		if err != nil || !stream.Receive() || len(stream.Msg().Stations) != 4 {
			t.Fatalf("%s: the stream gives %v, %v", name, err, stream)
		}
		leave()
		if stream.Receive() || connect.CodeOf(stream.Err()) != connect.CodeCanceled {
			t.Errorf("%s: after leaving: %v", name, stream.Err())
		}
	}
}

// dropNaN makes answers comparable: NaN is not equal to itself.
func dropNaN(c *gantryv1.GetCorridorResponse) proto.Message {
	out := proto.CloneOf(c)
	for _, s := range out.Stations {
		for _, values := range [][]float32{s.SpeedKmh, s.FlowVehH} {
			for i, v := range values {
				if v != v {
					values[i] = -1
				}
			}
		}
	}
	return out
}
