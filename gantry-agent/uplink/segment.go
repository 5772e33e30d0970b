package uplink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// A segment is a header and records:
//
//	"GANTRYS1" · length u16 · fingerprint · CRC-32C of all before, u32
//	(length u32 · CRC-32C u32 · DeviceBatch)*
//
// Integers are little-endian. A record whose length or sum is wrong ends the
// segment: a process was killed while writing it.
const (
	segmentMagic  = "GANTRYS1"
	segmentSuffix = ".spool"
	recordHead    = 8
	headBytes     = int64(len(segmentMagic)) + 2 + 128 + 4
	maxRecord     = 64 << 20
)

var (
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
	errNoHeader = errors.New("uplink: the segment has no complete header")
)

// segment is one file of a spool.
type segment struct {
	file     *os.File
	name     string
	number   uint64
	size     int64 // up to the end of the last whole record
	live     int   // records that the index points to
	writable bool
	dirty    bool
	buf      []byte
}

func createSegment(dir string, number uint64, fingerprint string) (*segment, error) {
	name := filepath.Join(dir, fmt.Sprintf("%020d%s", number, segmentSuffix))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("uplink: begin a spool segment: %w", err)
	}
	head := segmentHeader(fingerprint)
	if _, err := f.Write(head); err != nil {
		return nil, errors.Join(fmt.Errorf("uplink: begin a spool segment: %w", err), f.Close(), os.Remove(name))
	}
	return &segment{file: f, name: name, number: number, size: int64(len(head)), writable: true, dirty: true}, nil
}

func segmentHeader(fingerprint string) []byte {
	b := []byte(segmentMagic)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(fingerprint)))
	b = append(b, fingerprint...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// openSegment opens a segment of an earlier process. It is only read: what
// comes next goes to a new one, so that no torn tail is written behind.
func openSegment(name, fingerprint string) (*segment, error) {
	number, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(name), segmentSuffix), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("uplink: %s is no spool segment: %w", name, err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("uplink: open a spool segment: %w", err)
	}
	got, size, err := readHeader(f)
	if err == nil && got != fingerprint {
		err = fmt.Errorf("uplink: the spool segment %s holds readings of world %s, but this agent's world is %s: "+
			"give the agent another state folder, or remove this one", name, got, fingerprint)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &segment{file: f, name: name, number: number, size: size}, nil
}

func readHeader(f *os.File) (fingerprint string, size int64, err error) {
	fixed := make([]byte, len(segmentMagic)+2)
	if _, err := io.ReadFull(f, fixed); err != nil || string(fixed[:len(segmentMagic)]) != segmentMagic {
		return "", 0, errNoHeader
	}
	rest := make([]byte, int(binary.LittleEndian.Uint16(fixed[len(segmentMagic):]))+4)
	if _, err := io.ReadFull(f, rest); err != nil {
		return "", 0, errNoHeader
	}
	fingerprint = string(rest[:len(rest)-4])
	if string(segmentHeader(fingerprint)) != string(fixed)+string(rest) {
		return "", 0, errNoHeader
	}
	return fingerprint, int64(len(fixed) + len(rest)), nil
}

// scan calls each for every whole record and stops at a torn one.
func (g *segment) scan(each func(r SpoolRecord, offset int64)) error {
	for {
		head := make([]byte, recordHead)
		if _, err := g.file.ReadAt(head, g.size); err != nil {
			return ignoreEOF(err)
		}
		length := binary.LittleEndian.Uint32(head)
		if length > maxRecord {
			return nil
		}
		wire := make([]byte, length)
		if _, err := g.file.ReadAt(wire, g.size+recordHead); err != nil {
			return ignoreEOF(err)
		}
		if crc32.Checksum(wire, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
			return nil
		}
		r, err := parseDeviceBatch(wire)
		if err != nil {
			return fmt.Errorf("uplink: spool segment %s at byte %d: %w", g.name, g.size, err)
		}
		each(r, g.size+recordHead)
		g.size += recordHead + int64(length)
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("uplink: read the spool: %w", err)
}

// append writes a record and returns where its payload lies. After an error
// the segment takes no more, for its tail may be torn.
func (g *segment) append(wire []byte, crash func(string)) (int64, error) {
	b := binary.LittleEndian.AppendUint32(g.buf[:0], uint32(len(wire)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(wire, castagnoli))
	b = append(b, wire...)
	g.buf, g.dirty = b, true
	half := len(b)
	if crash != nil {
		half /= 2
	}
	_, err := g.file.WriteAt(b[:half], g.size)
	if crash != nil && err == nil {
		crash("spool.writing")
		_, err = g.file.WriteAt(b[half:], g.size+int64(half))
	}
	if err != nil {
		g.writable = false
		return 0, fmt.Errorf("uplink: write to the spool: %w", err)
	}
	offset := g.size + recordHead
	g.size += int64(len(b))
	return offset, nil
}

// read returns a record's payload.
func (g *segment) read(offset int64, length int) ([]byte, error) {
	wire := make([]byte, length)
	if _, err := g.file.ReadAt(wire, offset); err != nil {
		return nil, fmt.Errorf("uplink: read the spool segment %s at byte %d: %w", g.name, offset, err)
	}
	return wire, nil
}

func (g *segment) sync() error {
	if !g.dirty {
		return nil
	}
	g.dirty = false
	if err := g.file.Sync(); err != nil {
		return fmt.Errorf("uplink: write the spool to disk: %w", err)
	}
	return nil
}

// remove deletes the file. Errors leave a file that the next start reads and
// finds durable.
func (g *segment) remove() {
	_ = g.file.Close()
	_ = os.Remove(g.name)
}

// parseDeviceBatch reads what a record says about itself.
func parseDeviceBatch(wire []byte) (SpoolRecord, error) {
	r := SpoolRecord{Wire: wire}
	err := eachField(wire, func(num protowire.Number, value uint64, bytes []byte) {
		switch num {
		case deviceID:
			r.DeviceID = string(bytes)
		case deviceEpoch:
			r.Epoch = uint32(value)
		case deviceFirstSeq:
			r.First = value
		case deviceReadings:
			r.Count++
		}
	})
	if err == nil && (r.DeviceID == "" || r.First == 0 || r.Count == 0) {
		err = errors.New("the record is no DeviceBatch")
	}
	return r, err
}

// eachField walks over the varint and bytes fields of a message.
func eachField(b []byte, each func(num protowire.Number, value uint64, bytes []byte)) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var value uint64
		var bytes []byte
		switch typ {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(b)
		default:
			return fmt.Errorf("field %d has an unexpected type", num)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		each(num, value, bytes)
		b = b[n:]
	}
	return nil
}
