//go:build crashpoints

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// crashHook makes the process kill itself as kill -9 would, the n-th time it
// passes the point that GANTRY_CRASH_AT names as point:n.
func crashHook() func(point string) {
	at := os.Getenv("GANTRY_CRASH_AT")
	if at == "" {
		return nil
	}
	point, count, _ := strings.Cut(at, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "collector: GANTRY_CRASH_AT=%q is not point:n with n of at least 1\n", at)
		os.Exit(2)
	}
	var hits atomic.Int64
	return func(here string) {
		if here == point && hits.Add(1) == n {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing after the point may happen
		}
	}
}
