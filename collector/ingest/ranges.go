package ingest

import (
	"fmt"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// The ranges of (gantry.v1.range) by hand, because looking the options up
// costs more than all else that is done with a reading. A test walks the
// options and compares.
const (
	maxLane          = 16
	maxDeviceIDBytes = 64
)

// judgeFields checks the measurement's fields.
func judgeFields(r *kafka.Reading) verdict {
	switch r.Kind {
	case kafka.KindCounter:
		return judgeCounter(r)
	case kafka.KindSpeed:
		return judgeSpeed(r)
	default:
		return judgeToll(r)
	}
}

// In the checks below x-min > max-min is x < min || x > max, for unsigned x.

func judgeCounter(r *kafka.Reading) verdict {
	switch {
	case r.Class-1 > 5:
		return outside("counter.vehicle_class", uint64(r.Class), 1, 6)
	case r.LengthCM-50 > 3950:
		return outside("counter.length_cm", uint64(r.LengthCM), 50, 4000)
	case r.OccupiedMS-1 > 3_599_999:
		return outside("counter.occupied_ms", uint64(r.OccupiedMS), 1, 3_600_000)
	case r.HeadwayMS > 172_800_000:
		return outside("counter.headway_ms", uint64(r.HeadwayMS), 0, 172_800_000)
	}
	return verdict{}
}

func judgeSpeed(r *kafka.Reading) verdict {
	switch {
	case r.SpeedTenthKMH-1 > 3999:
		return outside("speed.speed_tenth_kmh", uint64(r.SpeedTenthKMH), 1, 4000)
	case r.LimitKMH-5 > 195:
		return outside("speed.limit_kmh", uint64(r.LimitKMH), 5, 200)
	case len(r.Plate) > 16:
		return badLength("speed.plate", len(r.Plate), 0, 16)
	case !plateLike(r.Plate):
		return badText("speed.plate")
	case r.ConfidencePercent > 100:
		return outside("speed.confidence_percent", uint64(r.ConfidencePercent), 0, 100)
	case r.Class-1 > 5:
		return outside("speed.vehicle_class", uint64(r.Class), 1, 6)
	}
	return verdict{}
}

func judgeToll(r *kafka.Reading) verdict {
	switch {
	case r.Plate != nil && (len(r.Plate) < 1 || len(r.Plate) > 16):
		return badLength("toll.plate", len(r.Plate), 1, 16)
	case !plateLike(r.Plate):
		return badText("toll.plate")
	case r.Tag != nil && (len(r.Tag) < 1 || len(r.Tag) > 24):
		return badLength("toll.tag", len(r.Tag), 1, 24)
	case !plateLike(r.Tag):
		return badText("toll.tag")
	case r.Class-1 > 5:
		return outside("toll.vehicle_class", uint64(r.Class), 1, 6)
	case r.Axles-2 > 14:
		return outside("toll.axles", uint64(r.Axles), 2, 16)
	case r.Persons-1 > 119:
		return outside("toll.persons", uint64(r.Persons), 1, 120)
	case r.ChargeCents > 1_000_000:
		return outside("toll.charge_cents", uint64(r.ChargeCents), 0, 1_000_000)
	}
	return verdict{}
}

// plateLike says that text has nothing but capital letters and digits.
func plateLike(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func outside(field string, value, lo, hi uint64) verdict {
	return verdict{gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, field,
		fmt.Sprintf("%s is %d, outside %d to %d: check the instrument.", field, value, lo, hi)}
}

func badLength(field string, n, lo, hi int) verdict {
	return verdict{gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, field,
		fmt.Sprintf("%s has %d bytes, outside %d to %d: leave it out when it could not be read.", field, n, lo, hi)}
}

// badText does not show the text: it may be personal data.
func badText(field string) verdict {
	return verdict{gantryv1.RejectCode_REJECT_CODE_IMPOSSIBLE_FIELD, field,
		field + " has something else than capital letters and digits: send it as read, without spaces and hyphens."}
}
