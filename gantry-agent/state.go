package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// state is what an agent keeps between runs, in its folder. Without a folder
// nothing is kept: the collector knows all positions.
type state struct {
	// AgentID is the agent's name, unless the command line gives one.
	AgentID string `json:"agent_id"`
	// Fingerprint of the world that the folder belongs to, hexadecimal.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Clock is the accelerated clock's origin, so that a second run goes on.
	Clock *clockOrigin `json:"clock,omitempty"`

	dir  string
	lock *os.File
}

// clockOrigin says when an accelerated world began.
type clockOrigin struct {
	// FromUS is world time, AnchorUS the collector's, at the same moment:
	// microseconds since 1970 UTC.
	FromUS   int64 `json:"from_us"`
	AnchorUS int64 `json:"anchor_us"`
	// Factor is how much faster the world runs.
	Factor float64 `json:"factor"`
}

// openState reads the folder, making it where needed, and locks it. dir may
// be empty.
func openState(dir string) (*state, error) {
	s := &state{dir: dir}
	if dir == "" {
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the state folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("the state folder %s is in use by another agent: give this one its own with --state", dir), lock.Close())
	}
	s.lock = lock
	text, err := os.ReadFile(s.file())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the agent's state from %s: %w", s.file(), err), lock.Close())
	}
	return s, nil
}

func (s *state) file() string { return filepath.Join(s.dir, "agent.json") }

// name returns the agent's id: the one given, the one kept, or a new one from
// the host's name and chance.
func (s *state) name(given string) (string, error) {
	switch {
	case given != "":
		return given, nil
	case s.AgentID != "":
		return s.AgentID, nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "agent"
	}
	host, _, _ = strings.Cut(host, ".")
	var salt [4]byte
	_, _ = rand.Read(salt[:]) // never fails
	s.AgentID = host[:min(len(host), 64)] + "-" + hex.EncodeToString(salt[:])
	return s.AgentID, s.save()
}

// belong makes the folder one of this world, or says that it is another's.
func (s *state) belong(fingerprint string) error {
	if s.Fingerprint == fingerprint {
		return nil
	}
	if s.Fingerprint != "" {
		return fmt.Errorf("the state folder %s belongs to world %s, not to world %s: give another with --state, or remove it",
			s.dir, s.Fingerprint, fingerprint)
	}
	s.Fingerprint = fingerprint
	return s.save()
}

// save writes the state, all of it or nothing.
func (s *state) save() error {
	if s.dir == "" {
		return nil
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = writeWhole(s.file(), append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the agent's state: %w", err)
	}
	return nil
}

// writeWhole replaces a file by way of a new one beside it.
func writeWhole(name string, text []byte) error {
	f, err := os.OpenFile(name+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// close lets the folder go.
func (s *state) close() {
	if s.lock != nil {
		_ = s.lock.Close() // releases the lock
	}
}
