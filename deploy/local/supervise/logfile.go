package supervise

import (
	"bytes"
	"errors"
	"os"
	"sync"
)

// tailBytes is how much of the latest output is kept for error sentences.
const tailBytes = 4 << 10

// logFile is a log of bounded size: at limit bytes it becomes NAME.1, in place
// of the one before. It is safe for concurrent use.
type logFile struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
	tail []byte
}

func openLog(path string, limit int64) (*logFile, error) {
	l := &logFile{path: path, limit: limit}
	return l, l.open()
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// Write appends p. An error of the disk must not stop the process whose
// output this is, so it reports success and drops the bytes.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, p...)
	if over := len(l.tail) - tailBytes; over > 0 {
		l.tail = append(l.tail[:0], l.tail[over:]...)
	}
	if l.file != nil && l.size > 0 && l.size+int64(len(p)) > l.limit {
		l.rotate()
	}
	if l.file != nil {
		n, _ := l.file.Write(p)
		l.size += int64(n)
	}
	return len(p), nil
}

func (l *logFile) rotate() {
	_ = l.file.Close()
	l.file = nil
	if os.Rename(l.path, l.path+".1") == nil {
		_ = l.open()
	}
}

// lastLines returns the last n lines of output, without empty ones.
func (l *logFile) lastLines(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var kept [][]byte
	for line := range bytes.Lines(l.tail) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			kept = append(kept, line)
		}
	}
	return string(bytes.Join(kept[max(0, len(kept)-n):], []byte("\n")))
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}
