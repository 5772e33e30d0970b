package query

import (
	"time"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// deviceState is a device's line in a list. lease may be nil.
func deviceState(info *kafka.DeviceInfo, lease *gantryv1.DeviceLease, p DevicePositions, now time.Time) *gantryv1.DeviceState {
	s := &gantryv1.DeviceState{
		DeviceId: info.ID, Kind: info.Kind, StationId: info.StationID,
		AgentId: lease.GetAgentId(), ClockSkewMs: p.ClockSkewUS / 1000,
	}
	var newest int64
	for _, e := range p.Epochs {
		if e.Epoch > s.Epoch && e.Seq > 0 {
			s.Epoch, s.Seq = e.Epoch, e.Seq
		}
		newest = max(newest, e.LastObservedAtUS)
	}
	if newest > 0 {
		s.LastObservedAt = observedAt(newest)
		s.LagMs = (now.UnixMicro() - newest) / 1000
	}
	for _, n := range p.Rejects {
		s.Rejects += n
	}
	return s
}

// epochStart is the time an epoch's id names: UTC day number times 2^17 plus
// the second of that day.
func epochStart(epoch uint32) time.Time {
	return time.Unix(int64(epoch>>17)*86400+int64(epoch&(1<<17-1)), 0)
}

func observedAt(us int64) string {
	if us == 0 {
		return ""
	}
	return rfc3339(time.UnixMicro(us))
}

func rfc3339(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
