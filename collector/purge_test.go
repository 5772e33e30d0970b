package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/sink"
)

// secretFile writes a file for a flag.
func secretFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPurgeCommand erases with the command as one types it.
func TestPurgeCommand(t *testing.T) {
	server := clickhousetest.Start(t)
	conn := server.Conn(t, clickhousetest.Collector)
	keyFile := secretFile(t, "key", strings.Repeat("0f", 32))
	key, err := platekey.Load(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	token := key.Token("ABC123", "")
	if err := conn.Exec(t.Context(), `INSERT INTO raw.readings (device_id, epoch, seq, observed_at, kind, plate, plate_token, plate_key_id)
		SELECT 'v1', 1, 1, 0, 'speed', 'ABC123', bitShiftLeft(toUInt128(?), 64) + ?, ?`, token.High, token.Low, key.ID()); err != nil {
		t.Fatal(err)
	}
	args := []string{"purge", "--plate", "abc 123", "--reason", "asked by letter", "--settle", "10ms",
		"--clickhouse-addr", server.TCPAddr(), "--clickhouse-password-file", secretFile(t, "password", server.Password(clickhousetest.Collector))}
	if status := run(args); status == 0 {
		t.Error("it went on without the key")
	}
	if status := run(append(args, "--plate-key-file", keyFile)); status != 0 {
		t.Errorf("status %d", status)
	}
	if n := server.Count(t, "SELECT count() FROM raw.readings WHERE plate = '' AND plate_token = 0"); n != 1 {
		t.Errorf("%d readings are empty, want 1", n)
	}
	if n := server.Count(t, "SELECT count() FROM raw.purges WHERE reason = 'asked by letter' AND who != '' AND plate_token = bitShiftLeft(toUInt128(?), 64) + ?", token.High, token.Low); n != 1 {
		t.Errorf("%d notes of it, want 1", n)
	}
}

// TestPurgeFlags: plates may come where no list of processes shows them, and
// the wait covers what sinks are given by default.
func TestPurgeFlags(t *testing.T) {
	c := &purgeCmd{}
	parser, err := kong.New(c)
	if err != nil {
		t.Fatal(err)
	}
	key := secretFile(t, "key", strings.Repeat("0f", 16))
	if _, err := parser.Parse([]string{"--plate", "-", "--plate", "X1", "--tag", "T1", "--reason", "r", "--who", "w", "--plate-key-file", key, "--plate-key-file", key}); err != nil {
		t.Fatal(err)
	}
	cfg, err := c.purge(strings.NewReader("ABC 123\r\nDEF456\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Plates, []string{"ABC 123", "DEF456", "X1"}) || !slices.Equal(cfg.Tags, []string{"T1"}) || len(cfg.Keys) != 2 || cfg.Who != "w" {
		t.Errorf("%d plates, tags %v, %d keys, who %s", len(cfg.Plates), cfg.Tags, len(cfg.Keys), cfg.Who)
	}
	if want := sink.DefaultConfig(kafka.ClientConfig{}, clickhouse.Config{}, platekey.Key{}).PurgeSettle(); cfg.Settle != want {
		t.Errorf("it waits %s, sinks need %s", cfg.Settle, want)
	}
}
