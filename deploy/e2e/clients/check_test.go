package clients_test

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// check is a run of collector conformance.
type check struct {
	name      string
	addr      string
	endWanted chan struct{} // closed when it asks for the end of an epoch
	ended     chan struct{} // closed when it has ended
	err       error
	report    safeBuffer
	said      progress
}

// progress watches what the check says it does.
type progress struct {
	safeBuffer
	once   sync.Once
	wanted chan struct{}
}

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.safeBuffer.Write(b)
	if strings.Contains(p.String(), "now stop the client") {
		p.once.Do(func() { close(p.wanted) })
	}
	return n, err
}

// newCheck starts one.
func newCheck(t *testing.T, name string, args ...string) *check {
	t.Helper()
	c := &check{name: name, addr: freePort(t), endWanted: make(chan struct{}), ended: make(chan struct{})}
	c.said.wanted = c.endWanted
	cmd := program(t, "collector", append([]string{"conformance", "--grpc-addr", c.addr}, args...)...)
	cmd.Stdout, cmd.Stderr = &c.report, &c.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		c.err = cmd.Wait()
	}()
	return c
}

// passes waits for its end, which must be good.
func (c *check) passes(t *testing.T) {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(5 * time.Minute):
		t.Errorf("the check of %s does not end; it said:\n%s", c.name, c.said.String())
		return
	}
	if c.err != nil || !strings.Contains(c.report.String(), " 0 failed, 0 not seen, 0 skipped") {
		t.Errorf("%s: %v\n%s%s", c.name, c.err, c.said.String(), c.report.String())
	}
}

// feed gives an instrument's readings to a client until the check asks for the
// end of the epoch, or ends.
func (c *check) feed(t *testing.T, in io.WriteCloser) {
	defer func() { _ = in.Close() }()
	began := time.Now()
	for seq := 1; ; seq++ {
		select {
		case <-c.endWanted:
			return
		case <-c.ended:
			return
		case <-time.After(50 * time.Millisecond):
			if _, err := io.WriteString(in, reading(seq%3000, began)); err != nil {
				t.Errorf("the client of %s takes no more readings: %v", c.name, err)
				return
			}
		}
	}
}
