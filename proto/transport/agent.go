package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
)

// AgentURI is the subject alternative name that makes a certificate an
// agent's: gantry://agent/ID. The id * stands for every agent, for fleets
// whose replicas share one certificate.
func AgentURI(id string) *url.URL {
	return &url.URL{Scheme: "gantry", Host: "agent", Path: "/" + id}
}

// agentNames lists the agents that a certificate names, by URI and DNS name.
func agentNames(cert *x509.Certificate) []string {
	var names []string
	for _, u := range cert.URIs {
		if u.Scheme == "gantry" && u.Host == "agent" && len(u.Path) > 1 {
			names = append(names, u.Path[1:])
		}
	}
	return append(names, cert.DNSNames...)
}

// verified gives the client's certificate; nil without one that was verified.
func verified(state *tls.ConnectionState) *x509.Certificate {
	if state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	return state.VerifiedChains[0][0]
}

// AgentName gives the first agent that the client's verified certificate
// names; ok is false when there is none.
func AgentName(state *tls.ConnectionState) (name string, ok bool) {
	cert := verified(state)
	if cert == nil {
		return "", false
	}
	if names := agentNames(cert); len(names) > 0 {
		return names[0], true
	}
	return "", false
}

// CheckAgent holds the id that an agent gives itself against its certificate.
// Without a certificate there is nothing to hold it against.
func CheckAgent(state *tls.ConnectionState, id string) error {
	cert := verified(state)
	if cert == nil {
		return nil
	}
	names := agentNames(cert)
	if slices.Contains(names, id) || slices.Contains(names, "*") {
		return nil
	}
	return fmt.Errorf("is %q, but the certificate is of %q: start the agent under that name, or give it a certificate with the URI %s", id, names, AgentURI(id))
}
