package kafkalocal

import "syscall"

// boundProcess lets the kernel kill the child when this process dies, even
// by kill -9, so that no broker is left holding the port.
func boundProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
