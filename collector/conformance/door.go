package conformance

import (
	"net"
	"strconv"
	"sync"

	"google.golang.org/grpc"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// door is one listening address behind which gRPC servers take turns: a server
// that has said GOAWAY takes no more connections, so the next one must. It also
// knows the open connections, to cut them as a broken network would.
type door struct {
	listener net.Listener

	mu     sync.Mutex
	open   map[*conn]struct{}
	server *grpc.Server
	accept chan net.Conn // of the present server
	all    []*grpc.Server
}

// conn leaves the door's list when it is closed.
type conn struct {
	net.Conn
	door   *door
	number int
}

// RemoteAddr is a number, so that two connections are never taken for one.
func (c *conn) RemoteAddr() net.Addr { return connection(c.number) }

// connection is the address of a connection: its number.
type connection int

// Network names no network.
func (connection) Network() string { return "connection" }

// String is the number.
func (c connection) String() string { return strconv.Itoa(int(c)) }

// Close closes the connection.
func (c *conn) Close() error {
	c.door.mu.Lock()
	delete(c.door.open, c)
	c.door.mu.Unlock()
	return c.Conn.Close()
}

// newDoor serves the service until the listener is closed.
func newDoor(l net.Listener, service gantryv1.IngestServiceServer) *door {
	d := &door{listener: l, open: map[*conn]struct{}{}}
	d.next(service)
	go func() {
		for number := 1; ; number++ {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			c := &conn{raw, d, number}
			d.mu.Lock()
			d.open[c] = struct{}{}
			to := d.accept
			d.mu.Unlock()
			to <- c
		}
	}()
	return d
}

// next puts a new server behind the door and gives back the one before it.
func (d *door) next(service gantryv1.IngestServiceServer) *grpc.Server {
	s := grpc.NewServer(grpc.MaxRecvMsgSize(16 << 20))
	gantryv1.RegisterIngestServiceServer(s, service)
	l := &turn{accept: make(chan net.Conn, 64), done: make(chan struct{}), addr: d.listener.Addr()}
	d.mu.Lock()
	before := d.server
	d.server, d.accept, d.all = s, l.accept, append(d.all, s)
	d.mu.Unlock()
	go func() { _ = s.Serve(l) }() // ends with the server
	return before
}

// cut breaks all connections.
func (d *door) cut() {
	d.mu.Lock()
	var open []*conn
	for c := range d.open {
		open = append(open, c)
	}
	d.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// close ends everything.
func (d *door) close() {
	_ = d.listener.Close()
	d.mu.Lock()
	all := d.all
	d.mu.Unlock()
	for _, s := range all {
		s.Stop()
	}
}

// turn is the listener of one server.
type turn struct {
	accept chan net.Conn
	once   sync.Once
	done   chan struct{}
	addr   net.Addr
}

// Accept waits for a connection.
func (t *turn) Accept() (net.Conn, error) {
	select {
	case c := <-t.accept:
		return c, nil
	case <-t.done:
		return nil, net.ErrClosed
	}
}

// Close ends the server's turn.
func (t *turn) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}

// Addr is the door's address.
func (t *turn) Addr() net.Addr { return t.addr }
