package clients_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// sent is how many readings each example sends; the collector is replaced half way.
const sent = 400

// TestExamples runs the page's lines, and then every example of each language:
// what they send is in ClickHouse under its identity, although the collector
// was replaced on the way.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("installs and generates the clients")
	}
	t.Parallel()
	s := start(t)
	s.runPage()
	var all []*sending
	for _, l := range languages {
		r := s.sending(l)
		r.feed(t, 1, sent/2)
		all = append(all, r)
	}
	for _, r := range all {
		eventually(t, 30*time.Second, r.name+" watches its device", func() (bool, string) {
			return strings.Contains(r.watching.String(), fmt.Sprintf("seq=%d", sent/2)), r.watching.String() + r.said.String()
		})
		r.feed(t, sent/2+1, sent-1)
	}
	s.stop()
	s.run()
	for _, r := range all {
		r.feed(t, sent, sent)
		_ = r.in.Close()
	}
	for _, r := range all {
		if err := r.send.Wait(); err != nil {
			t.Fatalf("%s: %v\n%s", r.name, err, r.said.String())
		}
		lines := strings.Fields(r.said.String())
		if last := lines[len(lines)-1]; last != fmt.Sprintf("seq=%d", sent+1) {
			t.Errorf("%s ends at %s, want seq=%d, the end's", r.name, last, sent+1)
		}
		s.stored(r.language, r.said.String())
		listed := output(t, r.example(t, "list-devices", "--collector", s.grpcAddr))
		for _, want := range []string{fmt.Sprintf("%s DEVICE_KIND_COUNTER north-", r.device), "toll-1 DEVICE_KIND_TOLL north-1 epoch=0 seq=0", fmt.Sprintf("seq=%d", sent+1)} {
			if !strings.Contains(listed, want) {
				t.Errorf("%s does not list %q:\n%s", r.name, want, listed)
			}
		}
	}
}

// sending is a language's sender under way, with a watcher of its device.
type sending struct {
	language
	send           *exec.Cmd
	in             io.WriteCloser
	said, watching safeBuffer
	began          time.Time
}

// sending starts both.
func (s *stack) sending(l language) *sending {
	t := s.t
	t.Helper()
	r := &sending{language: l, began: time.Now()}
	watch := l.example(t, "watch-devices", "--collector", s.grpcAddr, l.device)
	watch.Stdout, watch.Stderr = &r.watching, &r.watching
	r.send = l.example(t, "send-readings", "--collector", s.grpcAddr, "--device", l.device, "--token-file", s.tokenFile)
	r.send.Stdout, r.send.Stderr = &r.said, &r.said
	var err error
	if r.in, err = r.send.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []*exec.Cmd{watch, r.send} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// feed gives the sender readings from one position to another.
func (r *sending) feed(t *testing.T, first, last int) {
	t.Helper()
	for seq := first; seq <= last; seq++ {
		if _, err := io.WriteString(r.in, reading(seq, r.began)); err != nil {
			t.Fatalf("%s takes no more readings: %v\n%s", r.name, err, r.said.String())
		}
	}
}

// stored demands every reading once, where it belongs.
func (s *stack) stored(l language, said string) {
	s.t.Helper()
	var epoch uint32
	if _, err := fmt.Sscanf(said[strings.LastIndex(said, "epoch="):], "epoch=%d", &epoch); err != nil {
		s.t.Fatalf("%s says no epoch: %s", l.name, said)
	}
	eventually(s.t, 30*time.Second, l.name+"'s readings are in ClickHouse", func() (bool, string) {
		n := s.clickhouse.Count(s.t, `SELECT count() FROM raw.epoch_ends FINAL WHERE device_id = $1 AND epoch = $2 AND last_seq = $3`, l.device, epoch, uint64(sent))
		return n == 1, fmt.Sprint(n, " ends")
	})
	// The end is in another table, which may be written before that of the readings.
	eventually(s.t, 30*time.Second, l.name+"'s readings are all there", func() (bool, string) {
		all := s.clickhouse.Count(s.t, `SELECT count() FROM raw.readings FINAL WHERE device_id = $1 AND epoch = $2`, l.device, epoch)
		return all >= sent, fmt.Sprint(all, " readings")
	})
	right := s.clickhouse.Count(s.t, `SELECT count() FROM raw.readings FINAL WHERE device_id = $1 AND epoch = $2
		AND seq BETWEEN 1 AND $3 AND length_cm = 400 + seq AND lane = seq % 3 + 1`, l.device, epoch, uint64(sent))
	all := s.clickhouse.Count(s.t, `SELECT count() FROM raw.readings FINAL WHERE device_id = $1 AND epoch = $2`, l.device, epoch)
	if right != sent || all != sent {
		s.t.Errorf("%s: %d readings are under their identity and %d in all, want %d", l.name, right, all, sent)
	}
}

// TestConformance holds the sender of each language, and gantry-agent, against
// the check that makers of devices run: all at once, for they mostly wait.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute")
	}
	t.Parallel()
	var checks sync.WaitGroup
	for _, l := range languages {
		c := newCheck(t, l.name)
		send := l.example(t, "send-readings", "--collector", c.addr, "--device", "counter-1")
		in, err := send.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := send.Start(); err != nil {
			t.Fatal(err)
		}
		checks.Go(func() {
			c.feed(t, in)
			c.passes(t)
			if err := send.Wait(); err != nil {
				t.Errorf("the sender in %s: %v", l.name, err)
			}
		})
	}
	network := filepath.Join(t.TempDir(), "network.yaml")
	yesterday := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
	yaml := output(t, program(t, "gantry-agent", "world", "network", "--network", "corridor", "--zone="+state.Zone(time.Now()), "--valid-from", yesterday.Format(time.RFC3339)))
	if err := os.WriteFile(network, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCheck(t, "gantry-agent", "--network", network)
	agent := program(t, "gantry-agent", "run", "--collector", c.addr, "--agent-id", "agent-1", "--devices", "10")
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	checks.Go(func() { c.passes(t) })
	checks.Wait()
}
