//go:build !linux

package standin_test

import "testing"

func TestStandIn(t *testing.T) {
	t.Skip("tasks live in network namespaces, which only Linux has")
}
