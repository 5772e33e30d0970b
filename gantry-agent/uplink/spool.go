package uplink

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// ErrSpoolFull says that the spool has reached its limits: the source is not
// to be advanced until room has been made.
var ErrSpoolFull = errors.New("uplink: the spool is full")

// SpoolConfig bounds a spool.
type SpoolConfig struct {
	// Dir holds the segments, made with mode 0700.
	Dir string
	// Fingerprint of the world whose readings are kept, hexadecimal.
	Fingerprint string
	// MaxBytes is the most that all segments take; 0 takes 256 MiB.
	MaxBytes int64
	// MaxReadings is the most readings kept; 0 takes 4 million.
	MaxReadings int
	// SegmentBytes is when a new segment is begun; 0 takes 8 MiB.
	SegmentBytes int64
	// Crash is called at the named points, for fault tests; nil is off.
	Crash func(point string)
}

type spoolKey struct {
	device string
	epoch  uint32
}

// spoolEntry is where one record of an epoch lies.
type spoolEntry struct {
	seg    *segment
	offset int64 // of the payload
	length int
	first  uint64
	count  int
}

func (e spoolEntry) last() uint64 { return e.first + uint64(e.count) - 1 }

// Spool keeps DeviceBatches on disk, in append-only segments. A segment goes
// when nothing in it is wanted any more. Not safe for concurrent use.
type Spool struct {
	cfg      SpoolConfig
	segments []*segment // oldest first; the last one is written to
	number   uint64     // of the newest segment
	index    map[spoolKey][]spoolEntry
	bytes    int64
	readings int
}

// OpenSpool opens the spool of a folder, or begins one. What a killed process
// left half written is cut off. A folder of another world is an error.
func OpenSpool(cfg SpoolConfig) (*Spool, error) {
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 256<<20)
	cfg.MaxReadings = cmp.Or(cfg.MaxReadings, 4_000_000)
	cfg.SegmentBytes = cmp.Or(cfg.SegmentBytes, 8<<20)
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("uplink: make the spool's folder: %w", err)
	}
	s := &Spool{cfg: cfg, index: map[spoolKey][]spoolEntry{}}
	names, err := filepath.Glob(filepath.Join(cfg.Dir, "*"+segmentSuffix))
	if err != nil {
		return nil, fmt.Errorf("uplink: list the spool: %w", err)
	}
	slices.Sort(names) // numbers have leading zeros
	for _, name := range names {
		if err := s.load(name); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *Spool) load(name string) error {
	seg, err := openSegment(name, s.cfg.Fingerprint)
	if errors.Is(err, errNoHeader) {
		return os.Remove(name) // killed before the first record
	}
	if err != nil {
		return err
	}
	s.number = max(s.number, seg.number)
	s.segments = append(s.segments, seg)
	if err := seg.scan(func(r SpoolRecord, offset int64) { s.note(seg, r, offset) }); err != nil {
		return err
	}
	s.bytes += seg.size // what scan found whole
	s.collect()
	return nil
}

// note puts a record into the index. One that does not follow what is there
// replaces it: positions between are durable, or were never spooled.
func (s *Spool) note(seg *segment, r SpoolRecord, offset int64) {
	key := spoolKey{r.DeviceID, r.Epoch}
	if n := len(s.index[key]); n > 0 && s.index[key][n-1].last()+1 != r.First {
		s.forget(key, n)
	}
	s.index[key] = append(s.index[key], spoolEntry{seg, offset, len(r.Wire), r.First, r.Count})
	seg.live++
	s.readings += r.Count
}

// forget drops the first n records of an epoch.
func (s *Spool) forget(key spoolKey, n int) {
	list := s.index[key]
	for _, e := range list[:n] {
		e.seg.live--
		s.readings -= e.count
	}
	if n == len(list) {
		delete(s.index, key)
		return
	}
	s.index[key] = list[n:]
}

// Append stores a record, or returns ErrSpoolFull.
func (s *Spool) Append(r *SpoolRecord) error {
	need := int64(recordHead + len(r.Wire))
	if s.readings+r.Count > s.cfg.MaxReadings || s.bytes+need+headBytes > s.cfg.MaxBytes {
		return ErrSpoolFull
	}
	seg, err := s.tail(need)
	if err != nil {
		return err
	}
	offset, err := seg.append(r.Wire, s.cfg.Crash)
	if err != nil {
		return err
	}
	s.bytes += need
	s.note(seg, *r, offset)
	return nil
}

// tail returns the segment to write to, beginning a new one where the last
// is full.
func (s *Spool) tail(need int64) (*segment, error) {
	if n := len(s.segments); n > 0 {
		last := s.segments[n-1]
		if last.writable && last.size+need <= s.cfg.SegmentBytes {
			return last, nil
		}
		if err := last.sync(); err != nil {
			return nil, err
		}
		last.writable = false
	}
	s.number++
	seg, err := createSegment(s.cfg.Dir, s.number, s.cfg.Fingerprint)
	if err != nil {
		return nil, err
	}
	s.segments = append(s.segments, seg)
	s.bytes += seg.size
	return seg, nil
}

// Last returns the highest position kept of an epoch, 0 for none.
func (s *Spool) Last(deviceID string, epoch uint32) uint64 {
	list := s.index[spoolKey{deviceID, epoch}]
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].last()
}

// Trim forgets the positions of an epoch up to and with durable.
func (s *Spool) Trim(deviceID string, epoch uint32, durable uint64) {
	key := spoolKey{deviceID, epoch}
	list := s.index[key]
	n := 0
	for n < len(list) && list[n].last() <= durable {
		n++
	}
	if n > 0 {
		s.forget(key, n)
		s.collect()
	}
}

// Retain forgets the devices that keep says no to.
func (s *Spool) Retain(keep func(deviceID string) bool) {
	for key, list := range s.index {
		if !keep(key.device) {
			s.forget(key, len(list))
		}
	}
	s.collect()
}

// collect removes the segments that hold nothing wanted.
func (s *Spool) collect() {
	s.segments = slices.DeleteFunc(s.segments, func(seg *segment) bool {
		if seg.live > 0 {
			return false
		}
		s.bytes -= seg.size
		seg.remove()
		return true
	})
}

// Bytes returns what the segments take on disk.
func (s *Spool) Bytes() int64 { return s.bytes }

// Readings returns how many readings are kept.
func (s *Spool) Readings() int { return s.readings }

// Close writes everything to disk and lets the files go; the readings stay.
func (s *Spool) Close() error {
	var errs []error
	for _, seg := range s.segments {
		errs = append(errs, seg.sync(), seg.file.Close())
	}
	s.segments = nil
	return errors.Join(errs...)
}
