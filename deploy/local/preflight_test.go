package main

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// says fails the test unless err is one line that holds every part.
func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than a sentence", err)
	}
}

func TestTakenPortIsNamedWithItsSetting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, number, _ := net.SplitHostPort(l.Addr().String())
	taken, _ := strconv.Atoi(number)
	says(t, checkPorts([]port{{taken, "HTTP_PORT", "metrics and health"}}),
		"port "+number, "metrics and health", "taken by another program", "make run HTTP_PORT=")
}

func TestPortGivenTwiceIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, number, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	free, _ := strconv.Atoi(number)
	says(t, checkPorts([]port{{free, "HTTP_PORT", "a"}, {free, "GRPC_PORT", "b"}}), "HTTP_PORT and GRPC_PORT are both "+number)
}

func TestProposedPortIsAPort(t *testing.T) {
	for number := 1; number <= 65535; number++ {
		if p := alternative(number); p < 1 || p > 65535 || p == number {
			t.Fatalf("alternative of %d is %d", number, p)
		}
	}
}

func TestMissingToolIsNamedWithItsRemedy(t *testing.T) {
	for _, missing := range toolsFor("apache") {
		look := func(name string) (string, error) {
			if name == missing.name {
				return "", errors.New("not found")
			}
			return "/bin/" + name, nil
		}
		says(t, checkTools(toolsFor("apache"), look), missing.name+" is missing", missing.remedy)
	}
	for _, needed := range toolsFor("fake") {
		if needed.name == "java" {
			t.Error("the embedded broker asks for Java")
		}
	}
}

func TestFullDiskIsRefused(t *testing.T) {
	full := func(string) (uint64, error) { return 1 << 30, nil }
	says(t, checkDisk("folder", "STATE", full), "folder has 1.0 GB", "needs 3 GB", "STATE=dir")
	if err := checkDisk("folder", "STATE", func(string) (uint64, error) { return minFreeBytes, nil }); err != nil {
		t.Errorf("enough space gave %v", err)
	}
}

func TestSettingsOutOfRangeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*settings)
		says   []string
	}{
		"history without unit": {func(s *settings) { s.History = "28" }, []string{"HISTORY=28", "HISTORY=28d"}},
		"history negative":     {func(s *settings) { s.History = "-1d" }, []string{"HISTORY=-1d"}},
		"history too long":     {func(s *settings) { s.History = "400d" }, []string{"HISTORY=400d", "366d"}},
		"agents":               {func(s *settings) { s.Agents = 65 }, []string{"AGENTS=65", "64"}},
		"kafka":                {func(s *settings) { s.Kafka = "redis" }, []string{"KAFKA=redis", "fake or apache"}},
		"port":                 {func(s *settings) { s.HTTPPort = 70000 }, []string{"HTTP_PORT=70000"}},
		"dbt":                  {func(s *settings) { s.DBTEvery = -time.Second }, []string{"DBT_EVERY=-1s"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s settings
			c.change(&s)
			_, err := s.wanted()
			says(t, err, c.says...)
		})
	}
}

func TestSettingsNotGivenAreLeftToTheFolder(t *testing.T) {
	w, err := settings{}.wanted()
	if err != nil {
		t.Fatal(err)
	}
	if w.Seed != nil || w.HistoryDays != nil || w.Network != "" || w.Kafka != "" {
		t.Errorf("wanted %+v, want nothing", w)
	}
	w, err = settings{History: "28d"}.wanted()
	if err != nil || *w.HistoryDays != 28 {
		t.Errorf("HISTORY=28d gave %v, %v", w.HistoryDays, err)
	}
}

func TestChildrenDoNotTakeTheLaunchersSettings(t *testing.T) {
	got := childEnv([]string{"HOME=/h", "GANTRY_SEED=7", "GANTRY_NETWORK=ring", "GANTRY_CACHE=/c", "SEED=7"})
	if want := "HOME=/h GANTRY_CACHE=/c SEED=7"; strings.Join(got, " ") != want {
		t.Errorf("children get %q, want %q", got, want)
	}
}
