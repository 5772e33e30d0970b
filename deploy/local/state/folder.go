package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock is the hold of one launcher on a folder. The kernel lets go of it when
// the process ends, however it ends.
type Lock struct{ file *os.File }

// Acquire makes dir, if need be, and takes its lock. A folder in use is
// refused in one sentence.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder := holderOf(f)
		_ = f.Close()
		return nil, fmt.Errorf("%s is in use by a running launcher%s: stop that one (Ctrl-C), or use another folder with STATE=dir", dir, holder)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock of %s: %w", dir, err)
	}
	// The process id is for the sentence above; the lock is the flock.
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return &Lock{file: f}, nil
}

// Release lets go of the folder.
func (l *Lock) Release() error { return l.file.Close() }

// InUse reports whether a launcher holds the folder. A folder that does not
// exist is not in use.
func InUse(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// holderOf names the process that holds the lock, as far as it is known.
func holderOf(f *os.File) string {
	data := make([]byte, 16)
	n, _ := f.ReadAt(data, 0)
	if pid := strings.TrimSpace(string(data[:n])); pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}

// FreeBytes is the space that the file system of dir has left for this user,
// in bytes. dir must exist.
func FreeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}
