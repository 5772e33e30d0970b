package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen takes an address, or says in one sentence which flag to change.
func listen(flag, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s is taken by another program: stop that one or choose another with %s", addr, flag)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", flag, addr, err)
	}
	return l, nil
}

// isLoopback tells whether only this machine can reach the listener.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// prepareListeners takes the ports, and refuses to be heard by other machines
// in the clear.
func (c *collector) prepareListeners() error {
	var err error
	if c.tls, err = c.listeners(c.log); err != nil {
		return err
	}
	take := func(flag, addr string, secured bool) (net.Listener, error) {
		l, err := listen(flag, addr)
		if err != nil || secured {
			return l, err
		}
		if err := c.refusePlaintext(flag, l.Addr()); err != nil {
			_ = l.Close()
			return nil, err
		}
		return l, nil
	}
	if c.httpListener, err = take("--http-addr", c.HTTPAddr, c.tls != nil); err != nil {
		return err
	}
	if c.AdminAddr != "" {
		if c.adminListener, err = take("--admin-addr", c.AdminAddr, false); err != nil {
			return err
		}
	}
	if c.grpc == nil {
		return nil
	}
	c.grpcListener, err = take("--grpc-addr", c.grpc.GRPCAddr, c.tls != nil)
	return err
}
