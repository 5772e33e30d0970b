package recorded

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// maxBytes limits what is read of a recording, unpacked: 5 M passages of SUMO
// take about 1.5 GB.
const maxBytes = 8 << 30

// Ranges of a record: what is beyond is no vehicle on a road.
const (
	minLengthCM, maxLengthCM = 50, 4000
	maxSpeedTenth            = 4000
	maxLane                  = 99
)

// Recording is a file that was read.
type Recording struct {
	world.Recording
	// Format is one of world.Formats.
	Format string
	// First is when the first record happened. Where Dated is false the file
	// knows no date: it is a time of day, on the first day of 1970, UTC.
	First time.Time
	// Dated says whether the file knows its date.
	Dated bool
	// Report says what became of the rows.
	Report Report
}

// Read reads a recording. format is one of world.Formats, or empty: then the
// file's first character tells. classes explains types beside those known.
// Errors name file, line and field.
func Read(path, format string, classes map[string]world.Class) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	defer func() { _ = f.Close() }() // read only: nothing to lose
	return read(f, path, format, classes)
}

func read(file io.Reader, path, format string, classes map[string]world.Class) (*Recording, error) {
	in, err := unpacked(file)
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", path, err)
	}
	if format == "" {
		if format, err = formatOf(in); err != nil {
			return nil, fmt.Errorf("recording %s: %w", path, err)
		}
	}
	t := &tape{path: path, format: format, most: world.MaxRecords, index: map[string]uint32{}, names: map[string]string{}, left: tally{}}
	t.classes = classifier{given: classes, unknown: tally{}}
	switch format {
	case "sumo":
		t.classes.known = sumoClasses
		err = readSUMO(in, t)
	case "fintraffic":
		t.dated, t.classes.known = true, fintrafficClasses
		err = readFintraffic(in, t)
	default:
		err = fmt.Errorf(": format %q is unknown: take sumo or fintraffic", format)
	}
	if err != nil {
		return nil, fmt.Errorf("recording %s%w", path, err)
	}
	return t.finish()
}

// unpacked is the file's text, whether it is gzip'd or not.
func unpacked(file io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(file, 1<<16)
	// What cannot be peeked at is told when it is read.
	if magic, _ := in.Peek(2); string(magic) != "\x1f\x8b" {
		return bufio.NewReaderSize(&limited{in, maxBytes}, 1<<16), nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return bufio.NewReaderSize(&limited{z, maxBytes}, 1<<16), nil
}

// limited fails where io.LimitedReader would end: half a recording is none.
type limited struct {
	r    io.Reader
	left int64
}

// Read reads.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("has more than the %d bytes allowed, unpacked: cut it into shorter recordings", int64(maxBytes))
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// readError says what to do about a file that ends too early.
func readError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the packed file ends in the middle: copy it again")
	}
	return err
}

// formatOf tells XML from rows of numbers.
func formatOf(in *bufio.Reader) (string, error) {
	for n := 1; n <= 1024; n++ {
		head, err := in.Peek(n)
		if len(head) < n {
			if errors.Is(err, io.EOF) {
				return "", errors.New("is empty")
			}
			return "", err
		}
		switch c := head[n-1]; {
		case c == '<':
			return "sumo", nil
		case c > ' ' && c < 0x80: // not the mark that some begin UTF-8 with
			return "fintraffic", nil
		}
	}
	return "", errors.New("is neither XML nor rows of numbers: take a SUMO instantInductionLoop file or Fintraffic raw data")
}

// tape gathers records while a file is read. Until finish, After is the time of
// the record.
type tape struct {
	path, format string
	dated        bool
	most         int // records
	stations     []string
	index        map[string]uint32 // of stations, by their names in the file
	names        map[string]string // names in the file, by identifier
	records      []world.Record
	classes      classifier
	rows         int
	left         tally
	problem      error // the first row that could not be read
}

// problemAt is about one row, or one field of it.
func (t *tape) problemAt(line int, field, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if field != "" {
		what = field + " " + what
	}
	if t.problem == nil {
		t.problem = fmt.Errorf(", line %d: %s", line, what)
	}
}

// bad leaves a row out because of a field. The value is told for the first one
// only: reasons are counted by field.
func (t *tape) bad(line int, field, value, must string) {
	t.problemAt(line, field, "is %s, must be %s", quoted(value), must)
	t.left.note(field+" must be "+must, line)
}

// quoted shortens what an error cites.
func quoted(s string) string { return fmt.Sprintf("%q", plainText(s)) }

// add keeps a record.
func (t *tape) add(r world.Record) error {
	if len(t.records) == t.most {
		return fmt.Errorf(": has more than the %d passages allowed: cut it into shorter recordings", t.most)
	}
	t.records = append(t.records, r)
	return nil
}

// station is the index of a station by its name in the file. It is false when
// its identifier in a network would be another station's.
func (t *tape) station(name string, identifier func(string) string) (uint32, bool) {
	if i, ok := t.index[name]; ok {
		return i, true
	}
	id := identifier(name)
	if _, taken := t.names[id]; taken {
		return 0, false
	}
	i := uint32(len(t.stations))
	t.stations = append(t.stations, id)
	t.index[name], t.names[id] = i, name
	return i, true
}

// finish puts the records in order.
func (t *tape) finish() (*Recording, error) {
	if len(t.records) == 0 {
		return nil, t.nothing()
	}
	slices.SortStableFunc(t.records, func(a, b world.Record) int { return cmp.Compare(a.After, b.After) })
	first, last := t.records[0].After, t.records[len(t.records)-1].After
	if days := (last - first) / (24 * time.Hour).Microseconds(); days >= world.MaxRecordingDays {
		return nil, fmt.Errorf("recording %s: its passages reach over %d days, from %s to %s, more than the %d allowed: look for rows with a wrong time, or cut it",
			t.path, days, t.clock(first), t.clock(last), world.MaxRecordingDays)
	}
	for i := range t.records {
		t.records[i].After -= first
	}
	return &Recording{
		Recording: world.Recording{Stations: t.stations, Records: t.records},
		Format:    t.format, First: time.UnixMicro(first).UTC(), Dated: t.dated,
		Report: Report{Rows: t.rows, Passages: len(t.records), Left: t.left.sorted(), Unknown: t.classes.unknown.sorted()},
	}, nil
}

// nothing is the error for a recording without a passage.
func (t *tape) nothing() error {
	switch left := t.left.sorted(); {
	case t.rows == 0:
		return fmt.Errorf("recording %s: has no rows", t.path)
	case t.problem != nil:
		return fmt.Errorf("recording %s%w (none of its %d rows is a passage)", t.path, t.problem, t.rows)
	default:
		return fmt.Errorf("recording %s, line %d: %s (none of its %d rows is a passage)", t.path, left[0].Line, left[0].What, t.rows)
	}
}

// clock writes a time of the recording.
func (t *tape) clock(us int64) string {
	if !t.dated {
		return fmt.Sprintf("second %d", us/1_000_000)
	}
	return time.UnixMicro(us).UTC().Format(time.RFC3339)
}

// hashed is an identifier of a vehicle as a number.
func hashed(s string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, s) // a hash takes everything
	return h.Sum64()
}
