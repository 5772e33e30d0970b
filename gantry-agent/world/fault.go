package world

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// FaultKind is what is wrong with a device.
type FaultKind uint8

// The kinds. What each does to identity is design §3.
const (
	// FaultDrop loses passages before they get a position.
	FaultDrop FaultKind = iota + 1
	// FaultDuplicate emits a reading twice, with one position.
	FaultDuplicate
	// FaultOverCount adds a reading that no vehicle made, with a position of
	// its own.
	FaultOverCount
	// FaultLate holds readings back for up to hours.
	FaultLate
	// FaultReorder holds readings back for seconds, so that others overtake.
	FaultReorder
	// FaultSkew shifts the clock that stamps readings.
	FaultSkew
	// FaultStuck repeats the last measurement.
	FaultStuck
	// FaultSilent observes and emits nothing.
	FaultSilent
	// FaultReboot switches the device off and starts a new epoch.
	FaultReboot
	// FaultClassDrift takes more and more vehicles for those of another class.
	FaultClassDrift
	// FaultMisread errs in plates, axles and persons.
	FaultMisread
)

var faultNames = [...]string{
	"", "drop", "duplicate", "over_count", "late", "reorder", "skew", "stuck", "silent", "reboot", "class_drift", "misread",
}

// String is the kind as scenarios name it.
func (k FaultKind) String() string {
	if k == 0 || int(k) >= len(faultNames) {
		return fmt.Sprintf("fault %d", uint8(k))
	}
	return faultNames[k]
}

// Fault is one thing that is wrong with a device for a time. A field that the
// kind has no use for is zero.
type Fault struct {
	// Index is the fault's place in the scenario: two faults of one device
	// draw their luck from different streams by it.
	Index int
	// Kind of the fault.
	Kind FaultKind
	// From and To are when it is there, To exclusive; 0 and math.MaxInt64 where
	// the scenario leaves them out.
	From, To Micros
	// PerMille of the passages are hit.
	PerMille uint32
	// Span is the longest that a reading is held back (late, reorder), how far
	// the clock is ahead (skew, negative behind), or how long an episode lasts
	// (stuck, silent, reboot).
	Span Micros
	// PerDay is how many episodes a UTC day has; with 0 the only one is From to
	// To, or for a reboot at From.
	PerDay uint32
	// DriftMSPerHour is what the clock gains an hour from From on (skew), ms.
	DriftMSPerHour int32
	// Days is how long after From the whole of PerMille is reached (class
	// drift); 0 at once.
	Days uint32
	// End says that the device closes its epoch before it goes down (reboot).
	End bool
}

// Limits of faults.
const (
	maxFaults        = 1000
	maxLateSeconds   = 12 * 3600
	maxOrderSeconds  = 60
	maxSkewSeconds   = 1_000_000
	maxDriftMS       = 60_000
	maxRebootSeconds = 24 * 3600
	maxPerDay        = 48
	maxDriftDays     = 3650
	secondsOfDay     = 24 * 3600
)

// faultFile is a fault as written.
type faultFile struct {
	Device   string `yaml:"device"`
	Kind     string `yaml:"kind"`
	From     string `yaml:"from,omitempty"`
	To       string `yaml:"to,omitempty"`
	PerMille uint32 `yaml:"per_mille,omitempty"`
	Seconds  int64  `yaml:"seconds,omitempty"`
	PerDay   uint32 `yaml:"per_day,omitempty"`
	Drift    int32  `yaml:"drift_ms_per_hour,omitempty"`
	Days     uint32 `yaml:"days,omitempty"`
	End      *bool  `yaml:"end,omitempty"`
}

// Faults are what is wrong with a device, in the scenario's order; nil when
// nothing is. It must not be changed.
func (w *World) Faults(deviceID string) []Fault { return w.scn.faults[deviceID] }

// readFaults checks a scenario's faults against the devices of a network,
// whose zone their times are in.
func readFaults(src source, files []faultFile, n *Network, z zone) (map[string][]Fault, error) {
	if len(files) > maxFaults {
		return nil, src.fault("faults", "has %d entries, must have at most %d", len(files), maxFaults)
	}
	byDevice := map[string][]Fault{}
	for i := range files {
		r := faultReader{src, fmt.Sprintf("faults[%d]", i), &files[i], Fault{Index: i}}
		if err := firstError(r.readKind, func() error { return r.readSpan(z) }, r.checkFields, r.readNumbers, r.readEpisodes); err != nil {
			return nil, err
		}
		hit := false
		for _, d := range n.Devices {
			if matches(r.file.Device, d.ID) && (r.f.Kind != FaultMisread || d.Kind != Counter) {
				hit = true
				byDevice[d.ID] = append(byDevice[d.ID], r.f)
			}
		}
		if !hit {
			return nil, r.noDevice(n)
		}
	}
	return byDevice, nil
}

// matches says whether a pattern, in which * is any text, is an identifier.
func matches(pattern, id string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == id
	}
	if !strings.HasPrefix(id, first) {
		return false
	}
	// What is between two stars is met as early as can be; the end at the end.
	id = id[len(first):]
	for {
		part, more, wild := strings.Cut(rest, "*")
		if !wild {
			return strings.HasSuffix(id, part)
		}
		at := strings.Index(id, part)
		if at < 0 {
			return false
		}
		id, rest = id[at+len(part):], more
	}
}

// faultReader checks one entry.
type faultReader struct {
	source
	path string
	file *faultFile
	f    Fault
}

// wrong is an error about one field of the entry.
func (r *faultReader) wrong(field, format string, args ...any) error {
	return r.fault(r.path+"."+field, format, args...)
}

func (r *faultReader) noDevice(n *Network) error {
	what := "device"
	if r.f.Kind == FaultMisread {
		what = "camera or toll gantry"
	}
	some := "none at all"
	if len(n.Devices) > 0 {
		some = fmt.Sprintf("%s and %d more", n.Devices[0].ID, len(n.Devices)-1)
	}
	return r.wrong("device", "is %s, must be the id of a %s or a pattern with * for some; the network has %s", quoted(r.file.Device), what, some)
}

func (r *faultReader) readKind() error {
	for k := FaultDrop; int(k) < len(faultNames); k++ {
		if r.file.Kind == k.String() {
			r.f.Kind = k
			return nil
		}
	}
	return r.wrong("kind", "is %s, must be one of %s", quoted(r.file.Kind), strings.Join(faultNames[1:], ", "))
}

func (r *faultReader) readSpan(z zone) error {
	r.f.To = math.MaxInt64
	for _, m := range []struct {
		field, text string
		at          *Micros
	}{{"from", r.file.From, &r.f.From}, {"to", r.file.To, &r.f.To}} {
		if m.text == "" {
			continue
		}
		t, err := time.ParseInLocation("2006-01-02T15:04", m.text, z.loc)
		if err != nil || t.Year() < 1980 || t.Year() > 2060 {
			return r.wrong(m.field, "is %s, must be a local time as 2026-03-04T07:40, from 1980 to 2060", quoted(m.text))
		}
		*m.at = t.UnixMicro()
	}
	if r.f.From >= r.f.To {
		return r.wrong("to", "is %s, must be after from (%s)", quoted(r.file.To), quoted(r.file.From))
	}
	return nil
}

// fieldsOf are the fields that a kind has a use for, besides device, kind,
// from and to.
var fieldsOf = [...]string{
	FaultDrop: "per_mille", FaultDuplicate: "per_mille", FaultOverCount: "per_mille",
	FaultLate: "per_mille seconds", FaultReorder: "per_mille seconds",
	FaultSkew: "per_mille seconds drift_ms_per_hour", FaultStuck: "seconds per_day", FaultSilent: "seconds per_day",
	FaultReboot: "seconds per_day end", FaultClassDrift: "per_mille days", FaultMisread: "per_mille",
}

// checkFields refuses what would be without effect.
func (r *faultReader) checkFields() error {
	for _, given := range []struct {
		field string
		is    bool
	}{
		{"per_mille", r.file.PerMille != 0}, {"seconds", r.file.Seconds != 0}, {"per_day", r.file.PerDay != 0},
		{"drift_ms_per_hour", r.file.Drift != 0}, {"days", r.file.Days != 0}, {"end", r.file.End != nil},
	} {
		if given.is && !slices.Contains(strings.Fields(fieldsOf[r.f.Kind]), given.field) {
			return r.wrong(given.field, "says nothing for %s, which takes %s: leave it out",
				r.f.Kind, strings.ReplaceAll(fieldsOf[r.f.Kind], " ", ", "))
		}
	}
	return nil
}

// readNumbers checks shares and times of the kinds that hit single passages.
func (r *faultReader) readNumbers() error {
	r.f.PerMille, r.f.Days, r.f.DriftMSPerHour = r.file.PerMille, r.file.Days, r.file.Drift
	switch r.f.Kind {
	case FaultStuck, FaultSilent, FaultReboot:
		return nil
	case FaultSkew:
		if r.f.PerMille == 0 {
			r.f.PerMille = 1000
		}
		if r.file.Seconds == 0 && r.file.Drift == 0 {
			return r.wrong("seconds", "is missing: a skew needs seconds, drift_ms_per_hour or both")
		}
		if s := r.file.Seconds; s < -maxSkewSeconds || s > maxSkewSeconds {
			return r.wrong("seconds", "is %d, must be %d to %d", s, -maxSkewSeconds, maxSkewSeconds)
		}
		if d := r.file.Drift; d < -maxDriftMS || d > maxDriftMS {
			return r.wrong("drift_ms_per_hour", "is %d, must be %d to %d", d, -maxDriftMS, maxDriftMS)
		}
	case FaultLate, FaultReorder:
		most := int64(maxLateSeconds)
		if r.f.Kind == FaultReorder {
			most = maxOrderSeconds
		}
		if s := r.file.Seconds; s < 1 || s > most {
			return r.wrong("seconds", "is %d, must be 1 to %d", s, most)
		}
	default:
		if r.f.Days > maxDriftDays {
			return r.wrong("days", "is %d, must be at most %d", r.f.Days, maxDriftDays)
		}
	}
	r.f.Span = r.file.Seconds * second
	if (r.file.Drift != 0 || r.file.Days != 0) && r.file.From == "" {
		return r.wrong("from", "is missing: what grows needs to know since when")
	}
	if r.f.PerMille < 1 || r.f.PerMille > 1000 {
		return r.wrong("per_mille", "is %d, must be 1 to 1000", r.f.PerMille)
	}
	return nil
}

// readEpisodes checks the kinds that last: one span from from to to, or so
// many a day.
func (r *faultReader) readEpisodes() error {
	kind := r.f.Kind
	if kind != FaultStuck && kind != FaultSilent && kind != FaultReboot {
		return nil
	}
	r.f.PerDay, r.f.Span = r.file.PerDay, r.file.Seconds*second
	if kind == FaultReboot {
		if r.file.End == nil {
			return r.wrong("end", "is missing: say true where the device closes its epoch before it goes down, false where the power fails")
		}
		r.f.End = *r.file.End
	}
	most := int64(maxRebootSeconds)
	switch {
	case r.f.PerDay > maxPerDay:
		return r.wrong("per_day", "is %d, must be at most %d", r.f.PerDay, maxPerDay)
	case r.f.PerDay > 0:
		// Half of an episode's share of the day: they never meet.
		most = secondsOfDay / int64(r.f.PerDay) / 2
	case kind != FaultReboot:
		if r.file.Seconds != 0 {
			return r.wrong("seconds", "says nothing without per_day: %s lasts from from to to", kind)
		}
		return nil
	case r.file.From == "":
		return r.wrong("from", "is missing: a reboot needs its moment, or per_day")
	case r.file.To != "":
		return r.wrong("to", "says nothing without per_day: the reboot is at from")
	}
	if s := r.file.Seconds; s < 1 || s > most {
		return r.wrong("seconds", "is %d, must be 1 to %d", s, most)
	}
	return nil
}
