//go:build !linux

package kafkalocal

import "syscall"

// boundProcess has nothing to offer here: a broker outlives kill -9 of its
// parent and must be stopped by hand.
func boundProcess() *syscall.SysProcAttr { return nil }
