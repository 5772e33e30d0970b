package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
)

// root is the project's folder, pagesDir the one of the pages, from here.
const (
	root     = "../../.."
	pagesDir = root + "/collector/web"
)

func TestMain(m *testing.M) {
	clickhouselocal.Main()
	os.Exit(m.Run())
}

// TestPages goes through every page in Chromium.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the pages and the models, minutes")
	}
	buildPages(t)
	t.Run("budget", budget)
	s := start(t, data{days: 5, plantGap: true}) // four whole workdays are the least that verdicts rest on
	s.playwright(t, "--grep-invert", "@picture|@paint")
}

// TestScreenshots draws the pages into the README's folder of pictures. It is
// no test: make screenshots runs it.
func TestScreenshots(t *testing.T) {
	if os.Getenv("GANTRY_SCREENSHOTS") == "" {
		t.Skip("draws pictures: make screenshots")
	}
	buildPages(t)
	s := start(t, data{days: 12})
	s.playwright(t, "--grep", "@picture")
}

// buildPages installs what is locked and builds what is embedded.
func buildPages(t *testing.T) {
	t.Helper()
	npm(t, "ci", "--no-audit", "--no-fund")
	npm(t, "test")
	npm(t, "run", "build")
}

func npm(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "npm", args...)
	cmd.Dir = pagesDir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm %v: %v\n%s", args, err, out)
	}
}

// maxMainBundle is what the browser fetches before a page is its own, gzip'd.
const maxMainBundle = 90_000

var fetchedAtOnce = regexp.MustCompile(`(?:src|href)="/(assets/[^"]+\.(?:js|css))"`)

// budget weighs what the page itself names: its script, what that imports at
// once, and the style sheet.
func budget(t *testing.T) {
	index, err := os.ReadFile(filepath.Join(pagesDir, "dist", "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	names := fetchedAtOnce.FindAllSubmatch(index, -1)
	if len(names) < 2 {
		t.Fatalf("a script and a style sheet are expected in %s", index)
	}
	total := 0
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(pagesDir, "dist", string(name[1])))
		if err != nil {
			t.Fatal(err)
		}
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, _ = io.Copy(w, bytes.NewReader(text))
		_ = w.Close()
		t.Logf("%s: %d bytes gzip'd", name[1], zipped.Len())
		total += zipped.Len()
	}
	if total > maxMainBundle {
		t.Errorf("the main bundle has %d bytes gzip'd, %d are allowed", total, maxMainBundle)
	}
}
