package access

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says how callers prove who they are. Take DefaultConfig and change
// what differs.
type Config struct {
	// TokensFile holds hashed tokens; empty for none.
	TokensFile string
	// Proxy is the trusted proxy, if any.
	Proxy ProxyConfig
	// OIDC is the login of people; nil turns it off.
	OIDC *OIDCConfig
	// GroupRoles gives the roles of a group, as a proxy's header or an OIDC
	// claim names it.
	GroupRoles map[string]Roles
	// Hosts are the names, without port, that pages may reach the HTTP port
	// by. On loopback the machine's own names always work, and others only
	// from this list; elsewhere an empty list lets any name pass.
	Hosts []string
	// TrustedOrigins are further sites, as https://host, whose pages may call.
	TrustedOrigins []string
	// Audit takes every look at single vehicles; nil refuses them all.
	Audit AuditLog
	// AuditTimeout bounds the wait for Audit.
	AuditTimeout time.Duration
	// MaxPurposeBytes bounds a purpose.
	MaxPurposeBytes int
	// Log takes what the package has to say; nil takes the default logger.
	Log *slog.Logger
	// Metrics takes the package's metrics; nil for none.
	Metrics prometheus.Registerer
	// Now is the clock; nil takes time.Now.
	Now func() time.Time
}

// DefaultConfig has the limits and no way in but standing on this machine.
func DefaultConfig() Config {
	return Config{AuditTimeout: 5 * time.Second, MaxPurposeBytes: 256}
}

// ProxyConfig trusts a proxy that has people log in and says who they are in
// headers. It must remove such headers from what comes to it.
type ProxyConfig struct {
	// From are the proxy's addresses; none turns it off.
	From []netip.Prefix
	// UserHeader holds the name, GroupsHeader groups with commas between them.
	UserHeader, GroupsHeader string
}
