//go:build linux

package standin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/clickhouse/clickhousetest"
)

const (
	root = "../../.."
	// programsVariable tells the process inside where the programs are.
	programsVariable = "GANTRY_STANDIN_PROGRAMS"
	// refusedVariable tells it why there is no inside.
	refusedVariable = "GANTRY_STANDIN_REFUSED"
)

// TestMain runs the tests in a network namespace of their own.
func TestMain(m *testing.M) {
	clickhouselocal.Main() // when it was started to be ClickHouse
	if os.Getenv(programsVariable) == "" && os.Getenv(refusedVariable) == "" {
		code, err := isolate()
		if err != nil {
			fmt.Fprintln(os.Stderr, "standin:", err)
		}
		os.Exit(code)
	}
	if os.Getenv(refusedVariable) == "" {
		if err := bringUp(); err != nil {
			fmt.Fprintln(os.Stderr, "standin:", err)
			os.Exit(1)
		}
	}
	clickhousetest.Main(m)
}

// isolate prepares what needs the network outside, and runs this executable
// again inside a new one.
func isolate() (code int, err error) {
	if _, err := clickhouselocal.Ensure(context.Background(), nil); err != nil {
		return 1, fmt.Errorf("the embedded ClickHouse: %w", err)
	}
	programs, err := build()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(programs)) }()
	inside := again(programsVariable + "=" + programs)
	inside.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	if os.Geteuid() != 0 {
		inside.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		inside.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		inside.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	err = inside.Start()
	if err != nil && os.Geteuid() != 0 {
		// Where users may not make namespaces, the tests say so and are skipped.
		inside = again(refusedVariable + "=" + err.Error())
		err = inside.Start()
	}
	if err != nil {
		return 1, fmt.Errorf("run the tests in a network namespace: %w", err)
	}
	_ = inside.Wait() // its exit code says it
	return inside.ProcessState.ExitCode(), nil
}

// again is this process once more, with a variable.
func again(variable string) *exec.Cmd {
	runtime.LockOSThread() // the child dies with the thread that started it
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), variable)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// build makes the programs that tasks run, in a folder that any user may read.
func build() (string, error) {
	dir, err := os.MkdirTemp("", "gantry-standin-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./gantry-agent", "./collector", "./deploy/verify")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return dir, os.Chmod(dir, 0o755) // the template's user runs them
}
