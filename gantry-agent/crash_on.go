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

// crasher returns a function that kills this process without a chance to
// tidy up, at the n-th hit of the point that GANTRY_CRASH_AT="point:n" names.
func crasher() func(point string) {
	want, count, ok := strings.Cut(os.Getenv("GANTRY_CRASH_AT"), ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if !ok || err != nil {
		return nil
	}
	var hits atomic.Int64
	return func(point string) {
		if point == want && hits.Add(1) == n {
			fmt.Fprintf(os.Stderr, "killed at crash point %s, hit %d\n", point, n)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // cannot fail for oneself
			select {}
		}
	}
}
