package clickhouselocal

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tarball is a package as npm serves it, with that library in it.
func tarball(t *testing.T, library string) (file []byte, integrity string) {
	t.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	w := tar.NewWriter(zip)
	for name, text := range map[string]string{"package/package.json": "{}", "package/" + libName: library} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	digest := sha512.Sum512(buf.Bytes())
	return buf.Bytes(), "sha512-" + base64.StdEncoding.EncodeToString(digest[:])
}

// cutting serves the file and cuts each answer after so many bytes.
func cutting(t *testing.T, file []byte, after int) (url string, requests *atomic.Int32) {
	t.Helper()
	requests = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.ServeContent(&cutWriter{ResponseWriter: w, left: after}, r, "engine.tgz", mtime, bytes.NewReader(file))
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func TestDownloadResumes(t *testing.T) {
	file, integrity := tarball(t, strings.Repeat("a library", 100_000)+t.Name())
	url, requests := cutting(t, file, len(file)/3+1)
	part := filepath.Join(t.TempDir(), "part")
	var told int64
	err := download(t.Context(), url, part, func(done, total int64) {
		if done < told || total != int64(len(file)) {
			t.Errorf("progress went from %d to %d of %d", told, done, total)
		}
		told = done
	})
	if err := errors.Join(err, verify(part, integrity)); err != nil {
		t.Fatal(err)
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests, want 3 that each go on where the last stopped", n)
	}
	if err := download(t.Context(), url, part, func(int64, int64) {}); err != nil {
		t.Error("a whole file is not downloaded:", err)
	}
}

func TestDownloadRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer server.Close()
	if err := download(t.Context(), server.URL, filepath.Join(t.TempDir(), "part"), func(int64, int64) {}); !errors.Is(err, errRefused) {
		t.Errorf("%v, want %v, for npm to be asked", err, errRefused)
	}
}

func TestVerify(t *testing.T) {
	file, _ := tarball(t, "a library")
	_, other := tarball(t, "another")
	part := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(part, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verify(part, other); err == nil {
		t.Error("another file passed")
	}
}

func TestExtract(t *testing.T) {
	file, _ := tarball(t, "a library")
	dir := t.TempDir()
	part, lib := filepath.Join(dir, "part"), filepath.Join(dir, libName)
	if err := os.WriteFile(part, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := extract(part, lib); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(lib); err != nil || string(text) != "a library" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.WriteFile(part, file[:len(file)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := extract(part, lib+"2"); err == nil {
		t.Error("half a package was unpacked")
	}
	if left, err := filepath.Glob(filepath.Join(dir, libName+"*")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var inside, most atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			unlock, err := lock(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			most.Store(max(most.Load(), inside.Add(1)))
			inside.Add(-1)
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d held the lock at once", most.Load())
	}
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lock(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
