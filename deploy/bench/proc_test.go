package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fakeProcess is written below a folder in the form of /proc.
type fakeProcess struct {
	pid, parent, ticks, peakKiB int
	args                        []string
}

func fakeProc(t *testing.T, processes ...fakeProcess) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range processes {
		at := filepath.Join(dir, strconv.Itoa(p.pid))
		if err := os.Mkdir(at, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string]string{
			// A name may hold blanks and parentheses.
			"stat":    fmt.Sprintf("%d (a) b) S %d 1 1 0 -1 0 0 0 0 0 %d %d 0 0 20 0\n", p.pid, p.parent, p.ticks, p.ticks),
			"status":  fmt.Sprintf("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t  %d kB\n", p.peakKiB),
			"cmdline": strings.Join(p.args, "\x00") + "\x00",
		} {
			if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestUsageIsByKindOfProcess(t *testing.T) {
	proc := fakeProc(t,
		fakeProcess{10, 1, 1, 10, []string{"/bin/local", "run"}},
		fakeProcess{11, 10, 2, 20, []string{"/bin/local", "broker", "--addr=a"}},
		fakeProcess{12, 11, 3, 300, []string{"java", "kafka.Kafka"}},
		fakeProcess{13, 10, 4, 40, []string{"/bin/local", "clickhouse"}},
		fakeProcess{14, 10, 5, 50, []string{"/bin/collector", "all"}},
		fakeProcess{15, 10, 6, 60, []string{"/bin/gantry-agent", "run"}},
		fakeProcess{16, 10, 7, 70, []string{"/bin/gantry-agent", "run"}},
		fakeProcess{17, 1, 9, 90, []string{"/bin/collector", "of another stack"}},
	)
	const twice, kib = 2 * clockTick, 1 << 10
	want := map[string]usage{
		"launcher":   {1 * twice, 10 * kib, 1},
		"broker":     {(2 + 3) * twice, 300 * kib, 2},
		"clickhouse": {4 * twice, 40 * kib, 1},
		"collector":  {5 * twice, 50 * kib, 1},
		"agent":      {(6 + 7) * twice, 70 * kib, 2},
	}
	got := stackUsage(proc, 10)
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for kind, u := range want {
		if got[kind] != u {
			t.Errorf("%s used %+v, want %+v", kind, got[kind], u)
		}
	}
}

func TestUsageIsLeftOutWhereItIsNotKnown(t *testing.T) {
	if got := stackUsage(filepath.Join(t.TempDir(), "absent"), 1); got != nil {
		t.Errorf("without proc %v", got)
	}
	if got := stackUsage(fakeProc(t, fakeProcess{1, 0, 1, 1, nil}), 2); got != nil {
		t.Errorf("of a process that has ended %v", got)
	}
}

func TestDamagedStatIsRefused(t *testing.T) {
	for _, line := range []string{"", "1 (x) S 1 2 3", "1 (x) S a 1 1 0 -1 0 0 0 0 0 1 1 0"} {
		if p, err := parseStat(1, line); err == nil {
			t.Errorf("%q was read as %+v", line, p)
		}
	}
	if p, err := parseStat(1, "1 (x) S 7 1 1 0 -1 0 0 0 0 0 30 12 0"); err != nil || p.parent != 7 || p.cpu != 420*time.Millisecond {
		t.Errorf("got %+v %v", p, err)
	}
}
