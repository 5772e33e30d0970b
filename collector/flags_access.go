package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"github.com/gantry-dev/gantry/collector/access"
)

// AccessFlags say how callers prove who they are.
type AccessFlags struct {
	TokensFile     string            `type:"path" help:"File of hashed tokens, made by 'collector token create' and read again when it changes. Without any way to prove who one is, callers on loopback may send and view, and nobody may operate or see enforcement data."`
	HTTPHosts      []string          `name:"http-hosts" placeholder:"NAME" help:"Names, without port, that pages may reach the HTTP port by; needed on loopback behind a proxy."`
	TrustedOrigins []string          `placeholder:"URL" help:"Other sites, as https://host, whose pages may call."`
	GroupRoles     map[string]string `placeholder:"GROUP=ROLE,…" help:"Roles of the groups that a proxy or the login names, as police=enforcement;planning=planner,viewer."`

	LoginFlags

	TrustedProxy       []netip.Prefix `placeholder:"CIDR" help:"Addresses of a proxy whose headers say who calls, as 10.0.0.7/32; none by default. It must remove such headers from what comes to it."`
	TrustedProxyUser   string         `default:"X-Forwarded-User" help:"Header with the name, of --trusted-proxy."`
	TrustedProxyGroups string         `default:"X-Forwarded-Groups" help:"Header with the groups, commas between them, of --trusted-proxy."`
}

// LoginFlags let people log in by OpenID Connect.
type LoginFlags struct {
	OIDCIssuer           string        `name:"oidc-issuer" placeholder:"URL" help:"OpenID Connect provider that people log in at; none by default. Then nobody looks without login, on loopback either."`
	OIDCClientID         string        `name:"oidc-client-id" help:"The collector's client id there."`
	OIDCClientSecretFile string        `name:"oidc-client-secret-file" type:"path" help:"File with its secret; none for a public client."`
	OIDCScopes           []string      `name:"oidc-scopes" default:"profile,email,groups" help:"Scopes to ask for beside openid."`
	OIDCNameClaim        string        `name:"oidc-name-claim" default:"email" help:"Claim with a name for the audit log, beside the subject."`
	OIDCGroupsClaim      string        `name:"oidc-groups-claim" default:"groups" help:"Claim with the groups of --group-roles."`
	PublicURL            string        `name:"public-url" placeholder:"URL" help:"How browsers reach the HTTP port, as https://gantry.example; the provider must allow it with /login/callback."`
	SessionKeyFile       string        `type:"path" help:"File with the key of sessions, 32 characters or more a line, the same for all collectors; the first line seals, all are taken. Without it people are logged out when the collector stops."`
	SessionLife          time.Duration `default:"8h" help:"When to log in again."`
}

// oidc is nil without an issuer.
func (f *LoginFlags) oidc() *access.OIDCConfig {
	if f.OIDCIssuer == "" {
		return nil
	}
	cfg := access.DefaultOIDCConfig()
	cfg.Issuer, cfg.ClientID, cfg.ClientSecretFile, cfg.PublicURL = f.OIDCIssuer, f.OIDCClientID, f.OIDCClientSecretFile, f.PublicURL
	cfg.Scopes, cfg.NameClaim, cfg.GroupsClaim = f.OIDCScopes, f.OIDCNameClaim, f.OIDCGroupsClaim
	cfg.SessionKeyFile, cfg.SessionLife = f.SessionKeyFile, f.SessionLife
	return &cfg
}

func (f *AccessFlags) config() (access.Config, error) {
	cfg := access.DefaultConfig()
	cfg.TokensFile, cfg.Hosts, cfg.TrustedOrigins = f.TokensFile, f.HTTPHosts, f.TrustedOrigins
	cfg.Proxy = access.ProxyConfig{From: f.TrustedProxy, UserHeader: f.TrustedProxyUser, GroupsHeader: f.TrustedProxyGroups}
	cfg.OIDC = f.oidc()
	if public, err := url.Parse(f.PublicURL); err == nil && public.Host != "" {
		cfg.Hosts = append(cfg.Hosts, public.Hostname())
	}
	cfg.GroupRoles = map[string]access.Roles{}
	for group, names := range f.GroupRoles {
		roles, err := access.ParseRoles(names)
		if err != nil {
			return cfg, fmt.Errorf("--group-roles %s: %w", group, err)
		}
		cfg.GroupRoles[group] = roles
	}
	return cfg, nil
}

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token, print it once, and add its hash to the tokens file."`
}

type tokenCreateCmd struct {
	Name       string        `required:"" help:"What the audit log calls who uses it; unique in the file."`
	Role       []string      `required:"" help:"Roles, commas between them: agent, viewer, planner, enforcement, operator."`
	TokensFile string        `required:"" type:"path" help:"File to add the hash to; made with mode 0600 where there is none."`
	Expires    time.Duration `default:"8760h" help:"How long it is good for; 0 for ever."`
}

// Run makes the token.
func (c *tokenCreateCmd) Run(_ context.Context, _ *slog.Logger) error {
	var roles access.Roles
	for _, name := range c.Role {
		more, err := access.ParseRoles(name)
		if err != nil {
			return fmt.Errorf("--role: %w", err)
		}
		roles |= more
	}
	var expires time.Time
	if c.Expires > 0 {
		expires = time.Now().Add(c.Expires)
	}
	secret, err := access.CreateToken(c.TokensFile, c.Name, roles, expires)
	if err != nil {
		return err
	}
	fmt.Println(secret)
	return nil
}
