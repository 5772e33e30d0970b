package uplink

import (
	"container/heap"
	"slices"
)

// Next returns the next batch to send, or nil when there is none or the
// windows are full. Call it again after every input, and every flush
// interval. The batch counts as under way from here on.
func (s *Session) Next(now Instant) *Frame {
	if !s.online || s.stopping {
		return nil
	}
	s.release(now)
	if s.behind || now.Mono-s.flushed >= s.flush {
		if f := s.nextLive(now); f != nil {
			return f
		}
	}
	return s.nextBackfill(now)
}

// filling is a batch in the making.
type filling struct {
	frame    *Frame
	parts    []part
	readings int // room left
	bytes    int // room left
	count    int // readings, without ends
}

// filler starts a batch, or returns nil when the lane's window is full.
func (s *Session) filler(l lane, readings, bytes int) *filling {
	if s.maxBytes > 0 {
		bytes = min(bytes, s.maxBytes)
	}
	if s.maxReadings > 0 {
		readings = min(readings, s.maxReadings)
	}
	room := s.windows[l].room(bytes)
	if room == 0 {
		return nil
	}
	return &filling{frame: newFrame(), readings: readings, bytes: room - frameOverhead}
}

// put adds one epoch's due readings, as one chunk or, around those that are
// sent twice, as several, and says how that ended.
func (s *Session) put(f *filling, e *epochState, now Instant, limit int) taken {
	for {
		how := s.putChunk(f, e, now, min(f.readings, limit))
		if how != chunkAgain || f.full() {
			return how
		}
		limit -= s.chunk.count
	}
}

func (s *Session) putChunk(f *filling, e *epochState, now Instant, readings int) taken {
	bytes := f.bytes - chunkOverhead - len(e.dev.id)
	how := e.take(&s.chunk, now.WorldUS, s.plan.ToUS, readings, bytes, true)
	if s.chunk.count == 0 {
		return how
	}
	e.started = true
	before := len(f.frame.body)
	f.frame.add(&s.chunk)
	f.bytes -= len(f.frame.body) - before
	f.readings -= s.chunk.count
	f.count += s.chunk.count
	p := part{epoch: e, run: e.run, last: s.chunk.next() - 1, ended: s.chunk.ended}
	if p.ended {
		p.last--
		f.count--
	}
	f.parts = append(f.parts, p)
	return how
}

// full says that no device's readings fit any more.
func (f *filling) full() bool {
	return f.readings <= 0 || f.bytes < 2*MaxReadingBytes+chunkOverhead
}

// close numbers the batch and counts it as under way.
func (s *Session) close(f *filling, l lane) *Frame {
	if len(f.parts) == 0 {
		return nil
	}
	s.number++
	f.frame.seal(s.number, l == backfill)
	s.flight = append(s.flight, sent{number: s.number, lane: l, bytes: f.frame.Len(), count: f.count, parts: f.parts})
	s.windows[l].add(f.frame.Len())
	s.stats.Sent[l] += uint64(f.count)
	return f.frame
}

func (s *Session) nextLive(now Instant) *Frame {
	s.advanceIdle(now)
	if len(s.live) == 0 || s.live[0].due > now.WorldUS {
		s.behind, s.flushed = false, now.Mono
		return nil
	}
	f := s.filler(live, s.limits.LiveBatchReadings, s.limits.LiveBatchBytes)
	if f == nil {
		// Due, but no room: try again as soon as an answer makes some.
		s.behind = true
		return nil
	}
	for len(s.live) > 0 && s.live[0].due <= now.WorldUS && !f.full() {
		s.takeLive(f, now)
	}
	s.behind = len(s.live) > 0 && s.live[0].due <= now.WorldUS
	s.flushed = now.Mono
	return s.close(f, live)
}

// takeLive serves the live epoch that has waited longest.
func (s *Session) takeLive(f *filling, now Instant) {
	e := s.live[0]
	if s.put(f, e, now, s.limits.LiveChunkReadings) != chunkOver {
		heap.Fix(&s.live, 0)
		return
	}
	s.endLive(e, now)
}

// endLive takes an epoch off the live lane and puts its successor there.
func (s *Session) endLive(e *epochState, now Instant) {
	heap.Remove(&s.live, slices.Index(s.live, e))
	e.queued, e.cur = false, nil
	if e.dev.current == e && !s.succeed(e.dev, now) {
		s.idle = append(s.idle, e.dev)
	}
}

// succeed puts the epoch after the current one on the live lane, if it has
// begun.
func (s *Session) succeed(d *deviceState, now Instant) bool {
	e := d.successor(s.plan, now.WorldUS)
	if e == nil {
		return false
	}
	var spooled func(string, uint32) uint64
	if !s.online {
		spooled = s.spooled
	}
	e.reset(s.plan.Resend, spooled)
	e.lane = live
	d.current = e
	s.pushLive(e)
	return true
}

// advanceIdle looks for epochs that have begun since.
func (s *Session) advanceIdle(now Instant) {
	s.idle = slices.DeleteFunc(s.idle, func(d *deviceState) bool { return s.succeed(d, now) })
}

func (s *Session) nextBackfill(now Instant) *Frame {
	s.activate()
	if len(s.active) == 0 {
		return nil
	}
	f := s.filler(backfill, s.limits.BackfillBatchReadings, s.limits.BackfillBatchBytes)
	if f == nil {
		return nil
	}
	// One turn each at the most; the ring is turned, so that the next batch
	// begins where this one ended.
	for turns := len(s.active); turns > 0 && len(s.active) > 0 && !f.full(); turns-- {
		e := s.active[0]
		copy(s.active, s.active[1:])
		s.active[len(s.active)-1] = e
		if s.put(f, e, now, s.limits.BackfillChunkReadings) == chunkOver {
			e.queued, e.cur = false, nil
			s.active = s.active[:len(s.active)-1]
			s.activate()
		}
	}
	return s.close(f, backfill)
}

// activate opens backfills, the newest day first, up to the limit.
func (s *Session) activate() {
	for len(s.active) < s.limits.BackfillCursors {
		d := s.newestPast()
		if d == nil {
			return
		}
		n := len(d.past) - 1
		s.active = append(s.active, d.past[n])
		d.past = d.past[:n]
	}
}

// newestPast returns the device whose next past epoch is the newest of all,
// or nil when none has any.
func (s *Session) newestPast() *deviceState {
	var best *deviceState
	for _, d := range s.devices {
		if len(d.past) == 0 {
			continue
		}
		if best == nil {
			best = d
			continue
		}
		a, b := d.past[len(d.past)-1], best.past[len(best.past)-1]
		if a.ID > b.ID || (a.ID == b.ID && d.id < best.id) {
			best = d
		}
	}
	return best
}

// SpoolRecord is an encoded DeviceBatch of readings that were due while no
// collector was in reach. Wire is valid until the session is used again.
type SpoolRecord struct {
	// DeviceID and Epoch name the stream.
	DeviceID string
	Epoch    uint32
	// First is the position of the first reading, Count their number.
	First uint64
	Count int
	// Wire is the DeviceBatch.
	Wire []byte
}

// NextSpool returns what to spool next, or nil when nothing is due or a
// collector is in reach. The caller must store it before it calls again.
// Ends of epochs are not spooled: they follow from the source. Nor are second
// copies of readings: the identity is the same.
func (s *Session) NextSpool(now Instant) *SpoolRecord {
	if s.online || s.spooled == nil || s.source == nil {
		return nil
	}
	s.advanceIdle(now)
	for len(s.live) > 0 && s.live[0].due <= now.WorldUS {
		e := s.live[0]
		how := e.take(&s.chunk, now.WorldUS, s.plan.ToUS, s.limits.LiveChunkReadings, s.limits.LiveBatchBytes, false)
		if how == chunkOver {
			s.endLive(e, now)
		} else {
			heap.Fix(&s.live, 0)
		}
		if s.chunk.count > 0 {
			return &SpoolRecord{DeviceID: e.dev.id, Epoch: e.ID, First: s.chunk.first, Count: s.chunk.count, Wire: s.chunk.wire}
		}
	}
	return nil
}
