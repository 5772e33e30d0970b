//go:build !linux

package clickhouselocal

import "syscall"

// dieWithParent: elsewhere only the end of standard input tells the child.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
