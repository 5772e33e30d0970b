package recorded

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxDetectors limits a file of definitions.
const maxDetectors = 1 << 16

// Detector is where a loop of SUMO lies.
type Detector struct {
	// Station and Lane (1-based, from the nearside) that its events are of.
	Station string
	Lane    uint8
	// Edge of SUMO's network that it lies on.
	Edge string
	// PosM is how far along the edge, metres; negative from its end.
	PosM int64
}

// ReadDetectors reads the instantInductionLoop elements of an additional file,
// in its order. Errors name file, line and field.
func ReadDetectors(path string) ([]Detector, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("detectors: %w", err)
	}
	defer func() { _ = f.Close() }() // read only: nothing to lose
	return readDetectors(f, path)
}

func readDetectors(file io.Reader, path string) ([]Detector, error) {
	in, err := unpacked(file)
	if err != nil {
		return nil, fmt.Errorf("detectors %s: %w", path, err)
	}
	m := &meter{r: in}
	d := xml.NewDecoder(m)
	var out []Detector
	for {
		m.left = maxTokenBytes
		token, err := d.Token()
		line, _ := d.InputPos()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("detectors %s, line %d: %s", path, line, plainText(readError(err).Error()))
		}
		el, ok := token.(xml.StartElement)
		if !ok || el.Name.Local != "instantInductionLoop" {
			continue
		}
		if len(out) == maxDetectors {
			return nil, fmt.Errorf("detectors %s, line %d: has more than the %d detectors allowed", path, line, maxDetectors)
		}
		one, err := detector(el.Attr)
		if err != nil {
			return nil, fmt.Errorf("detectors %s, line %d: %w", path, line, err)
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("detectors %s: has no instantInductionLoop: give the additional file that the recording was made with", path)
	}
	return out, nil
}

func detector(attrs []xml.Attr) (Detector, error) {
	value := map[string]string{}
	for _, a := range attrs {
		value[a.Name.Local] = a.Value
	}
	if value["id"] == "" {
		return Detector{}, errors.New("id is missing")
	}
	name, lane := splitDetector(value["id"])
	edge := value["lane"]
	if cut := strings.LastIndexByte(edge, '_'); cut > 0 {
		edge = edge[:cut]
	}
	if edge == "" {
		return Detector{}, errors.New("lane is missing")
	}
	text, behind := strings.CutPrefix(value["pos"], "-")
	pos, ok := parseDecimal(text, 0)
	if !ok || pos > 1_000_000 {
		return Detector{}, fmt.Errorf("pos is %s, must be metres as 4950", quoted(value["pos"]))
	}
	if behind {
		pos = -pos
	}
	return Detector{Station: identifier(name), Lane: lane, Edge: identifier(edge), PosM: pos}, nil
}
