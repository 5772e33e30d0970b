package main

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// minFreeBytes is the disk space a run wants: a week of the default network in
// Kafka and ClickHouse, the installs, and room to merge.
const minFreeBytes = 3 << 30

// tool is a program that must be installed.
type tool struct {
	name, purpose, remedy string
}

// toolsFor lists the programs that a run with this broker calls. Go is found
// missing by make, before there is a launcher to say so.
func toolsFor(kafka string) []tool {
	tools := []tool{
		{"npm", "to download the ClickHouse engine", "install Node.js 20 or newer"},
		{"python3", "to run dbt", "install Python 3.10 or newer"},
	}
	if kafka == "apache" {
		tools = append(tools,
			tool{"java", "to run Apache Kafka", "install Java 17 or newer, or leave out KAFKA=apache"},
			tool{"mvn", "to download Apache Kafka", "install Maven, or leave out KAFKA=apache"})
	}
	return tools
}

// checkTools refuses a missing tool in one sentence. look is exec.LookPath.
func checkTools(tools []tool, look func(string) (string, error)) error {
	for _, t := range tools {
		if _, err := look(t.name); err != nil {
			return fmt.Errorf("%s is missing (needed %s): %s", t.name, t.purpose, t.remedy)
		}
	}
	return nil
}

// checkVenv refuses a Python that cannot make virtual environments, as
// Debian's does without a package of its own.
func checkVenv() error {
	if err := exec.Command("python3", "-c", "import ensurepip, venv").Run(); err != nil {
		return fmt.Errorf("python3 cannot make virtual environments: install its venv module (Debian: python3-venv)")
	}
	return nil
}

// checkPorts refuses a port that is taken, or given twice, in one sentence.
func checkPorts(ports []port) error {
	seen := map[int]port{}
	for _, p := range ports {
		if other, twice := seen[p.number]; twice {
			return fmt.Errorf("%s and %s are both %d: give one of them another port", other.setting, p.setting, p.number)
		}
		seen[p.number] = p
		l, err := net.Listen("tcp", loopback(p.number))
		if err != nil {
			why := err.Error()
			if errors.Is(err, syscall.EADDRINUSE) {
				why = "it is taken by another program"
			}
			return fmt.Errorf("port %d (%s) cannot be used: %s; choose another port, as make run %s=%d",
				p.number, p.purpose, why, p.setting, alternative(p.number))
		}
		_ = l.Close()
	}
	return nil
}

// alternative is a port to propose in place of one that is taken.
func alternative(number int) int {
	if number > 55535 {
		return number - 10000
	}
	return number + 10000
}

// checkDisk refuses a file system without room, in one sentence. free is
// state.FreeBytes.
func checkDisk(dir, setting string, free func(string) (uint64, error)) error {
	bytes, err := free(dir)
	if err != nil {
		return err
	}
	if bytes < minFreeBytes {
		return fmt.Errorf("%s has %.1f GB of disk space left and a run needs %d GB: free some, or use another disk with %s=dir",
			dir, float64(bytes)/(1<<30), minFreeBytes>>30, setting)
	}
	return nil
}

// loopback is the address of a port on this machine only.
func loopback(number int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(number)) }

// preflight refuses what would fail later: a port or a disk.
func preflight(dir string, s *state.State) error {
	if err := checkDisk(dir, "STATE", state.FreeBytes); err != nil {
		return err
	}
	return checkPorts(portsOf(s.Ports))
}
