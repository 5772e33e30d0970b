package recorded

import (
	"fmt"

	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// Make makes the world of a spec. Where its network replays a recording, file
// must be that recording, and the report says what was read; where it does not,
// file must be empty, and there is no report.
func Make(spec world.Spec, file string) (*world.World, *Report, error) {
	replay, err := world.ReplayOf(spec.NetworkYAML)
	switch {
	case err != nil:
		return nil, nil, err
	case replay == nil && file != "":
		return nil, nil, fmt.Errorf("--recorded %s: the network has no part \"recorded\" and its traffic is simulated: "+
			"leave --recorded out, or let gantry-agent world import draft a network from the recording", file)
	case replay == nil || file == "":
		w, err := world.New(spec) // refuses a network that replays a recording
		return w, nil, err
	}
	r, err := Read(file, replay.Format, replay.Classes)
	if err != nil {
		return nil, nil, err
	}
	w, err := world.NewRecorded(spec, &r.Recording)
	if err != nil {
		return nil, nil, fmt.Errorf("--recorded %s: %w", file, err)
	}
	if left := w.LeftOut(); left != (world.LeftOut{}) {
		r.Report.Passages -= left.NoStation + left.NoLane
		r.Report.leave(left.NoStation, "of a station that the network does not have")
		r.Report.leave(left.NoLane, "of a lane that the station does not have")
	}
	return w, &r.Report, nil
}
