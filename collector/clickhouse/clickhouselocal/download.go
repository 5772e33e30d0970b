package clickhouselocal

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"time"
)

// errRefused: the server wants credentials that only npm has.
var errRefused = errors.New("download refused")

// Downloads are cut by proxies; each attempt goes on where the last one
// stopped, and only attempts without a single new byte count.
const (
	downloadAttempts = 5
	downloadPause    = time.Second
	downloadStall    = 60 * time.Second
)

// download appends to part until it is the whole of url.
func download(ctx context.Context, url, part string, progress Progress) error {
	for fruitless := 0; ; {
		before := sizeOf(part)
		err := downloadOnce(ctx, url, part, progress)
		if err == nil || errors.Is(err, errRefused) || ctx.Err() != nil {
			return err
		}
		if sizeOf(part) > before {
			fruitless = 0
		}
		if fruitless++; fruitless == downloadAttempts {
			return fmt.Errorf("download: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(downloadPause):
		}
	}
}

func downloadOnce(ctx context.Context, url, part string, progress Progress) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	have := sizeOf(part)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	switch resp.StatusCode {
	case http.StatusPartialContent:
	case http.StatusOK: // the server does not resume
		flags |= os.O_TRUNC
		have = 0
	case http.StatusRequestedRangeNotSatisfiable:
		return nil // already whole; the digest decides
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return errRefused
	default:
		return fmt.Errorf("server answered %s", resp.Status)
	}
	f, err := os.OpenFile(part, flags, 0o644)
	if err != nil {
		return err
	}
	total := have + max(resp.ContentLength, 0)
	if resp.ContentLength < 0 {
		total = 0
	}
	// A connection that is open and silent would hang for ever.
	stall := time.AfterFunc(downloadStall, cancel)
	defer stall.Stop()
	meter := &meter{done: have, total: total, progress: progress, moved: func() { stall.Reset(downloadStall) }}
	_, err = io.Copy(io.MultiWriter(f, meter), resp.Body)
	return errors.Join(err, f.Close())
}

// meter counts what is written and tells progress.
type meter struct {
	done, total int64
	progress    Progress
	moved       func()
}

func (m *meter) Write(p []byte) (int, error) {
	m.done += int64(len(p))
	m.moved()
	m.progress(m.done, m.total)
	return len(p), nil
}

func sizeOf(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// verify holds the file against npm's "sha512-…" integrity.
func verify(file, integrity string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)); got != integrity {
		return fmt.Errorf("the download's digest is %s, expected %s: somebody or something changed it on the way; try again", got, integrity)
	}
	return nil
}

// extract writes the library out of the tarball. The rename makes it appear
// whole or not at all.
func extract(tarball, lib string) error {
	f, err := os.Open(tarball)
	if err != nil {
		return err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if err == io.EOF {
			return fmt.Errorf("the package holds no %s", libName)
		}
		if err != nil {
			return err
		}
		if base := path.Base(h.Name); base == libName || base == "libchdb.dylib" {
			return writeWhole(lib, r)
		}
	}
}

// writeWhole is called under the lock, so one fixed name for the unfinished
// file will do, and what a killed process left is overwritten.
func writeWhole(dst string, r io.Reader) error {
	unfinished := dst + ".tmp"
	f, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	return os.Rename(unfinished, dst)
}
