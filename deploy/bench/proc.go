package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc; Linux gives user space 100 Hz on
// every platform that Go runs on.
const clockTick = 10 * time.Millisecond

// usage is what the processes of one kind have used.
type usage struct {
	// CPU is of all processes of the kind together, since their start.
	CPU time.Duration
	// PeakBytes is the greatest resident memory that one of them ever had.
	PeakBytes int64
	Processes int
}

// process is one process as /proc shows it.
type process struct {
	pid, parent int
	cpu         time.Duration
}

// stackUsage is what a launcher and its descendants have used, by kind:
// launcher, broker, clickhouse, collector, agent. It is nil where there is no
// proc file system.
func stackUsage(proc string, launcher int) map[string]usage {
	children := map[int][]process{}
	var root process
	entries, _ := os.ReadDir(proc)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// A process that has just ended is not there to be counted.
		if p, err := readStat(proc, pid); err == nil {
			children[p.parent] = append(children[p.parent], p)
			if pid == launcher {
				root = p
			}
		}
	}
	if root.pid == 0 {
		return nil
	}
	found := map[string]usage{}
	var visit func(p process, kind string)
	visit = func(p process, kind string) {
		u := found[kind]
		u.CPU += p.cpu
		u.PeakBytes = max(u.PeakBytes, readPeak(proc, p.pid))
		u.Processes++
		found[kind] = u
		for _, c := range children[p.pid] {
			visit(c, kindOf(readArgs(proc, c.pid), kind))
		}
	}
	visit(root, "launcher")
	return found
}

// kindOf tells a process by its command line. What a known process starts,
// as Kafka's Java, counts as its own.
func kindOf(args []string, parent string) string {
	if len(args) == 0 {
		return parent
	}
	switch filepath.Base(args[0]) {
	case "collector":
		return "collector"
	case "gantry-agent":
		return "agent"
	case "local":
		if len(args) > 1 && (args[1] == "broker" || args[1] == "clickhouse") {
			return args[1]
		}
	}
	return parent
}

func procFile(proc string, pid int, name string) string {
	return filepath.Join(proc, strconv.Itoa(pid), name)
}

func readArgs(proc string, pid int) []string {
	data, _ := os.ReadFile(procFile(proc, pid, "cmdline"))
	return strings.Split(strings.TrimRight(string(data), "\x00"), "\x00")
}

func readStat(proc string, pid int) (process, error) {
	data, err := os.ReadFile(procFile(proc, pid, "stat"))
	if err != nil {
		return process{}, err
	}
	return parseStat(pid, string(data))
}

// parseStat reads parent and processor time of a line of /proc/PID/stat
// (proc(5): fields 4, 14 and 15). The name, in parentheses, may hold anything.
func parseStat(pid int, line string) (process, error) {
	const parent, userTicks, systemTicks = 4 - 3, 14 - 3, 15 - 3
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) <= systemTicks {
		return process{}, fmt.Errorf("stat of process %d is cut short", pid)
	}
	var n [3]int
	for i, at := range []int{parent, userTicks, systemTicks} {
		var err error
		if n[i], err = strconv.Atoi(fields[at]); err != nil {
			return process{}, fmt.Errorf("stat of process %d: %w", pid, err)
		}
	}
	return process{pid: pid, parent: n[0], cpu: time.Duration(n[1]+n[2]) * clockTick}, nil
}

// readPeak is the greatest resident memory of a process, in bytes; 0 where it
// is not known.
func readPeak(proc string, pid int) int64 {
	data, err := os.ReadFile(procFile(proc, pid, "status"))
	if err != nil {
		return 0
	}
	return parsePeak(string(data))
}

func parsePeak(status string) int64 {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}
