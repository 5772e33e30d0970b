package kafkalocal

import (
	"context"
	_ "embed" // the pom
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ApacheVersion is the release of Apache Kafka that RunApache runs.
const ApacheVersion = "4.4.0"

// program is one that Maven fetches: name is its folder in the cache and count
// how many jars it needs; with fewer, the copy was cut short.
type program struct {
	name, title string
	pom         []byte
	count       int
}

//go:embed pom.xml
var brokerPom []byte

//go:embed connect.xml
var connectPom []byte

var (
	broker        = program{"libs", "Apache Kafka", brokerPom, 44}
	connectWorker = program{"connect", "Kafka Connect", connectPom, 55}
)

// EnsureApache returns the folder of Apache Kafka's jars. It fetches them on
// first use, with Maven and its checksums, into GANTRY_CACHE or the user's
// cache folder, and writes one line of progress to progress then.
func EnsureApache(ctx context.Context, progress io.Writer) (string, error) {
	return broker.ensure(ctx, progress)
}

// EnsureConnect is the same of a worker of Kafka Connect.
func EnsureConnect(ctx context.Context, progress io.Writer) (string, error) {
	return connectWorker.ensure(ctx, progress)
}

func (p program) ensure(ctx context.Context, progress io.Writer) (string, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return "", errors.New("the real Apache Kafka needs Java 17 or newer, and there is no java command: install a JRE, or run without KAFKA=apache")
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	libs := filepath.Join(cache, "kafka", ApacheVersion, p.name)
	if countJars(libs) >= p.count {
		return libs, nil
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "", errors.New("fetching Apache Kafka needs Maven, and there is no mvn command: install it, or run without KAFKA=apache")
	}
	_, _ = fmt.Fprintf(progress, "fetching %s %s (some 40 MB, once) into %s\n", p.title, ApacheVersion, libs)
	return libs, p.fetch(ctx, libs)
}

// fetch copies into a folder of its own and renames it, so that a copy cut
// short, or two at once, leave no half folder behind.
func (p program) fetch(ctx context.Context, libs string) error {
	parent := filepath.Dir(libs)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	work, err := os.MkdirTemp(parent, "fetch-")
	if err != nil {
		return fmt.Errorf("make a folder in the cache: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), p.pom, 0o600); err != nil {
		return fmt.Errorf("write the pom: %w", err)
	}
	fresh := filepath.Join(work, "libs")
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(work, "pom.xml"),
		"dependency:copy-dependencies", "-DoutputDirectory="+fresh)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn could not fetch %s %s (%w); its last words: %s", p.title, ApacheVersion, err, tail(out, 400))
	}
	if n := countJars(fresh); n < p.count {
		return fmt.Errorf("mvn fetched %d jars of %s %s, %d are needed: try again", n, p.title, ApacheVersion, p.count)
	}
	_ = os.RemoveAll(libs) // what is there is incomplete
	if err := os.Rename(fresh, libs); err != nil && countJars(libs) < p.count {
		return fmt.Errorf("move the jars into place: %w", err)
	}
	return nil
}

func countJars(dir string) int {
	jars, _ := filepath.Glob(filepath.Join(dir, "*.jar"))
	return len(jars)
}

func cacheDir() (string, error) {
	if dir := os.Getenv("GANTRY_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for downloads: %w; set GANTRY_CACHE", err)
	}
	return filepath.Join(dir, "gantry"), nil
}

func tail(b []byte, n int) string {
	s := strings.TrimSpace(string(b))
	if len(s) > n {
		s = "…" + s[len(s)-n:]
	}
	return s
}
