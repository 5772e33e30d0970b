//go:build linux

package standin_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// forwarder passes TCP connections on, byte for byte, and never tells one side
// that the other is silent: no keep-alive.
type forwarder struct {
	listener net.Listener
	// pick names the address that the next connection goes to.
	pick func() (string, error)

	mu     sync.Mutex
	closed bool
	open   map[*connection]bool
	ended  sync.WaitGroup
}

// connection is one that is passed on.
type connection struct {
	to              string
	outside, inside net.Conn
	passed          sync.WaitGroup
}

const dialTimeout = 5 * time.Second

// forward listens until the test ends.
func forward(t *testing.T, addr string, pick func() (string, error)) *forwarder {
	t.Helper()
	quiet := net.ListenConfig{KeepAlive: -1}
	listener, err := quiet.Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatalf("listen for tasks: %v", err)
	}
	f := &forwarder{listener: listener, pick: pick, open: map[*connection]bool{}}
	f.ended.Go(f.accept)
	t.Cleanup(f.close)
	return f
}

func (f *forwarder) accept() {
	for {
		outside, err := f.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the caller went away again
		}
		f.ended.Go(func() { f.pass(outside) })
	}
}

// pass connects to where it is to go, or hangs up.
func (f *forwarder) pass(outside net.Conn) {
	defer func() { _ = outside.Close() }() // twice is harmless
	to, err := f.pick()
	if err != nil {
		return
	}
	quiet := net.Dialer{KeepAlive: -1, Timeout: dialTimeout}
	inside, err := quiet.DialContext(context.Background(), "tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = inside.Close() }() // as above
	c := &connection{to: to, outside: outside, inside: inside}
	if !f.keep(c) {
		return
	}
	c.passed.Go(func() { flow(inside, outside) })
	c.passed.Go(func() { flow(outside, inside) })
	c.passed.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, c)
}

// flow copies to the end, and passes the end on.
func flow(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		_, _ = to.Close(), from.Close() // one side was reset: so is the other
		return
	}
	_ = to.(*net.TCPConn).CloseWrite() // the other side may be gone already
}

func (f *forwarder) keep(c *connection) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.open[c] = true
	return true
}

// cut ends the connections to an address; all when it is empty.
func (f *forwarder) cut(to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		if to == "" || c.to == to {
			_, _ = c.outside.Close(), c.inside.Close()
		}
	}
}

func (f *forwarder) close() {
	_ = f.listener.Close()
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.cut("")
	f.ended.Wait()
}
