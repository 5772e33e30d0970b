package platekey

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/dchest/siphash"
)

// Bytes is the length of a key.
const Bytes = 16

// Key makes tokens of plates and tags: the same vehicle gives the same
// token, and without the key nobody can go back by trying all plates.
//
// A token is SipHash-2-4 with 128 bits of "plate:" and the normalised plate,
// else of "tag:" and the normalised tag, else 0; the first half of the hash
// is the low half of the UInt128. Normalised means: ASCII letters as capitals,
// digits, nothing else.
type Key struct {
	k0, k1 uint64
	id     uint8
}

// New takes the 16 bytes of a key, two little-endian halves. The
// key's id is the first byte of its SHA-256.
func New(key [Bytes]byte) Key {
	digest := sha256.Sum256(key[:])
	return Key{
		k0: binary.LittleEndian.Uint64(key[:8]),
		k1: binary.LittleEndian.Uint64(key[8:]),
		id: digest[0],
	}
}

// Load reads a key file: at least 32 hexadecimal digits, of which the
// first 32 are the key.
func Load(path string) (Key, error) {
	const wayOut = "make one with: openssl rand -hex 16"
	if path == "" {
		return Key{}, errors.New("no key for plates: give a file with --plate-key-file; " + wayOut)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("key for plates: %s is not there; %s", path, wayOut)
	}
	if err != nil {
		return Key{}, fmt.Errorf("key for plates: %w", err)
	}
	// The content must not get into the message.
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < Bytes {
		return Key{}, fmt.Errorf("key for plates: %s does not hold at least %d hexadecimal digits; %s", path, 2*Bytes, wayOut)
	}
	return New([Bytes]byte(key)), nil
}

// ID tells keys apart, so that tokens of two keys are not compared.
func (k Key) ID() uint8 { return k.id }

// Normalised is what a token is made of: capital letters and digits.
func Normalised(text []byte) []byte { return appendNormalised(nil, text) }

// Token gives the token of a plate, else of a tag.
func (k Key) Token(plate, tag string) proto.UInt128 {
	token, _ := k.TokenOf([]byte(plate), []byte(tag), new([]byte))
	return token
}

// TokenOf gives the token and the key's id; both are 0 when plate and tag are
// empty. buf is room to work in and may be reused.
func (k Key) TokenOf(plate, tag []byte, buf *[]byte) (proto.UInt128, uint8) {
	domain, text := "plate:", plate
	if len(plate) == 0 {
		domain, text = "tag:", tag
	}
	if len(text) == 0 {
		return proto.UInt128{}, 0
	}
	*buf = appendNormalised(append((*buf)[:0], domain...), text)
	low, high := siphash.Hash128(k.k0, k.k1, *buf)
	return proto.UInt128{Low: low, High: high}, k.id
}

func appendNormalised(dst, text []byte) []byte {
	for _, c := range text {
		switch {
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
			dst = append(dst, c)
		case c >= 'a' && c <= 'z':
			dst = append(dst, c-'a'+'A')
		}
	}
	return dst
}
