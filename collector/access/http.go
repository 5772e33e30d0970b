package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
)

// Handler finds out who calls, for what stands behind it to ask Admit or
// CallerFrom, and turns away what a page of another site sends: a browser
// would send the cookie along, and stands on this machine.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.knowsHost(r.Host) {
			http.Error(w, "this listener does not answer for that name: use http://localhost, or give the collector the name with --http-hosts", http.StatusForbidden)
			return
		}
		if err := g.sameSite(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		p := proof{header: r.Header.Values, tls: r.TLS}
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			p.peer = from.Addr().Unmap()
		}
		if g.login != nil {
			p.session = func() (Caller, bool) { return g.login.session(r) }
		}
		next.ServeHTTP(w, r.WithContext(g.enter(r.Context(), p)))
	})
}

// httpStatus is the status of plain HTTP that says the same as a RefusedError.
func httpStatus(err error) int {
	switch codeOf(err) {
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.InvalidArgument:
		return http.StatusBadRequest
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// crossOrigin is the standard library's protection of what changes something.
func crossOrigin(trusted []string) (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := p.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trusted origin %q: write it as https://host or https://host:port (%w)", origin, err)
		}
	}
	return p, nil
}

// sameSite refuses requests of another site's page. The library lets reads
// pass, for a page cannot see their answer; here whoever names an Origin that
// is another has no business at all.
func (g *Guard) sameSite(r *http.Request) error {
	check := r
	if origin := r.Header.Get("Origin"); origin != "" && isRead(r.Method) {
		o, err := url.Parse(origin)
		if err == nil && strings.EqualFold(o.Host, r.Host) {
			return nil
		}
		check = r.Clone(r.Context()) // judged as if it changed something
		check.Method = http.MethodPost
	}
	if err := g.origins.Check(check); err != nil {
		return fmt.Errorf("a page of another site sent this (%w): open the collector's own address", err)
	}
	return nil
}

// knowsHost tells whether a Host is one of ours. A page from elsewhere whose
// name was rebound to this address names itself.
func (g *Guard) knowsHost(host string) bool {
	if g.here && isLocalName(host) {
		return true
	}
	if len(g.cfg.Hosts) == 0 {
		return !g.here
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return slices.ContainsFunc(g.cfg.Hosts, func(known string) bool { return strings.EqualFold(known, host) })
}

func isRead(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// isLocalName tells whether a Host names this machine.
func isLocalName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
