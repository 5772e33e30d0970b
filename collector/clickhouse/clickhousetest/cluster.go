package clickhousetest

import (
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/hashicorp/consul/sdk/freeport"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
)

// StartCluster gives the test servers of its own that are one cluster, a shard
// each, named as clickhouselocal.ClusterName; no schema is on them yet. They end
// with the test.
func StartCluster(t testing.TB, shards int) []*Server {
	t.Helper()
	lib, err := clickhouselocal.Ensure(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for range shards {
		addrs = append(addrs, freeAddr(t))
	}
	var servers []*Server
	for _, addr := range addrs {
		dir, err := os.MkdirTemp("", "clickhousetest")
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{cfg: clickhouselocal.Config{
			Lib: lib, Dir: dir, TCPAddr: addr, HTTPAddr: freeAddr(t), Passwords: map[string]string{}, Shards: addrs, ClusterSecret: "secret-of-the-test",
		}}
		for _, u := range clickhouselocal.Users {
			s.cfg.Passwords[u] = password(u)
		}
		if s.child, err = clickhouselocal.Start(t.Context(), s.cfg); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			s.child.Kill()
			_ = os.RemoveAll(dir)
		})
		servers = append(servers, s)
	}
	return servers
}

// freeAddr asks the system for a port: servers of a cluster must know each
// other's before they start.
func freeAddr(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(freeport.GetOne(t)))
}
