package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sys/unix"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
)

// locked is a Python program with the locked set of its packages, in the tree.
type locked struct{ program, lock string }

var (
	lockedDBT = locked{"dbt", "dbt/requirements.lock"}
	// lockedChecks are the programs that check what is not Go: beside cfn-lint
	// its environment has moto, zizmor, podman-compose and sqlfluff.
	lockedChecks = locked{"cfn-lint", "deploy/tools/requirements.lock"}
	// lockedClients is what the Python client is generated with and needs.
	lockedClients = locked{"python-grpc-tools-protoc", "deploy/clients/python/requirements.lock"}
)

// installed is where what a run needs has been put.
type installed struct {
	// Library is the ClickHouse engine.
	Library string
	// Jars is the folder of Apache Kafka; "" with the embedded broker.
	Jars string
	// DBT is the dbt program.
	DBT string
}

// install gets what a run needs and the user's cache does not hold, telling on
// out how far it is.
func install(ctx context.Context, kafka string, out io.Writer) (installed, error) {
	var got installed
	var err error
	bar := newBar(out, "ClickHouse engine", true)
	if got.Library, err = clickhouselocal.Ensure(ctx, bar.bytes); err != nil {
		return got, err
	}
	bar.done()
	if kafka == "apache" {
		if got.Jars, err = kafkalocal.EnsureApache(ctx, out); err != nil {
			return got, err
		}
	}
	got.DBT, err = lockedDBT.ensure(ctx, ".", out)
	return got, err
}

// cacheDir is the user's folder for large downloads.
func cacheDir() (string, error) {
	if dir := os.Getenv("GANTRY_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder: %w: set GANTRY_CACHE=dir", err)
	}
	return filepath.Join(dir, "gantry"), nil
}

// ensure returns the program, of a virtual environment that holds exactly the
// packages of its lock file below root. It is made once for each lock file and
// version of Python, in the user's cache.
func (l locked) ensure(ctx context.Context, root string, out io.Writer) (string, error) {
	lock := filepath.Join(root, l.lock)
	packages, err := os.ReadFile(lock)
	if err != nil {
		return "", err
	}
	python, err := exec.CommandContext(ctx, "python3", "-c", "import sys; print(sys.executable, sys.version)").Output()
	if err != nil {
		return "", fmt.Errorf("python3 does not run: %w", err)
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(append(packages, python...))
	dir := filepath.Join(cache, l.program, fmt.Sprintf("%x", key[:8]))
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	unlock, err := lockPath(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	program, complete := filepath.Join(dir, "bin", l.program), filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return program, nil
	}
	if err := checkVenv(); err != nil {
		return "", err
	}
	bar := newBar(out, l.program, false)
	if err := makeVenv(ctx, dir, lock, strings.Count(string(packages), "=="), bar); err != nil {
		return "", fmt.Errorf("install %s: %w", l.program, err)
	}
	return program, os.WriteFile(complete, nil, 0o600)
}

// lockPath waits for the lock of a file: two launchers must not make the same
// environment at once.
func lockPath(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// makeVenv makes a virtual environment in dir, in place of a broken one, and
// installs the locked packages, whose hashes pip checks.
func makeVenv(ctx context.Context, dir, lock string, packages int, bar *bar) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	bar.count(0, packages)
	defer bar.done()
	venv := exec.CommandContext(ctx, "python3", "-m", "venv", dir)
	if output, err := venv.CombinedOutput(); err != nil {
		return fmt.Errorf("python3 -m venv: %w: %s", err, lastLine(string(output)))
	}
	pip := exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), "-m", "pip", "install",
		"--no-deps", "--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check",
		"--progress-bar", "off", "-r", lock)
	var problem strings.Builder
	pip.Stderr = &problem
	lines, err := pip.StdoutPipe()
	if err != nil {
		return err
	}
	if err := pip.Start(); err != nil {
		return err
	}
	collected := 0
	for s := bufio.NewScanner(lines); s.Scan(); {
		if strings.HasPrefix(s.Text(), "Collecting ") {
			collected++
			bar.count(collected, packages)
		}
	}
	if err := pip.Wait(); err != nil {
		return fmt.Errorf("pip: %w: %s", err, lastLine(problem.String()))
	}
	return nil
}

// lastLine is the last line of s that is not empty.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// bar is a progress bar that appears with the first progress, so that what is
// installed already shows nothing. Where out is no terminal it is one line.
type bar struct {
	out     io.Writer
	name    string
	asBytes bool
	shown   *progressbar.ProgressBar
}

func newBar(out io.Writer, name string, asBytes bool) *bar {
	return &bar{out: out, name: name, asBytes: asBytes}
}

// bytes is a clickhouselocal.Progress.
func (b *bar) bytes(done, total int64) { b.set(done, total) }

func (b *bar) count(done, total int) { b.set(int64(done), int64(total)) }

func (b *bar) set(done, total int64) {
	if b.shown == nil {
		if !isTerminal(b.out) {
			_, _ = fmt.Fprintf(b.out, "installing %s (once)\n", b.name)
		}
		b.shown = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionSetVisibility(isTerminal(b.out)),
			progressbar.OptionSetDescription("installing "+b.name),
			progressbar.OptionShowBytes(b.asBytes),
			progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond),
		)
	}
	if total > 0 {
		b.shown.ChangeMax64(total)
	}
	_ = b.shown.Set64(done)
}

func (b *bar) done() {
	if b.shown != nil {
		_ = b.shown.Finish()
		_, _ = fmt.Fprintln(b.out)
	}
}
