package recorded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// fintrafficFields is how many fields a row has.
const fintrafficFields = 16

// maxLineBytes limits a line.
const maxLineBytes = 4096

// fintrafficReader turns rows into passages.
type fintrafficReader struct {
	*tape
	zone *time.Location
	// By station: the time of the row before, µs; lanes that occurred.
	before []int64
	lanes  [][]uint8
}

// readFintraffic reads raw data of one point and day, or several one after the
// other.
func readFintraffic(in *bufio.Reader, t *tape) error {
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		return fmt.Errorf(": time zone of Finland: %w", err)
	}
	f := &fintrafficReader{tape: t, zone: zone}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, maxLineBytes), maxLineBytes)
	line := 0
	for lines.Scan() {
		line++
		text := strings.TrimSpace(string(bytes.TrimPrefix(lines.Bytes(), []byte("\xef\xbb\xbf"))))
		if text == "" {
			continue
		}
		t.rows++
		if err := f.row(text, line); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf(", line %d: has more than %d bytes", line+1, maxLineBytes)
	} else if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf(", line %d: %w", line+1, readError(err))
	}
	f.rankLanes()
	return nil
}

// numbers are the fields of a row that are whole numbers, with their ranges.
var numbers = [...]struct {
	index  int
	name   string
	lo, hi int64
}{
	{0, "point id", 1, 99_999}, {1, "year", 0, 99}, {2, "day", 1, 366}, {3, "hour", 0, 23}, {4, "minute", 0, 59},
	{5, "second", 0, 59}, {6, "1/100 second", 0, 99}, {8, "lane", 1, maxLane}, {9, "direction", 1, 2},
}

// row takes one line.
func (f *fintrafficReader) row(text string, line int) error {
	field := strings.Split(text, ";")
	for i := range field {
		field[i] = strings.TrimSpace(field[i])
	}
	switch {
	case line == 1 && !isDigit(text[0]):
		f.left.note("header", line)
		return nil
	case len(field) != fintrafficFields:
		f.problemAt(line, "", "has %d fields, must have %d between semicolons", len(field), fintrafficFields)
		f.left.note(fmt.Sprintf("must have %d fields between semicolons", fintrafficFields), line)
		return nil
	case field[12] == "1":
		f.left.note("faulty, as the operator marked it", line)
		return nil
	case field[12] != "0":
		f.bad(line, "faulty", field[12], "0 or 1")
		return nil
	}
	var n [fintrafficFields]int64
	for _, want := range numbers {
		v, ok := parseWhole(field[want.index])
		if !ok || v < want.lo || v > want.hi {
			f.bad(line, want.name, field[want.index], fmt.Sprintf("%d to %d", want.lo, want.hi))
			return nil
		}
		n[want.index] = v
	}
	length, okLength := parseDecimal(strings.Replace(field[7], ",", ".", 1), 2)
	speed, okSpeed := parseDecimal(strings.Replace(field[11], ",", ".", 1), 1)
	switch {
	case !okLength || length < minLengthCM || length > maxLengthCM:
		f.bad(line, "length", field[7], "0.5 to 40 m")
		return nil
	case !okSpeed || speed < 1 || speed > maxSpeedTenth:
		f.bad(line, "speed", field[11], "0.1 to 400 km/h")
		return nil
	}
	return f.passage(&n, uint16(length), uint16(speed), field[10], line)
}

// passage keeps a row whose fields are good.
func (f *fintrafficReader) passage(n *[fintrafficFields]int64, length, speed uint16, class string, line int) error {
	local, ok := f.moment(n)
	if !ok {
		f.bad(line, "time", fmt.Sprintf("day %d %02d:%02d of year %02d", n[2], n[3], n[4], n[1]), "one that clocks in Finland have shown")
		return nil
	}
	// Two digits and digits only: no two points have the same identifier.
	station, _ := f.station(fmt.Sprintf("tms-%d-%d", n[0], n[9]), func(s string) string { return s })
	if int(station) == len(f.before) {
		f.before, f.lanes = append(f.before, 0), append(f.lanes, nil)
	}
	at := f.resolve(local, f.before[station])
	f.before[station] = at
	if lane := uint8(n[8]); !slices.Contains(f.lanes[station], lane) {
		f.lanes[station] = append(f.lanes[station], lane)
	}
	return f.add(world.Record{
		After: at, Vehicle: uint64(f.rows), Station: station, Lane: uint8(n[8]),
		LengthCM: length, SpeedTenthKMH: speed, Class: f.classes.class(class, line),
	})
}

// moment is a row's time on Finnish clocks; false for the 366th day of a year
// that has none, and for the hour that clocks skip in spring.
func (f *fintrafficReader) moment(n *[fintrafficFields]int64) (time.Time, bool) {
	year := 2000 + int(n[1])
	if n[1] >= 90 { // the system began in 1995
		year -= 100
	}
	t := time.Date(year, 1, int(n[2]), int(n[3]), int(n[4]), int(n[5]), int(n[6])*10_000_000, f.zone)
	return t, t.Year() == year && t.Hour() == int(n[3])
}

// resolve gives the moment of a clock that may show the same twice: the second
// one when the row before is later than the first, by more than rows may be out
// of order.
func (f *fintrafficReader) resolve(t time.Time, beforeUS int64) int64 {
	first := t
	if earlier := t.Add(-time.Hour); sameClock(earlier, t) {
		first = earlier
	}
	if second := first.Add(time.Hour); sameClock(first, second) && beforeUS > first.Add(time.Minute).UnixMicro() {
		return second.UnixMicro()
	}
	return first.UnixMicro()
}

// sameClock says whether clocks show the same at two moments an hour apart.
func sameClock(a, b time.Time) bool { return a.Hour() == b.Hour() }

// rankLanes numbers the lanes of each direction from 1 on, in the order of the
// numbers that they have in the file.
func (f *fintrafficReader) rankLanes() {
	for _, l := range f.lanes {
		slices.Sort(l)
	}
	for i := range f.records {
		r := &f.records[i]
		r.Lane = uint8(slices.Index(f.lanes[r.Station], r.Lane)) + 1
	}
}
