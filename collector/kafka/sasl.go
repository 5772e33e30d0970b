package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Mechanisms that NewSASL knows.
const (
	MechanismPlain       = "plain"
	MechanismScramSHA256 = "scram-sha-256"
	MechanismScramSHA512 = "scram-sha-512"
	MechanismAWS         = "aws-msk-iam"
)

// NewSASL makes the way in which clients prove who they are; an empty
// mechanism gives nil. The password is read from its file for each connection,
// so that it can be changed without a restart, and MSK's IAM takes AWS's
// credentials as its own programs do: environment, profile, or the task's or
// machine's role.
func NewSASL(mechanism, user, passwordFile string) (sasl.Mechanism, error) {
	switch mechanism {
	case "":
		if user != "" || passwordFile != "" {
			return nil, errors.New("kafka: a user or password is given, but no mechanism: add --kafka-sasl-mechanism")
		}
		return nil, nil
	case MechanismAWS:
		return aws.ManagedStreamingIAM(awsAuth()), nil
	}
	password := func() (string, error) {
		b, err := os.ReadFile(passwordFile)
		if err != nil {
			return "", fmt.Errorf("password of Kafka's user: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	if user == "" || passwordFile == "" {
		return nil, fmt.Errorf("kafka: %s needs --kafka-sasl-user and --kafka-sasl-password-file", mechanism)
	}
	if _, err := password(); err != nil {
		return nil, err
	}
	scramAuth := func(context.Context) (scram.Auth, error) {
		p, err := password()
		return scram.Auth{User: user, Pass: p}, err
	}
	switch mechanism {
	case MechanismPlain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			p, err := password()
			return plain.Auth{User: user, Pass: p}, err
		}), nil
	case MechanismScramSHA256:
		return scram.Sha256(scramAuth), nil
	case MechanismScramSHA512:
		return scram.Sha512(scramAuth), nil
	}
	return nil, fmt.Errorf("kafka: %q is no mechanism: take plain, scram-sha-256, scram-sha-512 or aws-msk-iam", mechanism)
}

// awsAuth finds AWS's credentials and renews them; AWS's own library does both.
func awsAuth() func(context.Context) (aws.Auth, error) {
	load := sync.OnceValues(func() (awssdk.Config, error) { return config.LoadDefaultConfig(context.Background()) })
	return func(ctx context.Context) (aws.Auth, error) {
		cfg, err := load()
		if err != nil {
			return aws.Auth{}, fmt.Errorf("AWS's configuration: %w", err)
		}
		c, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return aws.Auth{}, fmt.Errorf("AWS's credentials: %w", err)
		}
		return aws.Auth{AccessKey: c.AccessKeyID, SecretKey: c.SecretAccessKey, SessionToken: c.SessionToken, UserAgent: "gantry-collector"}, nil
	}
}
