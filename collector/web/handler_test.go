package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

const script = "console.log('a script')"

// built is a folder as Vite leaves it: one script with both compressed forms.
func built(t *testing.T) fstest.MapFS {
	t.Helper()
	var zipped strings.Builder
	w := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(w, script)
	_ = w.Close()
	return fstest.MapFS{
		"index.html":                {Data: []byte("<p>the page")},
		"gantry.svg":                {Data: []byte("<svg/>")},
		"sw.js":                     {Data: []byte(script)},
		"assets/index-A1b2.js":      {Data: []byte(script)},
		"assets/index-A1b2.js.gz":   {Data: []byte(zipped.String())},
		"assets/index-A1b2.js.br":   {Data: []byte("as brotli")},
		"assets/picture-C3d4.bin":   {Data: []byte{1}},
		"assets/style-E5f6.css":     {Data: []byte("p{}")},
		"assets/style-E5f6.css.map": {Data: []byte("{}")},
	}
}

func ask(t *testing.T, h http.Handler, method, path, encoding string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPaths(t *testing.T) {
	h, err := newHandler(built(t))
	if err != nil {
		t.Fatal(err)
	}
	const forever, anew = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct {
		method, path string
		status       int
		kind, cache  string
		body         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", anew, "<p>the page"},
		{"GET", "/corridor", 200, "text/html; charset=utf-8", anew, "<p>the page"},
		{"GET", "/a/b/c", 200, "text/html; charset=utf-8", anew, "<p>the page"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", anew, ""},
		{"GET", "/gantry.svg", 200, "image/svg+xml", anew, "<svg/>"},
		{"GET", "/sw.js", 200, "text/javascript; charset=utf-8", anew, script}, // or no new build would ever be noticed
		{"GET", "/assets/index-A1b2.js", 200, "text/javascript; charset=utf-8", forever, script},
		{"GET", "/assets/style-E5f6.css", 200, "text/css; charset=utf-8", forever, "p{}"},
		{"GET", "/assets/index-OLD.js", 404, "text/plain; charset=utf-8", "", ""},
		{"GET", "/assets/none", 404, "text/plain; charset=utf-8", "", ""},
		{"GET", "/robots.txt", 404, "text/plain; charset=utf-8", "", ""},
		{"POST", "/", 405, "text/plain; charset=utf-8", "", ""},
	} {
		r := ask(t, h, c.method, c.path, "")
		if r.Code != c.status || r.Header().Get("Content-Type") != c.kind || r.Header().Get("Cache-Control") != c.cache {
			t.Errorf("%s %s: %d, %s, %s", c.method, c.path, r.Code, r.Header().Get("Content-Type"), r.Header().Get("Cache-Control"))
		}
		if got := r.Body.String(); c.status == 200 && got != c.body {
			t.Errorf("%s %s: %q", c.method, c.path, got)
		}
		if csp := r.Header().Get("Content-Security-Policy"); c.status == 200 && (csp == "" || !strings.Contains(csp, "worker-src 'self'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http")) {
			t.Errorf("%s %s: policy %q", c.method, c.path, csp)
		}
	}
}

func TestEncodings(t *testing.T) {
	h, err := newHandler(built(t))
	if err != nil {
		t.Fatal(err)
	}
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "gzip, deflate, br, zstd": "br", "br;q=0, gzip": "gzip", "br;q=0.000, gzip;q=0": "",
		"br;q=0.5": "br", "GZIP": "gzip", "deflate": "", "x-br": "",
	} {
		r := ask(t, h, "GET", "/assets/index-A1b2.js", accept)
		if got := r.Header().Get("Content-Encoding"); got != want || r.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: %q, Vary %q, want %q", accept, got, r.Header().Get("Vary"), want)
		}
	}
	if r := ask(t, h, "GET", "/assets/picture-C3d4.bin", "br"); r.Header().Get("Content-Encoding") != "" {
		t.Error("a file without a compressed form is served as one")
	}
}

func TestUnchangedIsNotSentAgain(t *testing.T) {
	h, err := newHandler(built(t))
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]bool{}
	for _, encoding := range []string{"", "gzip", "br"} {
		etag := ask(t, h, "GET", "/assets/index-A1b2.js", encoding).Header().Get("ETag")
		tags[etag] = true
		r := httptest.NewRequest(http.MethodGet, "/assets/index-A1b2.js", nil)
		r.Header.Set("Accept-Encoding", encoding)
		r.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusNotModified {
			t.Errorf("%q: %d", encoding, w.Code)
		}
	}
	if len(tags) != 3 {
		t.Errorf("forms share tags: %v", tags)
	}
}

// TestPlaceholder: a program built without Node says how to get the pages.
func TestPlaceholder(t *testing.T) {
	h, err := newHandler(fstest.MapFS{"README.txt": {Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	r := ask(t, h, "GET", "/now", "br")
	if got := r.Body.String(); r.Code != http.StatusOK || !strings.Contains(got, "make run") || !strings.Contains(got, "Node.js") {
		t.Errorf("%d %s", r.Code, got)
	}
}

// TestEmbedded: whatever was embedded can be served.
func TestEmbedded(t *testing.T) {
	if r := ask(t, Handler(), "GET", "/", ""); r.Code != http.StatusOK {
		t.Errorf("%d", r.Code)
	}
}
