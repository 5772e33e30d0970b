package kafka_test

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	"github.com/gantry-dev/gantry/proto/transport"
	"github.com/gantry-dev/gantry/proto/transport/devca"
	"github.com/gantry-dev/gantry/proto/transport/transporttest"
)

func passwordFile(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// carry produces a record and reads it back as a group, with the collector's
// own client.
func carry(t *testing.T, cfg kafka.ClientConfig) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cfg.RetryTimeout = time.Second
	client, err := kafka.NewClient(cfg, kgo.ConsumeTopics(kafka.TopicReading), kgo.ConsumerGroup("g"), kgo.RecordDeliveryTimeout(5*time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return err
	}
	if err := kafka.EnsureTopics(ctx, client, 1); err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: kafka.TopicReading, Key: []byte("d"), Value: []byte("v")}).FirstErr(); err != nil {
		return err
	}
	fetches := client.PollFetches(ctx)
	if fetches.NumRecords() != 1 {
		t.Errorf("%d records came back, %v", fetches.NumRecords(), fetches.Err())
	}
	return fetches.Err()
}

// TestTLSAndSASL against the fake: who proves what, and who is refused.
func TestTLSAndSASL(t *testing.T) {
	ca := transporttest.CA(t, t.TempDir())
	server := transporttest.Open(t, transporttest.Issue(t, ca, devca.Who{Name: "broker", Hosts: []string{"127.0.0.1"}}))
	trusting := transporttest.Open(t, transporttest.Issue(t, ca, devca.Who{Name: "client", Agent: "collector"}))
	foreign := transporttest.Open(t, transporttest.Issue(t, transporttest.CA(t, t.TempDir()), devca.Who{Name: "client", Agent: "collector"}))
	for mechanism, name := range map[string]string{kafka.MechanismPlain: "PLAIN", kafka.MechanismScramSHA256: "SCRAM-SHA-256", kafka.MechanismScramSHA512: "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(server.Server(tls.NoClientCert)), kfake.EnableSASL(), kfake.Superuser(name, "gantry", "secret"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(broker.Close)
			for what, c := range map[string]struct {
				tls       *transport.TLS
				mechanism string
				password  string
				says      string
			}{
				"right":           {trusting, mechanism, "secret", ""},
				"wrong password":  {trusting, mechanism, "wrong", "EOF"}, // the fake just hangs up
				"other root":      {foreign, mechanism, "secret", "unknown authority"},
				"other mechanism": {trusting, map[bool]string{true: kafka.MechanismScramSHA256, false: kafka.MechanismPlain}[mechanism == kafka.MechanismPlain], "secret", "EOF"},
				"in the clear":    {nil, mechanism, "secret", ""},
				"without SASL":    {trusting, "", "", ""},
			} {
				cfg := kafka.DefaultClientConfig(broker.ListenAddrs()...)
				cfg.TLS = c.tls
				if c.mechanism != "" {
					if cfg.SASL, err = kafka.NewSASL(c.mechanism, "gantry", passwordFile(t, c.password)); err != nil {
						t.Fatal(err)
					}
				}
				err := carry(t, cfg)
				if (err == nil) != (what == "right") || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v, want %q", what, err, c.says)
				}
			}
		})
	}
}

// TestPasswordIsReadAgain for each connection.
func TestPasswordIsReadAgain(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "gantry", "new"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	path := passwordFile(t, "old")
	cfg := kafka.DefaultClientConfig(broker.ListenAddrs()...)
	if cfg.SASL, err = kafka.NewSASL(kafka.MechanismScramSHA512, "gantry", path); err != nil {
		t.Fatal(err)
	}
	if err := carry(t, cfg); err == nil {
		t.Error("the old password was taken")
	}
	if err := os.WriteFile(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := carry(t, cfg); err != nil {
		t.Errorf("with the new one: %v", err)
	}
}

func TestSASLThatCannotBe(t *testing.T) {
	for says, c := range map[string][3]string{
		"no mechanism: add":        {"", "gantry", ""},
		"needs --kafka-sasl-user":  {kafka.MechanismPlain, "", passwordFile(t, "x")},
		"password of Kafka's user": {kafka.MechanismPlain, "gantry", "/nonexistent/password"},
		`"kerberos" is no mech`:    {"kerberos", "gantry", passwordFile(t, "x")},
	} {
		if _, err := kafka.NewSASL(c[0], c[1], c[2]); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", c, err, says)
		}
	}
}

// TestMSKIAM signs with the credentials of AWS's environment; no MSK is here to
// take it, so what is held is the message that its documentation describes.
func TestMSKIAM(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	mechanism, err := kafka.NewSASL(kafka.MechanismAWS, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if mechanism.Name() != "AWS_MSK_IAM" {
		t.Errorf("it is called %s", mechanism.Name())
	}
	_, message, err := mechanism.Authenticate(t.Context(), "b-1.gantry.abc123.c2.kafka.eu-central-1.amazonaws.com:9098")
	if err != nil {
		t.Fatal(err)
	}
	for _, has := range []string{"AKIATEST/", "/eu-central-1/kafka-cluster/aws4_request", "kafka-cluster:Connect", "session", "gantry-collector"} {
		if !strings.Contains(string(message), has) {
			t.Errorf("the message lacks %s: %s", has, message)
		}
	}
	if strings.Contains(string(message), "secret") {
		t.Error("the secret key is in the message")
	}
}

// TestApacheTLSAndSCRAM is the real broker's opinion.
func TestApacheTLSAndSCRAM(t *testing.T) {
	ca := transporttest.CA(t, t.TempDir())
	files := transporttest.Issue(t, ca, devca.Who{Name: "broker", Hosts: []string{"127.0.0.1"}})
	trusting := transporttest.Open(t, transporttest.Issue(t, ca, devca.Who{Name: "client", Agent: "collector"}))
	addr := kafkatest.ApacheSecured(t, files.Cert, files.Key, "gantry", "secret")
	for password, says := range map[string]string{"secret": "", "wrong": "SASL_AUTHENTICATION_FAILED"} {
		cfg := kafka.DefaultClientConfig(addr)
		cfg.TLS = trusting
		var err error
		if cfg.SASL, err = kafka.NewSASL(kafka.MechanismScramSHA512, "gantry", passwordFile(t, password)); err != nil {
			t.Fatal(err)
		}
		if err := carry(t, cfg); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("password %s: %v, want %q", password, err, says)
		}
	}
	cfg := kafka.DefaultClientConfig(addr)
	cfg.TLS = trusting
	if err := carry(t, cfg); err == nil {
		t.Error("nobody in particular was taken")
	}
}
