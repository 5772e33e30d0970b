package recorded

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// goneAfterUS is how long nothing must have been heard of a vehicle at a
// station before it counts again.
const goneAfterUS = 10_000_000

// maxTokenBytes limits one tag of the file.
const maxTokenBytes = 1 << 20

// maxClockS limits SUMO's clock, seconds.
const maxClockS = 400 * 24 * 3600

// sighting is a vehicle at a station.
type sighting struct {
	station uint32
	vehicle uint64
}

// sumoReader turns events into passages.
type sumoReader struct {
	*tape
	xml    *xml.Decoder
	meter  *meter
	heard  map[sighting]int64 // when a vehicle was heard of last, µs
	newest int64              // of all events
	sweep  int                // at so many vehicles, forget those that have gone
}

// readSUMO reads the output of instantInductionLoop.
func readSUMO(in *bufio.Reader, t *tape) error {
	m := &meter{r: in}
	s := &sumoReader{tape: t, meter: m, xml: xml.NewDecoder(m), heard: map[sighting]int64{}, sweep: 1 << 16}
	depth, begun := 0, false
	for {
		token, err := s.next()
		if errors.Is(err, io.EOF) && begun {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return errors.New(": has no <instantE1>, as SUMO's instantInductionLoop writes it")
		}
		if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			begun = true
			if depth++; depth == 1 && e.Name.Local != "instantE1" {
				return fmt.Errorf(", line %d: begins with %s, must be <instantE1>, as SUMO's instantInductionLoop writes it", s.line(), tag(e.Name.Local))
			}
			if depth == 2 {
				t.rows++
				if err := s.element(e); err != nil {
					return err
				}
			}
		case xml.EndElement:
			depth--
		}
	}
}

// next is the next token; its error tells where, and what to do.
func (s *sumoReader) next() (xml.Token, error) {
	s.meter.left = maxTokenBytes
	token, err := s.xml.Token()
	var syntax *xml.SyntaxError
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return token, err
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF"):
		return nil, fmt.Errorf(", line %d: ends in the middle: finish the simulation, or close the last tag and </instantE1>", syntax.Line)
	case errors.As(err, &syntax):
		return nil, fmt.Errorf(", line %d: is no XML: %s", syntax.Line, plainText(syntax.Msg))
	default:
		return nil, fmt.Errorf(", line %d: %w", s.line(), readError(err))
	}
}

func (s *sumoReader) line() int {
	line, _ := s.xml.InputPos()
	return line
}

// event is one instantOut. Its texts live as long as the token.
type event struct {
	id, time, state, vehicle, speed, length, kind string
}

func (e *event) read(attrs []xml.Attr) {
	for i := range attrs {
		switch v := attrs[i].Value; attrs[i].Name.Local {
		case "id":
			e.id = v
		case "time":
			e.time = v
		case "state":
			e.state = v
		case "vehID":
			e.vehicle = v
		case "speed":
			e.speed = v
		case "length":
			e.length = v
		case "type":
			e.kind = v
		}
	}
}

// element takes one row.
func (s *sumoReader) element(el xml.StartElement) error {
	line := s.line()
	if el.Name.Local != "instantOut" {
		s.left.note("element "+tag(el.Name.Local), line)
		return nil
	}
	var e event
	e.read(el.Attr)
	at, ok := parseClock(e.time)
	if !ok || at > maxClockS*1_000_000 {
		s.bad(line, "time", e.time, "seconds as 25200.99")
		return nil
	}
	if e.id == "" || e.vehicle == "" {
		s.bad(line, "id and vehID", e.id+" "+e.vehicle, "given")
		return nil
	}
	name, lane := splitDetector(e.id)
	station, ok := s.station(name, identifier)
	if !ok {
		s.bad(line, "id", e.id, "different from other detectors' in letters or digits: a network has no other signs")
		return nil
	}
	who := sighting{station, hashed(e.vehicle)}
	last, known := s.heard[who]
	known = known && at-last <= goneAfterUS && last-at <= goneAfterUS
	switch e.state {
	case "enter":
		return s.enter(&e, who, at, lane, known, line)
	case "stay", "leave":
		if !known {
			s.left.note("event "+e.state+" of a vehicle that entered before the recording", line)
			return nil
		}
		s.left.note("event "+e.state, line)
		s.hear(who, max(at, last))
	default:
		s.bad(line, "state", e.state, "enter, stay or leave")
	}
	return nil
}

// enter takes an enter event, which is a passage unless the vehicle is already
// on another loop of the station.
func (s *sumoReader) enter(e *event, who sighting, at int64, lane uint8, known bool, line int) error {
	speed, okSpeed := parseDecimal(e.speed, 4)
	length, okLength := parseDecimal(e.length, 2)
	speed = (speed*36 + 5000) / 10_000 // m/s · 10^-4 to km/h · 10^-1
	switch {
	case !okSpeed || speed > maxSpeedTenth:
		s.bad(line, "speed", e.speed, "0 to 111 m/s")
		return nil
	case !okLength || length < minLengthCM || length > maxLengthCM:
		s.bad(line, "length", e.length, "0.5 to 40 m")
		return nil
	case known:
		s.left.note("double detection: the vehicle changed lane at the station", line)
		s.hear(who, max(at, s.heard[who]))
		return nil
	}
	s.hear(who, at)
	return s.add(world.Record{
		After: at, Vehicle: who.vehicle, Station: who.station, Lane: lane,
		LengthCM: uint16(length), SpeedTenthKMH: uint16(max(speed, 1)), Class: s.classes.class(e.kind, line),
	})
}

// hear notes an event of a vehicle, and now and then forgets vehicles that have
// gone, so that memory goes with those on the loops and not with the file.
func (s *sumoReader) hear(who sighting, at int64) {
	s.heard[who] = at
	s.newest = max(s.newest, at)
	if len(s.heard) < s.sweep {
		return
	}
	for k, t := range s.heard {
		if s.newest-t > 2*goneAfterUS {
			delete(s.heard, k)
		}
	}
	s.sweep = max(1<<16, 2*len(s.heard))
}

// parseClock reads seconds as 25200.99, or as 7:00:00.99 and 1:07:00:00.99,
// which SUMO writes with --human-readable-time, in µs.
func parseClock(s string) (int64, bool) {
	parts := strings.Split(s, ":")
	if len(parts) == 2 || len(parts) > 4 {
		return 0, false
	}
	last := len(parts) - 1
	us, ok := parseDecimal(parts[last], 6)
	for i, perPart := last-1, int64(60); i >= 0 && ok; i-- {
		var n int64
		if n, ok = parseWhole(parts[i]); n > maxClockS {
			return 0, false
		}
		us += n * perPart * 1_000_000
		if perPart *= 60; i == 1 && last == 3 {
			perPart = 24 * 3600
		}
	}
	return us, ok
}

// splitDetector splits STATION_LANE; lanes are counted from 0 in the file and
// from 1 here.
func splitDetector(id string) (station string, lane uint8) {
	cut := strings.LastIndexByte(id, '_')
	if cut <= 0 || cut+3 < len(id) {
		return id, 1
	}
	n, ok := parseWhole(id[cut+1:])
	if !ok || n+1 > maxLane {
		return id, 1
	}
	return id[:cut], uint8(n) + 1
}

// identifier makes a detector's name fit for a network.
func identifier(name string) string {
	const most = 48
	b := []byte(name)
	for i, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '-' || c == '_') {
			b[i] = '-'
		}
	}
	if b[0] == '-' || b[0] == '_' {
		b = append([]byte{'x'}, b...)
	}
	return string(b[:min(len(b), most)])
}

// tag writes the name of an element.
func tag(name string) string { return "<" + plainText(name) + ">" }

// plainText makes what is cited from a file short and fit for one line.
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// meter limits what one token may read: the decoder holds a token in memory
// whole, whatever its length.
type meter struct {
	r    *bufio.Reader
	left int
}

// ReadByte is what the decoder reads with.
func (m *meter) ReadByte() (byte, error) {
	if m.left--; m.left < 0 {
		return 0, fmt.Errorf("a tag has more than %d bytes", maxTokenBytes)
	}
	return m.r.ReadByte()
}

// Read is there because the decoder asks for a reader.
func (m *meter) Read(p []byte) (int, error) { return m.r.Read(p) }
