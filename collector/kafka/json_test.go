package kafka

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

var receivedAt = time.UnixMilli(1_772_776_800_123)

// TestAppendJSON pins the records: what reads them elsewhere goes by their
// letters.
func TestAppendJSON(t *testing.T) {
	const observedUS = 1_772_776_799_000_001
	token := Token{High: 1, Low: 2, KeyID: 7}
	for want, r := range map[string]Reading{
		`{"device_id":"D1","epoch":5,"seq":6,"received_at":"2026-03-06 06:00:00.123","kind":"counter","observed_at":"2026-03-06 05:59:59.000001","vehicle_class":"car","lane":2,"length_cm":430,"occupied_ms":250,"headway_ms":2000}`: {
			DeviceID: []byte("D1"), Epoch: 5, Seq: 6, Kind: KindCounter, ObservedAtUS: observedUS, Class: 1, Lane: 2, LengthCM: 430, OccupiedMS: 250, HeadwayMS: 2000,
		},
		`{"device_id":"a\"b\\ü","epoch":0,"seq":18446744073709551615,"received_at":"2026-03-06 06:00:00.123","kind":"speed","observed_at":"2026-03-06 05:59:59.000001","vehicle_class":"other","lane":1,"speed_tenth_kmh":1013,"limit_kmh":100,"confidence_percent":99,"plate_token":"18446744073709551618","plate_key_id":7}`: {
			DeviceID: []byte(`a"b\ü`), Seq: math.MaxUint64, Kind: KindSpeed, ObservedAtUS: observedUS, Class: 6, Lane: 1, SpeedTenthKMH: 1013, LimitKMH: 100, ConfidencePercent: 99, Plate: []byte("S123"),
		},
		`{"device_id":"T","epoch":1,"seq":1,"received_at":"2026-03-06 06:00:00.123","kind":"toll","observed_at":"2026-03-06 05:59:59.000001","vehicle_class":"bus","lane":1,"axles":3,"persons":40,"charge_cents":620,"plate_token":"18446744073709551618","plate_key_id":7}`: {
			DeviceID: []byte("T"), Epoch: 1, Seq: 1, Kind: KindToll, ObservedAtUS: observedUS, Class: 4, Lane: 1, Axles: 3, Persons: 40, ChargeCents: 620, Tag: []byte("TAG9"),
		},
		`{"device_id":"D1","epoch":5,"seq":7,"received_at":"2026-03-06 06:00:00.123","kind":"epoch_end","last_seq":6}`: {
			DeviceID: []byte("D1"), Epoch: 5, Seq: 7, Kind: KindEpochEnd, LastSeq: 6,
		},
	} {
		got := r.AppendJSON(nil, receivedAt, token)
		if string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		var fields map[string]any
		if err := json.Unmarshal(got, &fields); err != nil || fields["device_id"] != string(r.DeviceID) {
			t.Errorf("%s is not JSON of the device: %v", got, err)
		}
	}
}

// TestTokenDecimal: 128 bits as math/big writes them.
func TestTokenDecimal(t *testing.T) {
	tokens := []Token{{}, {Low: math.MaxUint64}, {High: 1}, {High: math.MaxUint64, Low: math.MaxUint64}, {High: 1e19, Low: 0}, {High: 1e19 - 1, Low: math.MaxUint64}, {Low: 1e19}}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		tokens = append(tokens, Token{High: random.Uint64() >> random.IntN(64), Low: random.Uint64() >> random.IntN(64)})
	}
	for _, token := range tokens {
		n := new(big.Int).SetUint64(token.High)
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(token.Low))
		if got := string(token.appendDecimal(nil)); got != n.String() {
			t.Fatalf("%x %x: %s, want %s", token.High, token.Low, got, n)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	r := Reading{DeviceID: []byte("S1-speed"), Epoch: 5, Seq: 6, Kind: KindSpeed, ObservedAtUS: 1_772_776_799_000_001, Class: 1, Lane: 2, SpeedTenthKMH: 1013, LimitKMH: 100, ConfidencePercent: 99}
	token := Token{High: 1 << 60, Low: 1 << 61, KeyID: 7}
	var buf []byte
	for b.Loop() {
		buf = r.AppendJSON(buf[:0], receivedAt, token)
	}
	b.SetBytes(int64(len(buf)))
}
