package ingest

import (
	"time"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// session is what a stream knows of the device epochs it has seen. It decides
// what of a DeviceBatch is new. It is used by one goroutine.
type session struct {
	table   *table
	resend  bool
	retry   time.Duration
	claimed map[string]map[uint32]claim // acknowledged positions of Hello
	devices map[string]map[uint32]*sequence
}

// sequence is where a device epoch stands in a session.
type sequence struct {
	row  *row
	next uint64 // next position expected
}

// claim is a position that an agent has seen acknowledged.
type claim struct {
	seq   uint64
	ended bool // the epoch's end is at seq
}

// newSession begins a session with what Hello says.
func newSession(t *table, hello *gantryv1.Hello, retry time.Duration) *session {
	s := &session{
		table: t, resend: hello.GetResend(), retry: retry,
		claimed: map[string]map[uint32]claim{}, devices: map[string]map[uint32]*sequence{},
	}
	for _, p := range hello.GetAcknowledged() {
		epochs := s.claimed[p.GetDeviceId()]
		if epochs == nil {
			epochs = map[uint32]claim{}
			s.claimed[p.GetDeviceId()] = epochs
		}
		c := epochs[p.GetEpoch()]
		epochs[p.GetEpoch()] = claim{max(c.seq, p.GetSeq()), c.ended || p.GetEnded()}
	}
	return s
}

// admission is what to do with a DeviceBatch.
type admission struct {
	row *row
	// skip readings at the front: they are durable or on their way.
	skip uint64
	// resend says that none is taken; row may be nil then.
	resend *gantryv1.Resend
}

// admit decides on n readings from position first of a device epoch. today is
// the collector's UTC day number.
func (s *session) admit(device []byte, epoch uint32, first, n uint64, today int64) (admission, error) {
	q := s.devices[string(device)][epoch]
	if q == nil {
		if epochDay(epoch) > today+1 && epochSecond(epoch) < 86400 {
			return s.ahead(string(device), epoch), nil
		}
		var err error
		if q, err = s.begin(string(device), epoch); err != nil {
			return admission{}, err
		}
	}
	if first > q.next {
		return admission{row: q.row, resend: &gantryv1.Resend{
			DeviceId: string(device), Epoch: epoch, FromSeq: q.next,
			Reason: gantryv1.ResendReason_RESEND_REASON_GAP,
		}}, nil
	}
	skip := min(q.next-first, n)
	if s.resend {
		skip = 0
	}
	q.next = max(q.next, first+n)
	return admission{row: q.row, skip: skip}, nil
}

// begin starts a device epoch behind what is durable. What an agent claims to
// have seen acknowledged counts only now, when it goes on behind it: a claim
// about others' devices must not move anything.
func (s *session) begin(device string, epoch uint32) (*sequence, error) {
	r, err := s.table.open(device, epoch)
	if err != nil {
		return nil, err
	}
	if c := s.claimed[device][epoch]; c.seq > 0 {
		s.table.raise(r, c)
	}
	q := &sequence{row: r, next: s.table.durable(device, epoch) + 1}
	epochs := s.devices[device]
	if epochs == nil {
		epochs = map[uint32]*sequence{}
		s.devices[device] = epochs
	}
	epochs[epoch] = q
	return q, nil
}

// ahead puts off an epoch of a day to come: the one answer that depends on
// the collector's clock, and so never a rejection.
func (s *session) ahead(device string, epoch uint32) admission {
	return admission{resend: &gantryv1.Resend{
		DeviceId: device, Epoch: epoch,
		FromSeq: max(s.table.durable(device, epoch), s.claimed[device][epoch].seq) + 1,
		Reason:  gantryv1.ResendReason_RESEND_REASON_EPOCH_AHEAD,
		AfterMs: uint32(s.retry / time.Millisecond),
	}}
}
