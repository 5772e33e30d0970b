package web

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// contentSecurityPolicy lets the page load what this origin serves and nothing
// else. Pictures of canvases and saved files are the page's own.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the pages at every path that nothing else answers. It panics
// if the program was built wrongly.
func Handler() http.Handler {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant
	}
	h, err := newHandler(built)
	if err != nil {
		panic(err) // what was embedded can be read
	}
	return h
}

// handler serves files from memory.
type handler struct{ files map[string]*file }

func newHandler(built fs.FS) (*handler, error) {
	files, err := readFiles(built)
	if err != nil {
		return nil, err
	}
	return &handler{files: files}, nil
}

// ServeHTTP answers with a file, with the page where the path names none, or
// with 404 where a file is asked for that is not there.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "pages can only be read: use GET", http.StatusMethodNotAllowed)
		return
	}
	f := h.files[r.URL.Path]
	if f == nil && (path.Ext(r.URL.Path) != "" || strings.HasPrefix(r.URL.Path, "/assets/")) {
		http.Error(w, "there is no such file; after an update of the collector, load the page anew", http.StatusNotFound)
		return
	}
	if f == nil {
		f = h.files[indexPath]
	}
	header := w.Header()
	header.Set("Content-Security-Policy", contentSecurityPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	// Addresses say what the reader looks at.
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-cache")
	if f.immutable {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("Content-Type", f.contentType)
	header.Add("Vary", "Accept-Encoding")
	body, encoding := f.as(r.Header.Get("Accept-Encoding"))
	etag := f.etag
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
		etag = strings.TrimSuffix(etag, `"`) + "-" + encoding + `"`
	}
	header.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, body)
}
