package lease

import (
	"errors"
	"time"
)

// What Join and Drain refuse.
var (
	// ErrLimit is returned by Join when a limit is reached; another time, or
	// another collector with higher limits, may take the session.
	ErrLimit = errors.New("limit of the lease table reached")
	// ErrSession is returned by Join for a session that cannot be taken as it
	// is.
	ErrSession = errors.New("invalid session")
	// ErrUnknownAgent is returned by Drain when no session of the agent is
	// known.
	ErrUnknownAgent = errors.New("no such agent is connected")
	// ErrClosed is returned once Run has ended.
	ErrClosed = errors.New("lease manager is closed")
)

// Session is an agent's stream as it asks for devices.
type Session struct {
	// ID names the stream; no other stream ever has it.
	ID string
	// AgentID names the agent.
	AgentID string
	// Version of the agent's program.
	Version string
	// CollectorID is the collector that holds the stream. Join fills it in.
	CollectorID string
	// Capacity is how many devices the agent wants at the most.
	Capacity uint32
	// Static lists devices assigned by hand. A session that has any carries
	// these, with term 0, and is leased no others.
	Static []string
	// ConnectedAt is when the stream began.
	ConnectedAt time.Time
}

// Grant is a device to be carried.
type Grant struct {
	// DeviceID is the device.
	DeviceID string
	// Term of the lease; it grows with each change of the holder. 0 for a
	// static device.
	Term uint64
}

// Change says what is different for a membership since the Change read
// before. No device is in both lists.
type Change struct {
	// Granted are the devices to carry from now on, ordered by id. A device
	// already carried is granted again when its term has grown.
	Granted []Grant
	// Revoked are the devices to carry no longer, ordered by id.
	Revoked []string
	// Drain says that the session is draining: it gets no more devices.
	Drain bool
}

// empty says that there is nothing to tell after a Change with Drain as given.
func (c Change) empty(drained bool) bool {
	return len(c.Granted) == 0 && len(c.Revoked) == 0 && c.Drain == drained
}

// Agent is a connected agent.
type Agent struct {
	// AgentID names the agent.
	AgentID string
	// SessionID names its stream.
	SessionID string
	// Version of its program.
	Version string
	// CollectorID is the collector that holds the stream.
	CollectorID string
	// Capacity is how many devices it wants at the most.
	Capacity uint32
	// Devices is how many it carries, static ones included.
	Devices uint32
	// ConnectedAt is when the stream began.
	ConnectedAt time.Time
	// Draining says that it gets no more devices.
	Draining bool
}

// DeviceLease says who carries a device.
type DeviceLease struct {
	// DeviceID is the device.
	DeviceID string
	// AgentID is the agent; empty when none carries the device or when its
	// session is not known.
	AgentID string
	// SessionID is the agent's session; empty when none carries the device.
	SessionID string
	// Term of the last lease, static or not; 0 when there was none.
	Term uint64
	// Static says that the device was assigned by hand.
	Static bool
}
