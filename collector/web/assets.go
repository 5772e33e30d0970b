package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var dist embed.FS

//go:embed placeholder.html
var placeholder []byte

// indexPath is the page that all addresses are answered with.
const indexPath = "/index.html"

// file is a built file with its compressed forms; those that do not exist are
// nil.
type file struct {
	plain, gzip, brotli []byte
	contentType         string
	etag                string
	// immutable files have a hash of their bytes in their name.
	immutable bool
}

// readFiles reads a folder of built files, by the path they are served at.
func readFiles(built fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(built, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".br") {
			return err
		}
		plain, err := fs.ReadFile(built, name)
		if err != nil {
			return err
		}
		f := newFile(name, plain)
		// Where there is no compressed form, none is served.
		f.gzip, _ = fs.ReadFile(built, name+".gz")
		f.brotli, _ = fs.ReadFile(built, name+".br")
		files["/"+name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the built pages: %w", err)
	}
	if files[indexPath] == nil {
		files[indexPath] = newFile(indexPath, placeholder)
	}
	return files, nil
}

func newFile(name string, plain []byte) *file {
	sum := sha256.Sum256(plain)
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) {
	case ".js": // some machines' registries say otherwise, and browsers refuse it then
		kind = "text/javascript; charset=utf-8"
	case ".html":
		kind = "text/html; charset=utf-8"
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	return &file{
		plain:       plain,
		contentType: kind,
		etag:        `"` + hex.EncodeToString(sum[:12]) + `"`,
		immutable:   strings.HasPrefix(strings.TrimPrefix(name, "/"), "assets/"),
	}
}

// as gives the file in the best form that the browser takes, and the name of
// that form.
func (f *file) as(acceptEncoding string) (body *bytes.Reader, encoding string) {
	switch {
	case f.brotli != nil && accepts(acceptEncoding, "br"):
		return bytes.NewReader(f.brotli), "br"
	case f.gzip != nil && accepts(acceptEncoding, "gzip"):
		return bytes.NewReader(f.gzip), "gzip"
	}
	return bytes.NewReader(f.plain), ""
}

// accepts reads Accept-Encoding: an encoding counts if it is named, and not
// with a weight of zero.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		return err != nil || q > 0
	}
	return false
}
