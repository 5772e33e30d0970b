package recorded

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// DraftOptions are what a draft takes from its user.
type DraftOptions struct {
	// Name of the network, and Road that SUMO's stations stand at.
	Name, Road string
	// Zone of the place, an IANA name or an offset.
	Zone string
	// Start is when the first record happens.
	Start time.Time
	// Devices at each station: counter, speed.
	Devices []string
	// Classes of types beside those known.
	Classes map[string]world.Class
	// Detectors of a SUMO recording; without them each station has a road of
	// its own.
	Detectors []Detector
	// Longitude and Latitude are where the made-up roads begin, degrees.
	Longitude, Latitude float64
}

// head explains a draft to who edits it.
const head = `# Drafted from a recording. True are the part "recorded" and the stations with
# their lanes%s.
# Made up, because the recording does not tell: roads and where they lie,
# directions, gantries, limits (from the speeds seen), capacities and densities.
# Correct what you know: nothing of it changes a passage, but a network that was
# changed is another world, and needs new state folders.
`

// Draft writes the network file of a recording.
func Draft(r *Recording, o DraftOptions) ([]byte, error) {
	links, err := planLinks(r, &o)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	positions := ""
	if len(o.Detectors) > 0 {
		positions = " and their places along the links"
	}
	fmt.Fprintf(&b, head, positions)
	fmt.Fprintf(&b, "name: %q\nzone: %q\nvalid_from: %s\n", o.Name, o.Zone, o.Start.UTC().Truncate(24*time.Hour).Format(time.RFC3339))
	fmt.Fprintf(&b, "# The recording is given to each program beside this file, with --recorded.\nrecorded:\n  format: %s\n", r.Format)
	fmt.Fprintf(&b, "  # When its first record happens; its last one does %s later.\n  start: %s\n",
		time.Duration(r.Records[len(r.Records)-1].After*1000).Round(time.Second), o.Start.UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(&b, "  # Of the %d records that are read from it.\n  hash: %q\n", len(r.Records), r.Hash())
	if len(o.Classes) > 0 {
		b.WriteString("  classes:\n")
		for _, name := range slices.Sorted(maps.Keys(o.Classes)) {
			fmt.Fprintf(&b, "    - {type: %q, class: %s}\n", name, o.Classes[name])
		}
	}
	writeNodes(&b, links)
	writeLinks(&b, links)
	writeStations(&b, links, o.Devices)
	return []byte(b.String()), nil
}

func writeNodes(b *strings.Builder, links []draftLink) {
	b.WriteString("nodes:\n")
	for i := range links {
		l := &links[i]
		for _, end := range []struct {
			suffix string
			at     point
		}{{"from", l.from}, {"to", l.to}} {
			fmt.Fprintf(b, "  - {id: %q, zone: true, longitude: %.7f, latitude: %.7f}\n", l.id+"-"+end.suffix, end.at.longitude, end.at.latitude)
		}
	}
}

func writeLinks(b *strings.Builder, links []draftLink) {
	b.WriteString("links:\n")
	for i := range links {
		l := &links[i]
		fmt.Fprintf(b, "  - id: %q\n    kind: motorway\n    road: %q\n    direction: %q\n    offset_m: %d\n", l.id, l.road, l.direction, l.offsetM)
		fmt.Fprintf(b, "    from: %q\n    to: %q\n    length_m: %d\n    lanes: %d\n", l.id+"-from", l.id+"-to", l.lengthM, l.lanes)
		fmt.Fprintf(b, "    limit_kmh: %d\n    free_flow_kmh: %d\n    capacity_veh_h: %d\n    jam_veh_km: %d\n", l.limitKMH(), l.freeKMH(), l.capacity(), jamVehKM)
		fmt.Fprintf(b, "    geometry: {type: LineString, coordinates: [[%.7f, %.7f], [%.7f, %.7f]]}\n",
			l.from.longitude, l.from.latitude, l.to.longitude, l.to.latitude)
	}
}

func writeStations(b *strings.Builder, links []draftLink, devices []string) {
	b.WriteString("stations:\n")
	for i := range links {
		for _, s := range links[i].stations {
			fmt.Fprintf(b, "  - {id: %q, gantry: %q, link: %q, at_m: %d", s.id, s.gantry, links[i].id, s.atM)
			if slices.Contains(devices, world.Counter.String()) {
				b.WriteString(", loop_cm: 200")
			}
			fmt.Fprintf(b, ", devices: [%s]}\n", strings.Join(devices, ", "))
		}
	}
}

// What a link is made up of: jams travel upstream at 18 km/h.
const (
	jamVehKM = 145
	waveKMH  = 18
)

// freeKMH is the 85th percentile of the cars seen.
func (l *draftLink) freeKMH() int { return min(max(l.speedKMH, 20), 180) }

// limitKMH is that in tens, rounded up: people drive a little below.
func (l *draftLink) limitKMH() int { return min(max((l.speedKMH+9)/10*10, 30), 200) }

// capacity of a lane follows from the triangular diagram.
func (l *draftLink) capacity() int {
	v := l.freeKMH()
	return waveKMH * jamVehKM * v / (v + waveKMH)
}

// place lays links on the ground, one after the other towards the east.
func place(links []draftLink, o *DraftOptions) {
	const degreeM = 111_320 // of latitude
	eastM := degreeM * max(math.Cos(o.Latitude*math.Pi/180), 0.01)
	x := 0.0
	for i := range links {
		l := &links[i]
		from := point{o.Longitude + x/eastM, o.Latitude}
		to := point{o.Longitude + (x+float64(l.lengthM))/eastM, o.Latitude}
		l.from, l.to = from, to
		if i+1 < len(links) && links[i+1].opposite {
			continue // the next one lies beside it
		}
		if l.opposite {
			const asideM = 25
			from.latitude -= asideM / float64(degreeM)
			to.latitude -= asideM / float64(degreeM)
			l.from, l.to = to, from
		}
		x += float64(l.lengthM) + 100
	}
}
