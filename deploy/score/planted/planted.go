// Package planted holds roads on which each of the four questions has an
// answer that is known: what is written in their files is a cause (a lane that
// ends, drivers who speed, a counter that counts too much), and what would follow
// from an intervention is left to the world to say.
//
// Each folder is one situation, a network and a scenario in the world's own
// formats. Folders and files of others are read in the same way, see FromDir.
//
// Invariants:
//
//   - Every situation varies its roads and detectors by ± 20 %, each seed anew, and for
//     none of those no queue stands at 03:00 (tested for seeds 1 to 40).
//   - All situations keep UTC, so that one warehouse can hold them all.
package planted

import (
	"embed"
	"fmt"
	"path"
	"slices"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

//go:embed */network.yaml */scenario.yaml
var files embed.FS

// Situation is a network with a scenario on it.
type Situation struct {
	// Name is unique among the situations of a run; it stands before the ids of
	// the network in the warehouse.
	Name string
	// Network and Scenario are the files' text.
	Network, Scenario []byte
}

// All are the situations that come with the program, by name.
func All() []Situation {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // it is embedded
	}
	var list []Situation
	for _, e := range entries {
		s := Situation{Name: e.Name()}
		for name, to := range map[string]*[]byte{"network.yaml": &s.Network, "scenario.yaml": &s.Scenario} {
			if *to, err = files.ReadFile(path.Join(s.Name, name)); err != nil {
				panic(fmt.Sprintf("planted situation %s lacks a file: %v", s.Name, err))
			}
		}
		list = append(list, s)
	}
	return list
}

// Named are the situations that come with the program and have one of the
// names; all where no name is given.
func Named(names []string) ([]Situation, error) {
	all := All()
	if len(names) == 0 {
		return all, nil
	}
	var list []Situation
	for _, name := range names {
		i := slices.IndexFunc(all, func(s Situation) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no planted situation %q: see the folders in deploy/score/planted", name)
		}
		list = append(list, all[i])
	}
	return list, nil
}

// Prefix stands before each id of the situation.
func (s *Situation) Prefix() string { return s.Name + "/" }

// World makes the situation's world, with interventions on top where there
// are any.
func (s *Situation) World(seed uint64, interventions []byte) (*world.World, error) {
	w, err := world.New(world.Spec{NetworkYAML: s.Network, ScenarioYAML: s.Scenario, Seed: seed, InterventionsYAML: interventions})
	if err != nil {
		return nil, fmt.Errorf("situation %s, seed %d: %w", s.Name, seed, err)
	}
	return w, nil
}
