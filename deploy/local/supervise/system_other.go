//go:build !linux

package supervise

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes put a child in a process group of its own. There is no
// parent-death signal here: children of a killed launcher live on until they
// are stopped by hand.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// rssBytes is the resident memory of a process, 0 where it is not known.
func rssBytes(pid int) int64 {
	if pid == 0 {
		return 0
	}
	out, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
