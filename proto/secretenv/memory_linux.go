package secretenv

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile makes a file of this process alone that lives as long as it, and
// gives a path by which it can be opened again and again.
func memoryFile(name, content string) (string, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return "", err
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	// It is never closed: the path means it for as long as the process runs.
	if err := os.WriteFile(path, []byte(content), 0o400); err != nil {
		return "", err
	}
	return path, unix.Fchmod(fd, 0o400)
}
