package kafka

import (
	"encoding/json"
	"math/bits"
	"strconv"
	"time"
)

// Token stands for a plate or tag; platekey makes it. Zero is neither.
type Token struct {
	// High and Low are the halves of the 128 bits.
	High, Low uint64
	// KeyID says which key it was made with.
	KeyID uint8
}

// Names of kinds and classes as raw.readings has them; epoch_end is of the JSON
// topics only.
var (
	kindNames  = [...]string{KindCounter: "counter", KindSpeed: "speed", KindToll: "toll", KindEpochEnd: "epoch_end"}
	classNames = [...]string{"", "car", "van", "truck", "bus", "motorcycle", "other"}
)

// AppendJSON appends an accepted reading, identity included, as the value of a
// record of the JSON topics: one flat object whose fields are columns of
// raw.incoming, in their units. Fields that the kind does not have are left
// out. Plate and tag are never written; the token stands for them, as text,
// for 128 bits are no number of JSON's. Times are UTC, in the form that
// ClickHouse reads without being told. An epoch's end is of kind epoch_end, with
// last_seq.
func (r *Reading) AppendJSON(dst []byte, receivedAt time.Time, token Token) []byte {
	dst = append(dst, `{"device_id":`...)
	dst = appendJSONString(dst, r.DeviceID)
	dst = appendJSONField(dst, "epoch", uint64(r.Epoch))
	dst = appendJSONField(dst, "seq", r.Seq)
	dst = append(dst, `,"received_at":"`...)
	dst = receivedAt.UTC().AppendFormat(dst, "2006-01-02 15:04:05.000")
	dst = append(append(dst, `","kind":"`...), kindNames[r.Kind]...)
	dst = append(dst, '"')
	if r.Kind == KindEpochEnd {
		return append(appendJSONField(dst, "last_seq", r.LastSeq), '}')
	}
	dst = append(dst, `,"observed_at":"`...)
	dst = time.UnixMicro(r.ObservedAtUS).UTC().AppendFormat(dst, "2006-01-02 15:04:05.000000")
	dst = append(append(dst, `","vehicle_class":"`...), classNames[r.Class]...)
	dst = append(dst, '"')
	dst = appendJSONField(dst, "lane", uint64(r.Lane))
	switch r.Kind {
	case KindCounter:
		dst = appendJSONField(dst, "length_cm", uint64(r.LengthCM))
		dst = appendJSONField(dst, "occupied_ms", uint64(r.OccupiedMS))
		dst = appendJSONField(dst, "headway_ms", uint64(r.HeadwayMS))
		return append(dst, '}')
	case KindSpeed:
		dst = appendJSONField(dst, "speed_tenth_kmh", uint64(r.SpeedTenthKMH))
		dst = appendJSONField(dst, "limit_kmh", uint64(r.LimitKMH))
		dst = appendJSONField(dst, "confidence_percent", uint64(r.ConfidencePercent))
	case KindToll:
		dst = appendJSONField(dst, "axles", uint64(r.Axles))
		dst = appendJSONField(dst, "persons", uint64(r.Persons))
		dst = appendJSONField(dst, "charge_cents", uint64(r.ChargeCents))
	}
	dst = append(dst, `,"plate_token":"`...)
	dst = append(token.appendDecimal(dst), '"')
	return append(appendJSONField(dst, "plate_key_id", uint64(token.KeyID)), '}')
}

func appendJSONField(dst []byte, name string, value uint64) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":`...)
	return strconv.AppendUint(dst, value, 10)
}

// appendJSONString quotes text. Ids are plain nearly always.
func appendJSONString(dst, text []byte) []byte {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(string(text))
			if err != nil {
				panic(err) // no string fails
			}
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}

// appendDecimal appends the 128 bits as a number, 19 digits at a time.
func (t Token) appendDecimal(dst []byte) []byte {
	const part = 1e19
	if t.High == 0 {
		return strconv.AppendUint(dst, t.Low, 10)
	}
	// High / part is 0 or 1: the quotient has up to 65 bits and is cut again.
	top, rest := t.High/part, t.High%part
	quotient, low := bits.Div64(rest, t.Low, part)
	first, second := bits.Div64(top, quotient, part)
	if first > 0 {
		dst = appendPadded(strconv.AppendUint(dst, first, 10), second)
	} else {
		dst = strconv.AppendUint(dst, second, 10)
	}
	return appendPadded(dst, low)
}

// appendPadded appends 19 digits.
func appendPadded(dst []byte, v uint64) []byte {
	const zeros = "0000000000000000000"
	var digits [20]byte
	text := strconv.AppendUint(digits[:0], v, 10)
	return append(append(dst, zeros[len(text):]...), text...)
}
