package transport

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// every is how old what was read may get before the files are looked at again.
const every = time.Second

// maxFileBytes bounds a file.
const maxFileBytes = 1 << 20

// Fresh is a value made of files, made again when their content changes.
type Fresh[T any] struct {
	paths []string
	parse func(contents [][]byte) (T, error)
	log   *slog.Logger
	now   func() time.Time

	mu       sync.Mutex
	looked   time.Time
	contents [][]byte
	value    T
	problem  string // what was logged last
}

// NewFresh reads the files and makes the value; now is the clock.
func NewFresh[T any](log *slog.Logger, now func() time.Time, parse func(contents [][]byte) (T, error), paths ...string) (*Fresh[T], error) {
	f := &Fresh[T]{paths: paths, parse: parse, log: log, now: now}
	contents, err := readAll(paths)
	if err != nil {
		return nil, err
	}
	if f.value, err = parse(contents); err != nil {
		return nil, err
	}
	f.contents, f.looked = contents, now()
	return f, nil
}

// Get gives the value of what the files say now, or a second ago; when that
// cannot be read, of what they said last.
//
// It compares contents, not times of change, which have coarse ticks.
// fsnotify was not taken: it needs a goroutine, and misses files that are
// swapped by symlink, as orchestrators do with secrets.
func (f *Fresh[T]) Get() T {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.looked) < every {
		return f.value
	}
	f.looked = now
	contents, err := readAll(f.paths)
	if err == nil && same(contents, f.contents) {
		f.problem = ""
		return f.value
	}
	var value T
	if err == nil {
		value, err = f.parse(contents)
	}
	if err != nil {
		if f.problem != err.Error() { // once, not once a second
			f.log.Error("files changed and cannot be used; what was read before stays in force", "files", f.paths, "error", err)
		}
		f.problem = err.Error()
		return f.value
	}
	f.problem, f.contents, f.value = "", contents, value
	f.log.Info("files changed and were read again", "files", f.paths)
	return f.value
}

func readAll(paths []string) ([][]byte, error) {
	contents := make([][]byte, len(paths))
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxFileBytes {
			return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxFileBytes)
		}
		if contents[i], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

func same(a, b [][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
