package truth

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// PassagesCmd is `gantry-agent world passages`.
type PassagesCmd struct {
	Where
	Tape
	Span
	Format string `enum:"csv,parquet" default:"csv" help:"Output format: csv or parquet."`
}

// passageColumns is the first line of the CSV. Its order is a promise.
const passageColumns = "passage_at,station_id,direction,offset_m,lane,vehicle_id,class,length_m,speed_kmh,persons\n"

// timeFormat is RFC 3339 with microseconds, always six digits.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// passageWriter writes passages in one format.
type passageWriter interface {
	passage(s *world.Station, p *world.Passage) error
	// close writes what is still to write; the output stays open.
	close() error
}

// Run prints the passages.
func (c *PassagesCmd) Run(k *kong.Context, ctx context.Context) error { //nolint:revive // kong hands arguments out by type
	c.notes = k.Stderr
	return toOutput(stoppable{ctx, k.Stdout}, c.write)
}

func (c *PassagesCmd) write(out io.Writer) error {
	from, to, err := c.bounds()
	if err != nil {
		return err
	}
	w, err := c.play(&c.Where)
	if err != nil {
		return err
	}
	stations, err := c.stations(w.Network())
	if err != nil {
		return err
	}
	var sources []func() (world.Passage, world.Micros, bool)
	for _, s := range stations {
		cursor, _ := w.Open(s.ID, from, to)
		sources = append(sources, func() (p world.Passage, at world.Micros, ok bool) {
			ok = cursor.Next(&p)
			return p, p.At, ok
		})
	}
	sink, err := c.writer(out)
	if err != nil {
		return err
	}
	err = merge(sources, func(i int, p world.Passage) error { return sink.passage(&stations[i], &p) })
	if err != nil {
		return err
	}
	return sink.close()
}

func (c *PassagesCmd) writer(out io.Writer) (passageWriter, error) {
	if c.Format == "parquet" {
		return newParquet(out), nil
	}
	_, err := io.WriteString(out, passageColumns)
	return &csvWriter{out: out}, err
}

// csvWriter writes passages as CSV.
type csvWriter struct {
	out  io.Writer
	line []byte
}

func (c *csvWriter) passage(s *world.Station, p *world.Passage) error {
	c.line = appendPassage(c.line[:0], s, p)
	_, err := c.out.Write(c.line)
	return err
}

func (*csvWriter) close() error { return nil }

// appendPassage appends one line. No field needs quotes: the network's reader
// lets no name have a comma.
func appendPassage(b []byte, s *world.Station, p *world.Passage) []byte {
	b = time.UnixMicro(p.At).UTC().AppendFormat(b, timeFormat)
	b = append(append(append(b, ','), s.ID...), ',')
	b = append(append(b, s.Direction...), ',')
	b = append(strconv.AppendUint(b, uint64(s.OffsetM), 10), ',')
	b = append(strconv.AppendUint(b, uint64(p.Lane), 10), ',')
	b = append(strconv.AppendUint(b, uint64(p.Vehicle), 10), ',')
	b = append(append(b, p.Class.String()...), ',')
	b = append(appendDecimal(b, uint64(p.LengthCM), 100), ',')
	b = append(appendDecimal(b, uint64(p.SpeedTenthKMH), 10), ',')
	return append(strconv.AppendUint(b, uint64(p.Persons), 10), '\n')
}

// appendDecimal appends v ÷ scale exactly; scale is 10 or 100.
func appendDecimal(b []byte, v, scale uint64) []byte {
	b = append(strconv.AppendUint(b, v/scale, 10), '.')
	if scale == 100 {
		b = append(b, byte('0'+v/10%10))
	}
	return append(b, byte('0'+v%10))
}
