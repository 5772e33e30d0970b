//go:build linux

package standin_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Addresses of the tasks' network. It is this process's own, so that they are
// always free.
var (
	// hostAddress is where tasks find the balancer, Kafka and ClickHouse.
	hostAddress = netip.MustParseAddr("10.77.0.1")
	// metadataAddress is where ECS has its metadata endpoint.
	metadataAddress = netip.MustParseAddr("169.254.170.2")
)

const (
	bridgeName = "tasks"
	subnetBits = 16
)

// bringUp makes the bridge that tasks are plugged into.
func bringUp() error {
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("add the bridge: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return errors.Join(
		netlink.AddrAdd(bridge, address(hostAddress, subnetBits)),
		netlink.AddrAdd(bridge, address(metadataAddress, 32)),
		netlink.LinkSetUp(bridge), netlink.LinkSetUp(lo))
}

func address(a netip.Addr, bits int) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, 32)}}
}

// namespace is a network of one task: a loopback of its own, and eth0 on the
// bridge.
type namespace struct {
	handle netns.NsHandle
	addr   netip.Addr
	veth   string // the bridge's end of eth0
}

// newNamespace makes the nth one; n is never used twice.
func newNamespace(n int) (*namespace, error) {
	addr := hostAddress
	for range n {
		addr = addr.Next()
	}
	ns := &namespace{addr: addr, veth: fmt.Sprintf("task%d", n)}
	var err error
	if ns.handle, err = emptyNamespace(); err != nil {
		return nil, fmt.Errorf("make a network namespace: %w", err)
	}
	if err := ns.plugIn(); err != nil {
		ns.close()
		return nil, fmt.Errorf("plug %s into the bridge: %w", addr, err)
	}
	return ns, nil
}

func emptyNamespace() (netns.NsHandle, error) {
	handle := netns.None()
	return handle, visit(func() error {
		var err error
		handle, err = netns.New()
		return err
	})
}

// visit calls f on a thread that may change its network, and brings the thread
// back home. One that does not find home is never used again.
func visit(f func() error) error {
	runtime.LockOSThread()
	home, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() { _ = home.Close() }() // a descriptor that was only read
	err = f()
	if back := netns.Set(home); back != nil {
		return errors.Join(err, back)
	}
	runtime.UnlockOSThread()
	return err
}

func (ns *namespace) plugIn() error {
	bridge, err := netlink.LinkByName(bridgeName)
	if err != nil {
		return err
	}
	veth := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: ns.veth, MasterIndex: bridge.Attrs().Index},
		PeerName:  "eth0", PeerNamespace: netlink.NsFd(ns.handle),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(veth); err != nil {
		return err
	}
	inside, err := netlink.NewHandleAt(ns.handle)
	if err != nil {
		return err
	}
	defer inside.Close()
	lo, err := inside.LinkByName("lo")
	if err != nil {
		return err
	}
	eth0, err := inside.LinkByName("eth0")
	if err != nil {
		return err
	}
	metadata := &netlink.Route{LinkIndex: eth0.Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: address(metadataAddress, 32).IPNet}
	return errors.Join(
		inside.AddrAdd(eth0, address(ns.addr, subnetBits)),
		inside.LinkSetUp(lo), inside.LinkSetUp(eth0), inside.RouteAdd(metadata))
}

// enter calls f inside; a process or a socket that it makes stays there.
func (ns *namespace) enter(f func() error) error {
	return visit(func() error {
		if err := netns.Set(ns.handle); err != nil {
			return err
		}
		return f()
	})
}

// unplug cuts the cable: nothing that is sent arrives, and nobody is told.
func (ns *namespace) unplug() error {
	veth, err := netlink.LinkByName(ns.veth)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return err
	}
	return netlink.LinkDel(veth)
}

func (ns *namespace) close() {
	_ = ns.unplug() // it goes with the namespace anyway, a little later
	_ = ns.handle.Close()
}
