package sink

import (
	"context"
	"fmt"
	"testing"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// purge notes the token of a plate, else of a tag.
func (s *stack) purge(t testing.TB, plate, tag string) {
	t.Helper()
	token := testKey.Token(plate, tag)
	err := s.ch.Conn(t, clickhousetest.Collector).Exec(t.Context(), fmt.Sprintf(
		"INSERT INTO raw.purges (plate_token, plate_key_id, reason, who) SELECT bitShiftLeft(toUInt128(%d), 64) + %d, %d, 'test', 'test'", token.High, token.Low, testKey.ID()))
	if err != nil {
		t.Fatal(err)
	}
}

// TestForget: a vehicle that was purged arrives without plate, tag and token,
// and everything else about it and every other vehicle arrives whole.
func TestForget(t *testing.T) {
	s := newStack(t)
	s.purge(t, "P00007", "")
	s.purge(t, "", "T0001")
	toll := func(seq uint64, id string) []byte {
		return withIdentity(t, &gantryv1.Reading{ObservedAtUs: day0 + int64(seq), Lane: 1, Measurement: &gantryv1.Reading_Toll{Toll: &gantryv1.TollReading{
			Identification: &gantryv1.TollReading_Tag{Tag: id}, VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_BUS, Axles: 3, Persons: 48, ChargeCents: 12}}}, "t", 7, seq)
	}
	values := readingsOf(t, "a", 0, 1, 10)
	s.produce(t, kafka.TopicReading, "a", values...)
	s.produce(t, kafka.TopicBackfill, "a", values...) // a replay
	s.produce(t, kafka.TopicReading, "t", toll(1, "T0001"), toll(2, "P00007"), toll(3, "T0002"))
	// Refused: by a number beyond its column, with the plate before it.
	s.produce(t, kafka.TopicReading, "b", append(readingsOf(t, "b", 0, 7, 7)[0], bigVarint(15)...), append(readingsOf(t, "b", 0, 8, 8)[0], bigVarint(15)...))
	s.run(t, s.config())
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	s.awaitCommitted(t, kafka.GroupSinkBackfill, kafka.TopicBackfill)
	s.awaitCommitted(t, kafka.GroupSinkReject, kafka.TopicDeadLetter)
	for where, want := range map[string]uint64{
		"device_id = 'a'": 10,
		"device_id = 'a' AND seq = 7 AND plate = '' AND plate_token = 0 AND plate_key_id = 0 AND speed_tenth_kmh = 607 AND lane = 2": 1,
		"device_id = 'a' AND plate = concat('P', leftPad(toString(seq), 5, '0')) AND plate_token != 0 AND plate_key_id != 0":         9,
		"device_id = 't' AND seq = 1 AND tag = '' AND plate_token = 0 AND plate_key_id = 0 AND persons = 48 AND charge_cents = 12":   1,
		"device_id = 't' AND seq > 1 AND tag IN ('P00007', 'T0002') AND plate_token != 0":                                            2,
		"device_id = 't' AND tag = 'P00007'": 1, // a tag that reads like the plate is another thing
	} {
		if n := s.ch.Count(t, "SELECT count() FROM raw.readings FINAL WHERE "+where); n != want {
			t.Errorf("%d readings where %s, want %d", n, where, want)
		}
	}
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings WHERE position(plate, 'P00007') > 0 OR tag = 'T0001'"); n != 0 {
		t.Errorf("%d copies hold what was purged", n)
	}
	for where, want := range map[string]uint64{"seq = 7 AND value = ''": 1, "seq = 8 AND position(value, 'P00008') > 0": 1} {
		if n := s.ch.Count(t, "SELECT count() FROM raw.rejects WHERE device_id = 'b' AND "+where); n != want {
			t.Errorf("%d rejects where %s, want %d", n, where, want)
		}
	}
}

// TestForgetWhatIsPurgedWhileRunning: a sink learns of a purge without a
// restart.
func TestForgetWhatIsPurgedWhileRunning(t *testing.T) {
	s := newStack(t)
	cfg := s.config()
	s.run(t, cfg)
	s.produce(t, kafka.TopicReading, "a", readingsOf(t, "a", 0, 7, 7)...)
	s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
	if n := s.ch.Count(t, "SELECT count() FROM raw.readings WHERE plate = 'P00007'"); n != 1 {
		t.Fatalf("%d rows before the purge, want 1", n)
	}
	s.purge(t, "P00007", "")
	ctx, cancel := context.WithTimeout(t.Context(), awaitTimeout)
	defer cancel()
	next := uint64(90_007) // has the same plate
	await(t, ctx, "a row without its plate", func() bool {
		s.produce(t, kafka.TopicReading, "a", readingsOf(t, "a", 0, next, next)...)
		s.awaitCommitted(t, kafka.GroupSinkLive, kafka.TopicReading)
		next += 90_000
		return s.ch.Count(t, "SELECT count() FROM raw.readings WHERE plate_token = 0") == 1
	})
}

// BenchmarkForget: one iteration is one reading of a block that leaves, none
// of which was purged; with 1000 tokens the bitmap lets one in 65 through.
func BenchmarkForget(b *testing.B) {
	records := benchRecords(b, 50_000)
	rows := newReadings(testKey, 90)
	for _, r := range records {
		if err := rows.add(r); err != nil {
			b.Fatal(err)
		}
	}
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var tokens []proto.UInt128
			for i := range n {
				tokens = append(tokens, testKey.Token(fmt.Sprint("other", i), ""))
			}
			p := newPurges(tokens)
			for done := 0; done < b.N; done += len(records) {
				rows.forget(p)
			}
		})
	}
}
