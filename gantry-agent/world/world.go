package world

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Version is part of the fingerprint. It grows with every change after which
// the same files and seed give other passages or other readings.
const Version = 1

//go:embed shipped/*.yaml
var shipped embed.FS

// Shipped is a network or scenario file that comes with the program; kind is
// "network" or "scenario".
func Shipped(kind, name string) ([]byte, bool) {
	b, err := shipped.ReadFile("shipped/" + kind + "-" + name + ".yaml")
	return b, err == nil
}

// Spec is all that a world depends on.
type Spec struct {
	// NetworkYAML and ScenarioYAML are the files' text.
	NetworkYAML, ScenarioYAML []byte
	// Seed of all chance.
	Seed uint64
}

// fingerprint hashes what the passages and readings depend on. valid_from is
// left out: history may be made longer later without changing a reading.
func fingerprint(nf networkFile, sf scenarioFile, seed uint64) (string, error) {
	nf.ValidFrom = ""
	b, err := json.Marshal(struct {
		Version  int
		Network  networkFile
		Scenario scenarioFile
		Seed     uint64
	}{Version, nf, sf, seed})
	if err != nil {
		return "", fmt.Errorf("world: fingerprint: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}
