package kafka

import (
	"errors"
	"fmt"
	"os"

	"buf.build/go/protoyaml"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// MaxNetworkFileBytes is the largest network file that is read.
const MaxNetworkFileBytes = 64 << 20

// maxProblemsShown bounds the error for a file that is wrong throughout.
const maxProblemsShown = 20

// ReadNetworkFile reads a network from a YAML file (the YAML form of
// gantry.v1.Network), fills in every valid_from and checks it. An error has
// one line for each problem, with file and line.
func ReadNetworkFile(path string) (*gantryv1.Network, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	if info.Size() > MaxNetworkFileBytes {
		return nil, fmt.Errorf("network file %s has %d bytes, more than the %d allowed: is it the right file?", path, info.Size(), MaxNetworkFileBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	return ParseNetwork(path, data)
}

// ParseNetwork is ReadNetworkFile for bytes at hand; name stands in errors.
func ParseNetwork(name string, data []byte) (*gantryv1.Network, error) {
	n := &gantryv1.Network{}
	if err := (protoyaml.UnmarshalOptions{Path: name}).Unmarshal(data, n); err != nil {
		return nil, fmt.Errorf("network file is not a gantry.v1.Network in YAML: %w", err)
	}
	problems := CheckNetwork(n)
	if len(problems) == 0 {
		return n, nil
	}
	locate := lines(data)
	var errs []error
	for i, p := range problems {
		if i == maxProblemsShown {
			errs = append(errs, fmt.Errorf("%s: and %d more problems", name, len(problems)-i))
			break
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s", name, locate(p.Path), p.Text))
	}
	return nil, errors.Join(errs...)
}

// lines gives a function from a YAML path to its line, 1 when not found.
func lines(data []byte) func(path string) int {
	file, err := parser.ParseBytes(data, 0)
	return func(path string) int {
		if err != nil {
			return 1
		}
		p, err := yaml.PathString(path)
		if err != nil {
			return 1
		}
		node, err := p.FilterFile(file)
		if err != nil || node == nil || node.GetToken() == nil {
			return 1
		}
		return node.GetToken().Position.Line
	}
}
