package clickhouselocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Progress hears how far a download is, in bytes; total is 0 while unknown.
type Progress func(done, total int64)

// libName is the library's name in the cache and in the package.
const libName = "libchdb.so"

// Ensure returns the path of the engine's library, downloading it first when
// the user's cache does not hold it: once, 178 MB, resumed where a download
// before was cut. progress may be nil.
func Ensure(ctx context.Context, progress Progress) (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	lib := filepath.Join(dir, libName)
	if _, err := os.Stat(lib); err == nil {
		return lib, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("clickhouselocal: folder for the engine: %w; set GANTRY_CACHE to one that can be written", err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(lib); err == nil {
		return lib, nil // another process was faster
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	if err := install(ctx, dir, lib, progress); err != nil {
		return "", fmt.Errorf("clickhouselocal: get the ClickHouse engine (%s): %w; or put %s there yourself", engineVersion, err, lib)
	}
	return lib, nil
}

func install(ctx context.Context, dir, lib string, progress Progress) error {
	pkg, err := thisPlatform()
	if err != nil {
		return err
	}
	dist, err := npmView(ctx, pkg.name+"@"+engineVersion)
	if err != nil {
		return err
	}
	want := pkg.integrity
	if want == "" {
		want = dist.Integrity
	}
	part := filepath.Join(dir, "engine.tgz.part")
	err = download(ctx, dist.Tarball, part, progress)
	if errors.Is(err, errRefused) {
		// npm knows credentials and proxies that plain HTTP does not.
		err = npmPack(ctx, pkg.name+"@"+engineVersion, dir, part)
	}
	if err != nil {
		return err
	}
	if err := verify(part, want); err != nil {
		// A wrong file would be resumed and fail for ever.
		return errors.Join(err, os.Remove(part))
	}
	if err := extract(part, lib); err != nil {
		return err
	}
	return os.Remove(part)
}

// npmDist is where npm's configured registry keeps a package.
type npmDist struct {
	Tarball   string `json:"dist.tarball"`
	Integrity string `json:"dist.integrity"`
}

func npmView(ctx context.Context, spec string) (npmDist, error) {
	var d npmDist
	out, err := npm(ctx, "", "view", "--json", spec, "dist.tarball", "dist.integrity")
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(out, &d); err != nil {
		return d, fmt.Errorf("answer of npm view %s: %w", spec, err)
	}
	if d.Tarball == "" {
		return d, fmt.Errorf("npm's registry serves no %s", spec)
	}
	return d, nil
}

func npmPack(ctx context.Context, spec, dir, dst string) error {
	tmp, err := os.MkdirTemp(dir, "pack")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if _, err := npm(ctx, tmp, "pack", "--silent", spec); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("npm pack %s left %d files, want one", spec, len(found))
	}
	return os.Rename(found[0], dst)
}

func npm(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("npm is not installed, and it knows where packages come from: install Node 20 or newer")
	}
	if err != nil {
		return nil, fmt.Errorf("npm %s: %w: %s", args[0], err, lastLine(stderrOf(err)))
	}
	return out, nil
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// lock takes the file's lock, waiting for another process that has it. The
// kernel frees it when the holder dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("clickhouselocal: lock: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("clickhouselocal: lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("clickhouselocal: waiting for another process to download the engine: %w", ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
