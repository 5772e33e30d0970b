package platekey

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, hex.EncodeToString([]byte(text))[:min(20, 2*len(text))]+"key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const key = "000102030405060708090a0b0c0d0e0f"
	short, err := Load(write(key + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	long, err := Load(write(key + key))
	if err != nil || long != short {
		t.Errorf("of a longer secret the first 16 bytes are the key: %v", err)
	}
	for path, want := range map[string]string{
		"":                               "--plate-key-file",
		filepath.Join(dir, "none"):       "is not there",
		write("cafe"):                    "32 hexadecimal digits",
		write(strings.Repeat("no!", 20)): "32 hexadecimal digits",
	} {
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", path, err, want)
		}
	}
}

// TestToken: what must, and what must not, be the same vehicle.
func TestToken(t *testing.T) {
	key := New([Bytes]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	token := func(plate, tag string) string {
		v, id := key.TokenOf([]byte(plate), []byte(tag), new([]byte))
		return fmt.Sprintf("%016x%016x/%d", v.High, v.Low, id)
	}
	none := token("", "")
	if none != fmt.Sprintf("%032x/0", 0) {
		t.Errorf("neither plate nor tag: %s", none)
	}
	for _, same := range []string{"s123abc", "S 123 ABC", "S-123-abc"} {
		if token(same, "") != token("S123ABC", "T9") {
			t.Errorf("%s is another vehicle", same)
		}
	}
	for _, other := range []string{token("", "S123ABC"), token("S123ABD", ""), none} {
		if other == token("S123ABC", "") {
			t.Errorf("%s twice", other)
		}
	}
	if New([Bytes]byte{1}).ID() == key.ID() {
		t.Error("two keys have one id")
	}
}
