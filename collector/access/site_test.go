package access

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const liveStations = "/gantry.v1.QueryService/ListLiveStations"

// ask sends one request to a guarded server in memory; headers are pairs.
func ask(g *Guard, method, host string, headers ...string) int {
	r := httptest.NewRequest(method, liveStations, nil)
	r.Host, r.RemoteAddr = host, "127.0.0.1:50000"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.Admit(r.Context(), liveStations, nil); err != nil {
			http.Error(w, err.Error(), httpStatus(err))
		}
	})).ServeHTTP(w, r)
	return w.Code
}

// TestForeignHost: a page whose name was rebound to 127.0.0.1 names itself.
func TestForeignHost(t *testing.T) {
	cfg := testConfig(t, nil)
	local := openAccess(t, cfg).Guard(onLoopback)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "LOCALHOST": 200,
		"evil.example": 403, "evil.example:8080": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "10.0.0.1": 403, "": 403,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := ask(local, method, host); got != want {
				t.Errorf("%s, Host %q: %d, want %d", method, host, got, want)
			}
		}
	}
	cfg.Hosts = []string{"gantry.example"}
	for _, c := range []struct {
		address *net.TCPAddr
		host    string
		want    int
	}{
		{onLoopback, "gantry.example:443", 200}, {onLoopback, "localhost", 200}, {onLoopback, "evil.example", 403},
		{open, "gantry.example", 401}, {open, "evil.example", 403}, {open, "localhost", 403},
	} {
		if got := ask(openAccess(t, cfg).Guard(c.address), http.MethodPost, c.host); got != c.want {
			t.Errorf("%v, Host %q: %d, want %d", c.address, c.host, got, c.want)
		}
	}
}

// TestForeignOrigin: another site's page calls with the browser's standing.
func TestForeignOrigin(t *testing.T) {
	cfg := testConfig(t, nil)
	cfg.TrustedOrigins = []string{"http://localhost:5173"}
	g := openAccess(t, cfg).Guard(onLoopback)
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"no browser", nil, 200},
		{"own page", []string{"Origin", "http://localhost:8080", "Sec-Fetch-Site", "same-origin"}, 200},
		{"own page, old browser", []string{"Origin", "http://localhost:8080"}, 200},
		{"trusted page", []string{"Origin", "http://localhost:5173", "Sec-Fetch-Site", "same-site"}, 200},
		{"foreign page", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"foreign page, old browser", []string{"Origin", "https://evil.example"}, 403},
		{"page on another port", []string{"Origin", "http://localhost:9999", "Sec-Fetch-Site", "same-site"}, 403},
		{"sandboxed page", []string{"Origin", "null"}, 403},
		{"nonsense", []string{"Origin", "://"}, 403},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if got := ask(g, method, "localhost:8080", c.headers...); got != c.want {
				t.Errorf("%s, %s: %d, want %d", c.name, method, got, c.want)
			}
		}
	}
	if got := ask(g, http.MethodPost, "localhost:8080", "Sec-Fetch-Site", "cross-site"); got != 403 {
		t.Errorf("a form of another site: %d", got)
	}
	if got := ask(g, http.MethodGet, "localhost:8080", "Sec-Fetch-Site", "cross-site"); got != 200 {
		t.Errorf("a link on another site: %d", got)
	}
	cfg.TrustedOrigins = []string{"localhost"}
	if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "https://host") {
		t.Errorf("an origin that is none: %v", err)
	}
}

// TestPlainHandlerWithoutGuardIsShut: a route that was mounted past Handler
// must not open.
func TestPlainHandlerWithoutGuardIsShut(t *testing.T) {
	g := openAccess(t, testConfig(t, nil)).Guard(onLoopback)
	if err := g.Admit(t.Context(), liveStations, nil); httpStatus(err) != http.StatusInternalServerError {
		t.Errorf("got %v", err)
	}
}
