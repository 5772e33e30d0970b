package clickhouselocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Times of a server's life.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second
	askEvery     = 50 * time.Millisecond
)

// portAttempts: a free port may be taken between our asking and the engine's
// listening.
const portAttempts = 3

// Server is a running child process.
type Server struct {
	// TCPAddr and HTTPAddr are the addresses that answer, host:port.
	TCPAddr, HTTPAddr string

	cmd   *exec.Cmd
	tail  *tail
	stdin io.Closer
	done  chan struct{}
	err   error // why it ended; read after done
}

// Start starts a server as a child process and returns once both ports
// answer. The child dies with this process. ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if !mainCalled.Load() {
		return nil, errors.New("clickhouselocal: Start needs clickhouselocal.Main() as the first call of main or TestMain: the server is this executable, started again")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := writeFiles(cfg); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		s, err := startOnce(ctx, cfg)
		if err == nil || attempt == portAttempts || !errors.Is(err, errAddressInUse) || !anyPortFree(cfg) {
			return s, err
		}
	}
}

var errAddressInUse = errors.New("address in use")

func anyPortFree(c Config) bool {
	return strings.HasSuffix(c.TCPAddr, ":0") || strings.HasSuffix(c.HTTPAddr, ":0")
}

func startOnce(ctx context.Context, cfg Config) (*Server, error) {
	tcpAddr, err := resolve(cfg.TCPAddr)
	if err != nil {
		return nil, err
	}
	httpAddr, err := resolve(cfg.HTTPAddr)
	if err != nil {
		return nil, err
	}
	child, err := json.Marshal(childConfig{Lib: cfg.Lib, Dir: cfg.Dir, TCPAddr: tcpAddr, HTTPAddr: httpAddr})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("clickhouselocal: %w", err)
	}
	s := &Server{TCPAddr: tcpAddr, HTTPAddr: httpAddr, tail: &tail{next: cfg.Output}, done: make(chan struct{})}
	s.cmd = exec.Command(self)
	s.cmd.Env = append(os.Environ(), marker+"="+string(child))
	s.cmd.Stdout, s.cmd.Stderr = s.tail, s.tail
	s.cmd.SysProcAttr = dieWithParent()
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("clickhouselocal: %w", err)
	}
	if err := s.launch(); err != nil {
		return nil, fmt.Errorf("clickhouselocal: start the server's process: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.await(ctx); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// launch starts the child and waits for its end on one and the same thread:
// the kernel's "die with your parent" means the thread that made the child.
func (s *Server) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = s.cmd.Wait() // what it says stands in the state, for an end without fault too
		s.err = fmt.Errorf("clickhouselocal: the server ended (%v): %s", s.cmd.ProcessState, s.tail.String())
		close(s.done)
	}()
	return <-started
}

// await returns once the server answers on both ports.
func (s *Server) await(ctx context.Context) error {
	for _, addr := range []string{s.TCPAddr, s.HTTPAddr} {
		for {
			conn, err := net.DialTimeout("tcp", addr, time.Second)
			if err == nil {
				conn.Close()
				break
			}
			select {
			case <-s.done:
				if strings.Contains(s.err.Error(), "ddress already in use") {
					return fmt.Errorf("%w: %w", errAddressInUse, s.err)
				}
				return s.err
			case <-ctx.Done():
				return fmt.Errorf("clickhouselocal: the server does not answer on %s: %w; it said: %s", addr, ctx.Err(), s.tail.String())
			case <-time.After(askEvery):
			}
		}
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why the server ended; call it after Done is closed.
func (s *Server) Err() error {
	<-s.done
	return s.err
}

// PID is the process of the server, for faults on purpose and for messages.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop ends the server by SIGTERM, after ten seconds by SIGKILL, and returns
// when it is gone.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // fails when it is gone already
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		s.Kill()
	}
}

// Kill ends the server at once, as a crash would, and returns when it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // as Stop
	<-s.done
}

// resolve replaces port 0 by a free port.
func resolve(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("clickhouselocal: address %q: %w", addr, err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", fmt.Errorf("clickhouselocal: port %s of %s cannot be had: %w; choose another", port, host, err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// tailBytes bounds what is kept of a server's output.
const tailBytes = 4 << 10

// tail keeps the last bytes written and hands all on to next, if any.
type tail struct {
	next io.Writer
	mu   sync.Mutex
	buf  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - tailBytes; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	if t.next != nil {
		_, _ = t.next.Write(p) // its failure must not end the server
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.buf))
}
