package truth

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// rowGroupRows is how many passages make a row group: what is held in memory
// until it is written, a few hours of the corridor.
const rowGroupRows = 1 << 18

// parquetRow is a passage as a Parquet file has it. Names are those of the
// CSV. Lengths and speeds are doubles, since few readers take decimals for
// numbers; they are the nearest to the CSV's decimals.
type parquetRow struct {
	PassageAt int64   `parquet:"passage_at,delta,timestamp(microsecond:utc)"`
	StationID string  `parquet:"station_id,dict"`
	Direction string  `parquet:"direction,dict"`
	OffsetM   uint32  `parquet:"offset_m,dict"`
	Lane      uint8   `parquet:"lane,dict"`
	VehicleID uint32  `parquet:"vehicle_id"`
	Class     string  `parquet:"class,dict"`
	LengthM   float64 `parquet:"length_m,dict"`
	SpeedKMH  float64 `parquet:"speed_kmh,dict"`
	Persons   uint8   `parquet:"persons,dict"`
}

// parquetWriter writes passages as Parquet, row group after row group.
type parquetWriter struct {
	rows  *parquet.GenericWriter[parquetRow]
	batch []parquetRow
}

// newParquet writes to out.
func newParquet(out io.Writer) *parquetWriter {
	return &parquetWriter{
		rows: parquet.NewGenericWriter[parquetRow](out, parquet.Compression(&parquet.Zstd),
			parquet.MaxRowsPerRowGroup(rowGroupRows), parquet.CreatedBy("gantry-agent", fmt.Sprint(world.Version), "")),
		batch: make([]parquetRow, 0, 1024),
	}
}

func (w *parquetWriter) passage(s *world.Station, p *world.Passage) error {
	w.batch = append(w.batch, parquetRow{
		PassageAt: p.At, StationID: s.ID, Direction: s.Direction, OffsetM: s.OffsetM, Lane: p.Lane,
		VehicleID: uint32(p.Vehicle), Class: p.Class.String(), LengthM: float64(p.LengthCM) / 100,
		SpeedKMH: float64(p.SpeedTenthKMH) / 10, Persons: p.Persons,
	})
	if len(w.batch) < cap(w.batch) {
		return nil
	}
	return w.flush()
}

func (w *parquetWriter) flush() error {
	_, err := w.rows.Write(w.batch)
	w.batch = w.batch[:0]
	if err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}

// close writes what is left, and the file's foot.
func (w *parquetWriter) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.rows.Close(); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}
