package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// layout is the version of the folder's layout. A folder of another layout is
// refused rather than guessed at.
const layout = 1

// Ports are the TCP ports of a stack, all on the loopback interface.
type Ports struct {
	// GRPC, HTTP and Admin are the collector's, Kafka the broker's, ClickHouse
	// (native protocol) and ClickHouseHTTP the engine's.
	GRPC           int `json:"grpc"`
	HTTP           int `json:"http"`
	Admin          int `json:"admin"`
	Kafka          int `json:"kafka"`
	ClickHouse     int `json:"clickhouse"`
	ClickHouseHTTP int `json:"clickhouse_http"`
}

// DefaultPorts are the ports of a first run that asks for none.
var DefaultPorts = Ports{
	GRPC: 50051, HTTP: 8080, Admin: 8081,
	Kafka: 9092, ClickHouse: 9000, ClickHouseHTTP: 8123,
}

// State is what a stack was started with, as kept in state.json.
type State struct {
	// Layout is the version of the folder; Seed, Network and Scenario (names of
	// shipped files) are the world's.
	Layout   int    `json:"layout"`
	Seed     uint64 `json:"seed"`
	Network  string `json:"network"`
	Scenario string `json:"scenario"`
	// Recorded is the path of the recording that Network, a file then, replays;
	// empty when traffic is simulated. Zone and ValidFrom are not used with one,
	// the network has its own; nor is a Scenario that is no file.
	Recorded string `json:"recorded,omitempty"`
	// Zone is the fixed offset of the world from UTC, as +09:30.
	Zone string `json:"zone"`
	// ValidFrom is the UTC midnight that the devices' history begins at.
	ValidFrom time.Time `json:"valid_from"`
	// Kafka is the kind of broker: fake or apache.
	Kafka string `json:"kafka"`
	Ports Ports  `json:"ports"`
	// CreatedAt is the start of the first run.
	CreatedAt time.Time `json:"created_at"`
}

// NetworkFile is the path of the network that was last applied, as YAML with
// its world.
func NetworkFile(dir string) string { return filepath.Join(dir, "network.yaml") }

// Read returns the state kept in dir. A folder that no launcher has used yet
// gives an error that is fs.ErrNotExist.
func Read(dir string) (*State, error) {
	path := filepath.Join(dir, "state.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := new(State)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): remove the folder, or use another with STATE=dir", path, err)
	}
	if s.Layout != layout {
		return nil, fmt.Errorf("%s has layout %d and this launcher reads %d: use another folder with STATE=dir", path, s.Layout, layout)
	}
	return s, nil
}

// ReadOrNil is Read, with nil for a folder that no launcher has used yet.
func ReadOrNil(dir string) (*State, error) {
	s, err := Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s, err
}

// Save writes s to dir, whole or not at all.
func (s *State) Save(dir string) error {
	s.Layout = layout
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "state.json"), append(data, '\n'))
}

// writeFile replaces path with data, readable by its owner only. The rename
// comes after the sync, so a crash leaves the old file or the new one.
func writeFile(path string, data []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
