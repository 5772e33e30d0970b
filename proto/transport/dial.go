package transport

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// LeavesMachine tells whether an address, host:port or host, is anywhere but
// on this machine's loopback. A name other than localhost may be anywhere.
func LeavesMachine(addr string) bool {
	host := addr
	if h, _, err := net.SplitHostPort(addr); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return false
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip == nil || !ip.IsLoopback()
}

// Dial connects to host:port and makes the handshake; timeout bounds both
// together.
func (t *TLS) Dial(ctx context.Context, addr string, timeout time.Duration) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w: write host:port", addr, err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	secured := t.clientConn(conn, host)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS with %s: %w", addr, err)
	}
	return secured, nil
}
