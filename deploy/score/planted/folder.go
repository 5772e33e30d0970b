package planted

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// FromDir reads the situations of a folder: each folder in it with
// network.yaml and scenario.yaml, each pair of files network-NAME.yaml and
// scenario-NAME.yaml, and each scenario file without a network, which is run on
// the first network it fits, of the shipped and the planted ones.
func FromDir(dir string) ([]Situation, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of situations: %w", err)
	}
	var list []Situation
	for _, e := range entries {
		s, ok, err := fromEntry(dir, e)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if _, err := s.World(1, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err)
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s holds no situation: give it folders with network.yaml and scenario.yaml, or pairs network-NAME.yaml and scenario-NAME.yaml", dir)
	}
	return list, nil
}

func fromEntry(dir string, e os.DirEntry) (s Situation, ok bool, err error) {
	network, scenario := filepath.Join(dir, e.Name(), "network.yaml"), filepath.Join(dir, e.Name(), "scenario.yaml")
	s.Name = e.Name()
	if !e.IsDir() {
		name, is := strings.CutSuffix(e.Name(), ".yaml")
		if !is || strings.HasPrefix(name, "network") {
			return s, false, nil
		}
		s.Name = strings.TrimPrefix(name, "scenario-")
		network, scenario = filepath.Join(dir, "network-"+s.Name+".yaml"), filepath.Join(dir, e.Name())
	}
	if s.Scenario, err = os.ReadFile(scenario); err != nil {
		if e.IsDir() && errors.Is(err, fs.ErrNotExist) {
			return s, false, nil // a folder of something else
		}
		return s, false, err
	}
	s.Network, err = os.ReadFile(network)
	if errors.Is(err, fs.ErrNotExist) {
		s.Network, err = fitting(s)
	}
	return s, err == nil, err
}

// fitting is the first network that a scenario fits.
func fitting(s Situation) ([]byte, error) {
	var networks [][]byte
	for _, name := range []string{"corridor", "metro"} {
		if text, ok := world.Shipped("network", name); ok {
			networks = append(networks, text)
		}
	}
	for _, p := range All() {
		networks = append(networks, p.Network)
	}
	var first error
	for _, text := range networks {
		s.Network = text
		_, err := s.World(1, nil)
		if err == nil {
			return text, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, fmt.Errorf("it fits no network, and none stands beside it; on corridor: %w", first)
}
