package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// TestSecuredStream carries readings by mutual TLS between real processes, with
// certificates made as one types it: none is lost when they are replaced and
// the agent is killed, and nobody sends under another's name.
func TestSecuredStream(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{broker: "fake", network: "corridor", historyDays: 0})
	s.addCollector("all") // the sink, and the fleet's view
	ca := filepath.Join(s.dir, "tls")
	issue := func() { s.output("collector", "dev-ca", "--dir", ca, "--host", "127.0.0.1", "--agent", "agent-1") }
	issue()
	addr := freePort(t)
	secured := s.process("secured", "collector", "ingest", "--collector-id", "secured", "--kafka-brokers", s.kafkaAddr, "--lease-ttl", leaseTTL.String(),
		"--http-addr", freePort(t), "--admin-addr", "", "--grpc-addr", addr, "--tokens-file", state.TokensFile(s.dir),
		"--tls-cert-file", filepath.Join(ca, "collector.pem"), "--tls-key-file", filepath.Join(ca, "collector-key.pem"), "--tls-client-ca-file", filepath.Join(ca, "ca.pem"))
	secured.start()
	t.Cleanup(secured.kill)
	eventually(t, time.Minute, "the collector with TLS answers", answers(addr))
	agent := func(name string) *process {
		p := s.process(name, "gantry-agent", "run", "--agent-id", name, "--collector", addr, "--state", filepath.Join(s.dir, name),
			"--tls-ca-file", filepath.Join(ca, "ca.pem"), "--tls-cert-file", filepath.Join(ca, "agent-agent-1.pem"), "--tls-key-file", filepath.Join(ca, "agent-agent-1-key.pem"))
		s.agents = append(s.agents, p)
		p.start()
		return p
	}
	one := agent("agent-1")
	impostor := agent("agent-2")
	s.flowing()
	eventually(t, time.Minute, "the impostor is told why", func() (bool, string) {
		text, err := os.ReadFile(impostor.log)
		return strings.Contains(string(text), `but the certificate is of`), fmt.Sprint(tail(impostor.log), err)
	})
	impostor.kill()
	issue()
	one.kill()
	one.start()
	s.flowing()
	s.settled(2 * time.Minute)
}
