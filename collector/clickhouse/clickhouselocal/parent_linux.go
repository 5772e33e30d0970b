package clickhouselocal

import "syscall"

// dieWithParent covers a parent's kill -9 even while the child hangs inside
// the engine. The own process group keeps a terminal's Ctrl-C away.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
