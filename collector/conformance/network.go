package conformance

import (
	_ "embed"

	"github.com/gantry-dev/gantry/collector/kafka"
)

//go:embed network.yaml
var networkYAML []byte

// Network is a station with a counter, a camera and a toll gantry: counter-1,
// camera-1 and toll-1.
func Network() (*kafka.NetworkSnapshot, error) {
	n, err := kafka.ParseNetwork("network.yaml", networkYAML)
	if err != nil {
		return nil, err
	}
	return kafka.SnapshotOf(n), nil
}
