package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestReadmeLines runs the README's grpcurl lines as they are printed, but for
// the port and the state folder, which are the test's own.
func TestReadmeLines(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- a test runs exactly these lines -->\n```sh\n(.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("README.md has no block marked to be run by this test")
	}
	s := newStack(t, options{broker: "fake", network: "corridor", historyDays: 0})
	c := s.addCollector("all")
	s.addAgent(nil)
	s.addAgent(nil)
	s.everyDevice(20 * time.Second)
	lines := strings.NewReplacer("127.0.0.1:50051", c.grpcAddr, ".gantry/", s.dir+"/").Replace(string(block[1]))
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", lines)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"gantry.v1.FleetService", "grpc.health.v1.Health", `"agentId": "agent-2"`, `"deviceId": "north-01-counter"`,
		`"deciderCollectorId": "all-1"`, `"stationId": "north-02"`, `"startedAt"`, `"asOf"`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the lines do not show %s:\n%s", want, out)
		}
	}
	// The last line drained agent-1: the other one carries everything now.
	s.balanced(1)
}
