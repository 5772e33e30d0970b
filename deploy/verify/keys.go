package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/dchest/siphash"
)

// plateKey recomputes tokens from the raw schema's description: SipHash-2-4
// with 128 bits of "plate:" and the plate, else of "tag:" and the tag; the
// first half of the hash is the low half.
type plateKey struct {
	k0, k1 uint64
	id     uint8
}

// loadKey reads the file that the collectors were given: hexadecimal digits,
// of which the first 32 are the key.
func loadKey(path string) (plateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return plateKey{}, fmt.Errorf("read the key of plate tokens: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < 16 {
		return plateKey{}, fmt.Errorf("%s is no key of plate tokens: it must hold at least 32 hexadecimal digits", path)
	}
	digest := sha256.Sum256(key[:16])
	return plateKey{binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:]), digest[0]}, nil
}

func (k plateKey) token(plate, tag string) (high, low uint64, keyID uint8) {
	var text string
	switch {
	case plate != "":
		text = "plate:" + plate
	case tag != "":
		text = "tag:" + tag
	default:
		return 0, 0, 0
	}
	low, high = siphash.Hash128(k.k0, k.k1, []byte(text))
	return high, low, k.id
}
