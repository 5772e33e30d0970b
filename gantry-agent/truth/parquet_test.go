package truth

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

func TestParquetReadBackEqualsTheCSV(t *testing.T) {
	want, err := csv.NewReader(strings.NewReader(mustGantry(t, append([]string{"passages"}, span...)...))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	file := strings.NewReader(mustGantry(t, append([]string{"passages", "--format=parquet"}, span...)...))
	f, err := parquet.OpenFile(file, file.Size())
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, c := range f.Schema().Columns() {
		columns = append(columns, strings.Join(c, "."))
	}
	if got := strings.Join(columns, ",") + "\n"; got != passageColumns {
		t.Errorf("columns %s, want %s", got, passageColumns)
	}
	rows := make([]parquetRow, f.NumRows())
	if n, err := parquet.NewGenericReader[parquetRow](f).Read(rows); n != len(rows) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("read %d of %d rows: %v", n, len(rows), err)
	}
	if len(rows) != len(want)-1 || len(rows) < 1000 {
		t.Fatalf("%d rows, the CSV has %d", len(rows), len(want)-1)
	}
	for i, r := range rows {
		got := strings.Join([]string{
			time.UnixMicro(r.PassageAt).UTC().Format(timeFormat), r.StationID, r.Direction, fmt.Sprint(r.OffsetM),
			fmt.Sprint(r.Lane), fmt.Sprint(r.VehicleID), r.Class, fmt.Sprintf("%.2f", r.LengthM),
			fmt.Sprintf("%.1f", r.SpeedKMH), fmt.Sprint(r.Persons),
		}, ",")
		if line := strings.Join(want[i+1], ","); got != line {
			t.Fatalf("row %d is %s, the CSV has %s", i, got, line)
		}
	}
}

func TestParquetTypesAreWhatReadersExpect(t *testing.T) {
	got := parquet.SchemaOf(parquetRow{}).String()
	for _, want := range []string{
		"required int64 passage_at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS))",
		"required binary station_id (STRING)", "required binary class (STRING)",
		"required int32 lane (INT(8,false))", "required int32 vehicle_id (INT(32,false))",
		"required double length_m", "required double speed_kmh",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("schema lacks %q:\n%s", want, got)
		}
	}
}

// TestParquetHoldsOneRowGroupInMemory looks at what has been written while
// rows are still coming: all row groups but the last.
func TestParquetHoldsOneRowGroupInMemory(t *testing.T) {
	var out bytes.Buffer
	w := newParquet(&out)
	station := world.Station{ID: "a", Direction: "north"}
	write := func(n int) {
		for i := range n {
			if err := w.passage(&station, &world.Passage{At: int64(i), Class: world.Car, Vehicle: world.Vehicle(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(rowGroupRows + 4096)
	if first := out.Len(); first < 100_000 {
		t.Errorf("%d bytes are written after more than a row group", first)
	}
	write(2 * rowGroupRows)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.RowGroups()); n != 4 || f.NumRows() != 3*rowGroupRows+4096 {
		t.Errorf("%d row groups, %d rows", n, f.NumRows())
	}
}
