package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
	"github.com/gantry-dev/gantry/proto/transport/transporttest"
)

// secured opens a connection of its own with the files, by TLS.
func secured(t *testing.T, c *collector, files transport.Files) *grpc.ClientConn {
	t.Helper()
	material, err := transport.Open(files, c.log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(c.grpcListener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(material.Client(""))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// startSecured runs a collector that asks agents for certificates.
func startSecured(t *testing.T, server transport.Files, auth string) *collector {
	t.Helper()
	broker := kafkatest.Fake(t)
	applyNetwork(t, broker)
	flags := serveFlags(broker)
	flags.TLSFlags = TLSFlags{TLSCertFile: server.Cert, TLSKeyFile: server.Key, TLSClientCAFile: server.CA, TLSClientAuth: auth}
	c, _ := start(t, settings{ServeFlags: flags, ingest: &IngestFlags{}, grpc: &GRPCFlags{GRPCAddr: "127.0.0.1:0", LeaseTTL: 3 * time.Second,
		AccessFlags: AccessFlags{TokensFile: writeTokens(t, "viewer viewer "+digest("v")+" never")}}})
	return c
}

// hello says who it is and returns how the collector took that.
func hello(t *testing.T, conn *grpc.ClientConn, agentID string) error {
	t.Helper()
	stream, err := gantryv1.NewIngestServiceClient(conn).Connect(t.Context())
	if err != nil {
		return err
	}
	if err := stream.Send(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{AgentId: agentID, Capacity: 1}}}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err = stream.Recv()
	_ = stream.CloseSend()
	return err
}

// handshake says how the gRPC port takes a certificate. It only reads, for with
// TLS 1.3 whoever writes first may meet a closed connection and not learn why.
func handshake(t *testing.T, c *collector, files transport.Files) error {
	t.Helper()
	material, err := transport.Open(files, c.log, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	cfg := material.Client("127.0.0.1")
	cfg.NextProtos = []string{"h2"}
	conn, err := tls.Dial("tcp", c.grpcListener.Addr().String(), cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.Read(make([]byte, 1)) // the server's settings
	return err
}

// TestAgentsAreWhoTheirCertificateSays: nobody gets in without a certificate,
// with one of another authority, or under another name than its own.
func TestAgentsAreWhoTheirCertificateSays(t *testing.T) {
	dir := t.TempDir()
	ca := transporttest.CA(t, dir)
	c := startSecured(t, transporttest.Issue(t, ca, devca.Who{Name: "server", Hosts: []string{"127.0.0.1"}}), "require")
	one := transporttest.Issue(t, ca, devca.Who{Name: "one", Agent: "agent-1"})
	all := transporttest.Issue(t, ca, devca.Who{Name: "all", Agent: "*"})
	serverOnly := transporttest.Issue(t, ca, devca.Who{Name: "nobody", Hosts: []string{"agent-1"}})
	foreign := transporttest.Issue(t, transporttest.CA(t, t.TempDir()), devca.Who{Name: "one", Agent: "agent-1"})
	for _, k := range []struct {
		name, agent string
		files       transport.Files
		code        codes.Code
		says        string
	}{
		{"its own name", "agent-1", one, codes.OK, ""},
		{"another's name", "agent-2", one, codes.PermissionDenied, `hello.agent_id is "agent-2", but the certificate is of ["agent-1"]`},
		{"one for all", "agent-2", all, codes.OK, ""},
	} {
		err := hello(t, secured(t, c, k.files), k.agent)
		if status.Code(err) != k.code || err != nil && !strings.Contains(err.Error(), k.says) {
			t.Errorf("%s: %v, want %s with %q", k.name, err, k.code, k.says)
		}
	}
	for name, k := range map[string]struct {
		files transport.Files
		says  string
	}{
		"no certificate":            {transport.Files{CA: one.CA}, "certificate required"},
		"another authority":         {transport.Files{CA: one.CA, Cert: foreign.Cert, Key: foreign.Key}, "unknown certificate authority"},
		"a server's certificate":    {serverOnly, "bad certificate"},
		"does not trust the server": {foreign, "certificate signed by unknown authority"},
	} {
		if err := handshake(t, c, k.files); err == nil || !strings.Contains(err.Error(), k.says) {
			t.Errorf("%s: %v, want %q", name, err, k.says)
		}
		if err := hello(t, secured(t, c, k.files), "agent-1"); status.Code(err) != codes.Unavailable {
			t.Errorf("%s, by gRPC: %v", name, err)
		}
	}
	if err := handshake(t, c, one); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := hello(t, dial(t, c), "agent-1"); status.Code(err) != codes.Unavailable {
		t.Errorf("without TLS: %v", err)
	}
	// The role comes with the certificate: an agent sends, and views nothing.
	_, err := gantryv1.NewFleetServiceClient(secured(t, c, one)).ListDevices(t.Context(), &gantryv1.ListDevicesRequest{})
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "agent-1 has agent") {
		t.Errorf("an agent that looks: %v", err)
	}
}

// TestOptionalCertificates: people come with a token, agents with either; but
// a certificate that is shown must be right.
func TestOptionalCertificates(t *testing.T) {
	ca := transporttest.CA(t, t.TempDir())
	c := startSecured(t, transporttest.Issue(t, ca, devca.Who{Name: "server", Hosts: []string{"127.0.0.1"}}), "optional")
	one := transporttest.Issue(t, ca, devca.Who{Name: "one", Agent: "agent-1"})
	if err := hello(t, secured(t, c, one), "agent-2"); status.Code(err) != codes.PermissionDenied {
		t.Errorf("another's name: %v", err)
	}
	if err := hello(t, secured(t, c, transport.Files{CA: one.CA}), "agent-2"); err != nil {
		t.Errorf("on loopback, without a certificate: %v", err)
	}
	foreign := transporttest.Issue(t, transporttest.CA(t, t.TempDir()), devca.Who{Name: "one", Agent: "agent-1"})
	if err := hello(t, secured(t, c, transport.Files{CA: one.CA, Cert: foreign.Cert, Key: foreign.Key}), "agent-1"); status.Code(err) != codes.Unavailable {
		t.Errorf("another authority: %v", err)
	}
}

// serial is that of the certificate that a port shows now.
func serial(t *testing.T, addr net.Addr) string {
	t.Helper()
	conn, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// TestRotationUnderAnOpenStream: new certificates and a new root are taken
// without a restart, and without a word to the agent that is connected.
func TestRotationUnderAnOpenStream(t *testing.T) {
	dir := t.TempDir()
	ca := transporttest.CA(t, dir)
	server := devca.Who{Name: "server", Hosts: []string{"127.0.0.1"}}
	c := startSecured(t, transporttest.Issue(t, ca, server), "require")
	old := transporttest.Issue(t, transporttest.CA(t, dir), devca.Who{Name: "one", Agent: "agent-1"})
	a := connect(t, secured(t, c, old))
	a.deliver(5)

	before, web := serial(t, c.grpcListener.Addr()), serial(t, c.httpListener.Addr())
	transporttest.Issue(t, ca, server)
	eventually(t, "shown the new certificate", func() bool { return serial(t, c.grpcListener.Addr()) != before })
	eventually(t, "shown it on the HTTP port", func() bool { return serial(t, c.httpListener.Addr()) != web })
	a.deliverFrom(6, 5)

	// A new root: who has a certificate of the old one gets no new connection.
	kept, err := os.ReadFile(old.CA)
	if err != nil {
		t.Fatal(err)
	}
	next := transporttest.CA(t, t.TempDir())
	transporttest.Issue(t, next, server)
	text, err := os.ReadFile(transporttest.Issue(t, next, devca.Who{Name: "one", Agent: "agent-1"}).CA)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old.CA, text, 0o600); err != nil {
		t.Fatal(err)
	}
	trusts := transport.Files{CA: secretFile(t, "kept.pem", string(kept)), Cert: old.Cert, Key: old.Key}
	eventually(t, "refused with the old root", func() bool { return status.Code(hello(t, secured(t, c, trusts), "agent-1")) == codes.Unavailable })
	a.deliverFrom(11, 5)

	// Half a rotation, a certificate without its key, changes nothing.
	now := serial(t, c.grpcListener.Addr())
	if err := os.WriteFile(c.TLSCertFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "over a second later", func() func() bool {
		began := time.Now()
		return func() bool {
			if serial(t, c.grpcListener.Addr()) != now {
				t.Fatal("shown a certificate without its key")
			}
			return time.Since(began) > 1200*time.Millisecond
		}
	}())
}

// TestHTTPS: the dashboard's port speaks TLS, asks for no certificate, and the
// health check takes the collector's certificate and no other.
func TestHTTPS(t *testing.T) {
	ca := transporttest.CA(t, t.TempDir())
	server := transporttest.Issue(t, ca, devca.Who{Name: "server", Hosts: []string{"127.0.0.1"}})
	c := startSecured(t, server, "require")
	check := func(cert string) error {
		h := healthcheckCmd{HTTPAddr: c.httpListener.Addr().String(), TLSCertFile: cert, Timeout: 5 * time.Second}
		return h.Run(t.Context(), c.log)
	}
	if err := check(server.Cert); err != nil {
		t.Errorf("health check: %v", err)
	}
	other := transporttest.Issue(t, ca, devca.Who{Name: "other", Hosts: []string{"127.0.0.1"}})
	if err := check(other.Cert); err == nil || !strings.Contains(err.Error(), "another certificate") {
		t.Errorf("with another certificate: %v", err)
	}
	if err := check(""); err == nil {
		t.Error("the health check was answered in the clear")
	}
	roots := x509.NewCertPool()
	text, _ := os.ReadFile(server.CA)
	roots.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}
	resp, err := client.Get("https://" + c.httpListener.Addr().String() + "/session")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
}

// TestPlaintextIsRefused off loopback, in one sentence, unless forced.
func TestPlaintextIsRefused(t *testing.T) {
	ca := transporttest.CA(t, t.TempDir())
	cert := transporttest.Issue(t, ca, devca.Who{Name: "server", Hosts: []string{"127.0.0.1"}})
	for _, k := range []struct {
		name   string
		change func(s *settings)
		says   string
	}{
		{"HTTP", func(s *settings) { s.HTTPAddr = "0.0.0.0:0" }, "--http-addr"},
		{"admin, even with TLS", func(s *settings) {
			s.AdminAddr, s.TLSCertFile, s.TLSKeyFile = "0.0.0.0:0", cert.Cert, cert.Key
		}, "--admin-addr"},
		{"gRPC", func(s *settings) { s.grpc.GRPCAddr = "0.0.0.0:0" }, "--grpc-addr"},
		{"nobody could call", func(s *settings) {
			s.grpc.GRPCAddr, s.TLSCertFile, s.TLSKeyFile = "0.0.0.0:0", cert.Cert, cert.Key
		}, "--tokens-file or --tls-client-ca-file"},
		{"Kafka", func(s *settings) { s.KafkaBrokers = []string{"localhost:9092", "broker:9092"} }, "--kafka-tls"},
		{"Kafka's password", func(s *settings) {
			s.KafkaBrokers, s.KafkaSASLMechanism, s.KafkaPlaintext = []string{"broker:9092"}, "plain", true
		}, "sends the password as it is"},
		{"ClickHouse", func(s *settings) { s.query, s.warehouse = &QueryFlags{}, "clickhouse:9000" }, "--clickhouse-tls"},
		{"clients' roots without TLS", func(s *settings) { s.TLSClientCAFile = cert.CA }, "--tls-cert-file"},
		{"half a pair", func(s *settings) { s.TLSCertFile = cert.Cert }, "go together"},
		{"forced", func(s *settings) { s.HTTPAddr, s.AdminAddr, s.AllowPlaintext = "0.0.0.0:0", "0.0.0.0:0", true }, ""},
		{"TLS", func(s *settings) {
			s.HTTPAddr, s.grpc.GRPCAddr, s.TLSCertFile, s.TLSKeyFile, s.TLSClientCAFile = "0.0.0.0:0", "0.0.0.0:0", cert.Cert, cert.Key, cert.CA
		}, ""},
		{"Kafka, forced", func(s *settings) { s.KafkaBrokers, s.KafkaPlaintext = []string{"broker:9092"}, true }, ""},
	} {
		s := settings{ServeFlags: serveFlags("127.0.0.1:1"), grpc: &GRPCFlags{GRPCAddr: "127.0.0.1:0"}}
		k.change(&s)
		c := newCollector(testLog(t), s)
		err := c.prepare()
		for _, l := range []net.Listener{c.grpcListener, c.httpListener, c.adminListener} {
			if l != nil {
				_ = l.Close()
			}
		}
		if c.client != nil {
			c.client.Close()
		}
		if (err == nil) != (k.says == "") || err != nil && (!strings.Contains(err.Error(), k.says) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v, want it to say %q", k.name, err, k.says)
		}
	}
}
