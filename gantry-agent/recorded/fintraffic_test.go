package recorded

import (
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

const fintrafficFile = "testdata/fintraffic-tms.csv"

// row is a row of point 901 on day 61 of 2026 with one field changed.
func row(field int, value string) string {
	f := strings.Split("901;26;61;7;0;0;50;4.6;1;1;1;98;0;2520050;420;0", ";")
	if field >= 0 {
		f[field] = value
	}
	return strings.Join(f, ";")
}

func TestFintrafficFile(t *testing.T) {
	r := mustRead(t, fintrafficFile)
	if r.Format != "fintraffic" || !r.Dated {
		t.Errorf("format %s, dated %v", r.Format, r.Dated)
	}
	for what, want := range map[string]int{"faulty": 9, "length must be": 1, "must have 16 fields": 1, "time must be": 0} {
		if got := countOf(r.Report.Left, what); got != want {
			t.Errorf("%d times %s, want %d: %v", got, what, want, r.Report.Left)
		}
	}
	if got := r.Report.Passages; got != 589 || r.Report.Rows != 600 {
		t.Errorf("%d passages of %d rows", got, r.Report.Rows)
	}
	if got := countOf(r.Report.Unknown, "9"); got != 2 || len(r.Report.Unknown) != 1 {
		t.Errorf("unknown classes %v", r.Report.Unknown)
	}
	if want := "2026-03-02T05:00:00.37Z"; r.First.Format(time.RFC3339Nano) != want {
		t.Errorf("first at %s, want %s", r.First.Format(time.RFC3339Nano), want)
	}
	lanes := map[string]uint8{}
	for _, rec := range r.Records {
		id := r.Stations[rec.Station]
		lanes[id] = max(lanes[id], rec.Lane)
	}
	if len(lanes) != 2 || lanes["tms-901-1"] != 2 || lanes["tms-901-2"] != 2 {
		t.Errorf("stations and their lanes: %v", lanes)
	}
}

func TestFintrafficRow(t *testing.T) {
	r, err := read(strings.NewReader(row(-1, "")), "f", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := world.Record{Vehicle: 1, LengthCM: 460, SpeedTenthKMH: 980, Class: world.Car, Lane: 1}
	if got := r.Records[0]; got != want || r.Stations[0] != "tms-901-1" {
		t.Errorf("record %+v at %s, want %+v", got, r.Stations[0], want)
	}
	if got := r.First.Format(time.RFC3339Nano); got != "2026-03-02T05:00:00.5Z" {
		t.Errorf("at %s: Finland is two hours ahead in winter", got)
	}
	for class, want := range map[string]world.Class{
		"0": world.Motorcycle, "1": world.Car, "2": world.Truck, "3": world.Bus, "4": world.Truck, "5": world.Truck, "6": world.Car, "7": world.Car, "8": world.Other,
	} {
		r, err := read(strings.NewReader(row(10, class)), "f", "", nil)
		if err != nil || r.Records[0].Class != want {
			t.Errorf("class %s: %v %v, want %s", class, r, err, want)
		}
	}
	given, err := read(strings.NewReader(row(10, "8")), "f", "", map[string]world.Class{"8": world.Motorcycle})
	if err != nil || given.Records[0].Class != world.Motorcycle || len(given.Report.Unknown) != 0 {
		t.Errorf("a class that is explained: %+v, %v", given, err)
	}
}

func TestFintrafficRowsThatAreNone(t *testing.T) {
	for want, text := range map[string]string{
		`line 1: point id is "x1", must be 1 to 99999`:                  "\n" + row(0, "x1"),
		`year is "2026", must be 0 to 99`:                               row(1, "2026"),
		`day is "367", must be 1 to 366`:                                row(2, "367"),
		`time is "day 366 07:00 of year 26", must be one that clocks`:   row(2, "366"),
		`hour is "24", must be 0 to 23`:                                 row(3, "24"),
		`minute is "-1", must be 0 to 59`:                               row(4, "-1"),
		`second is "60"`:                                                row(5, "60"),
		`1/100 second is "100"`:                                         row(6, "100"),
		`length is "0", must be 0.5 to 40 m`:                            row(7, "0"),
		`lane is "0"`:                                                   row(8, "0"),
		`direction is "3", must be 1 to 2`:                              row(9, "3"),
		`speed is "fast", must be 0.1 to 400 km/h`:                      row(11, "fast"),
		`faulty is "2", must be 0 or 1`:                                 row(12, "2"),
		"faulty, as the operator marked it (none of its 1 rows":         row(12, "1"),
		"line 2: has 15 fields, must have 16 between semicolons (none ": "id;year\n" + strings.TrimSuffix(row(-1, ""), ";0"),
		"line 2: has more than 4096 bytes":                              "901\n" + strings.Repeat("1;", 4096),
	} {
		_, err := read(strings.NewReader(text), "f.csv", "fintraffic", nil)
		want = strings.Replace(want, "line 1: point", "line 2: point", 1)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one line with %q", err, want)
		}
	}
}

func TestFintrafficTextAsItComes(t *testing.T) {
	text := "\xef\xbb\xbfid;year;day;hour;minute;second;hundredth;length;lane;direction;class;speed;faulty;total_time;interval;queue_start\r\n" +
		row(7, "4,6") + "\r\n\r\n" + row(7, " 4.60 ") + "\r\n"
	r, err := read(strings.NewReader(text), "f.csv", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Records) != 2 || r.Records[0].LengthCM != 460 || r.Records[1].LengthCM != 460 || countOf(r.Report.Left, "header") != 1 || r.Report.Rows != 3 {
		t.Errorf("%+v, %+v", r.Records, r.Report)
	}
}

// TestFintrafficClocksGoBackOnce: on 2025-10-26 the hour from three comes
// twice in Finland.
func TestFintrafficClocksGoBackOnce(t *testing.T) {
	at := func(hour, minute string) string {
		return strings.Join([]string{"901;25;299", hour, minute, "0;0;4.6;1;1;1;98;0;0;0;0"}, ";")
	}
	text := strings.Join([]string{at("2", "50"), at("3", "10"), at("3", "55"), at("3", "5"), at("3", "58"), at("4", "1")}, "\n")
	r, err := read(strings.NewReader(text), "f.csv", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, rec := range r.Records {
		got = append(got, r.First.Add(time.Duration(rec.After)*time.Microsecond).Format("15:04"))
	}
	if want := "23:50 00:10 00:55 01:05 01:58 02:01"; strings.Join(got, " ") != want {
		t.Errorf("UTC %s, want %s", strings.Join(got, " "), want)
	}
	spring := strings.Replace(at("3", "30"), ";299;", ";89;", 1) // 2025-03-30, no such hour
	if _, err := read(strings.NewReader(spring), "f.csv", "", nil); err == nil || !strings.Contains(err.Error(), "must be one that clocks in Finland have shown") {
		t.Errorf("an hour that was skipped: %v", err)
	}
}

func TestFintrafficLanesAreRankedByDirection(t *testing.T) {
	lane := func(lane, direction string) string {
		f := strings.Split(row(8, lane), ";")
		f[9] = direction
		return strings.Join(f, ";")
	}
	r, err := read(strings.NewReader(strings.Join([]string{lane("1", "1"), lane("4", "2"), lane("3", "2"), lane("2", "1")}, "\n")), "f", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint8
	for _, rec := range r.Records {
		got = append(got, rec.Lane)
	}
	if string(got) != "\x01\x02\x01\x02" {
		t.Errorf("lanes %v, want 1 2 1 2", got)
	}
}

func FuzzFintraffic(f *testing.F) {
	f.Add(row(-1, "") + "\n" + row(12, "1") + "\n" + row(10, "8"))
	f.Add("id;year\n901;25;299;3;10;0;0;4.6;1;1;1;98;0;0;0;0\n901;25;299;3;0;0;0;4,6;3;2;1;98.4;0;0;0;0\n")
	f.Fuzz(func(t *testing.T, text string) { checkAnyText(t, text, "fintraffic") })
}
