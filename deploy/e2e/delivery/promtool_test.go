package delivery_test

import (
	"os"
	"os/exec"
	"testing"
)

// promtool runs Prometheus' own judge. It is a module of its own, so that the
// other tools need not agree with its dependencies, and is built without the
// clouds' discovery, which would be most of it.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"tool", "-modfile=promtool.mod", "promtool"}, args...)...)
	cmd.Dir = root + "/deploy/tools"
	cmd.Env = append(os.Environ(), "GOFLAGS=-tags=remove_all_sd,enable_dns_sd")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// TestAlertsFire runs the rules over made-up figures, in the good case too.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "config", "../prometheus/prometheus.yml")
	promtool(t, "test", "rules", "../prometheus/rules_test.yml")
}
