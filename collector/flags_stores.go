package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/proto/transport"
)

// KafkaFlags say how to reach Kafka.
type KafkaFlags struct {
	KafkaBrokers      []string `default:"127.0.0.1:9092" help:"Kafka brokers to begin with, host:port."`
	ReplicationFactor int16    `default:"1" help:"Replicas of topics that the collector creates."`

	KafkaTLS         bool   `name:"kafka-tls" help:"Reach Kafka by TLS."`
	KafkaTLSCAFile   string `name:"kafka-tls-ca-file" type:"path" help:"Roots of the brokers' certificates; the system's without it."`
	KafkaTLSCertFile string `name:"kafka-tls-cert-file" type:"path" help:"Certificate shown to the brokers, with --kafka-tls-key-file."`
	KafkaTLSKeyFile  string `name:"kafka-tls-key-file" type:"path" help:"Its private key."`
	KafkaPlaintext   bool   `help:"Reach brokers on other machines without TLS: whoever is between can read and change readings, plates among them."`

	KafkaSASLMechanism    string `name:"kafka-sasl-mechanism" enum:",plain,scram-sha-256,scram-sha-512,aws-msk-iam" default:"" help:"How to prove to Kafka who one is: plain, scram-sha-256, scram-sha-512 or aws-msk-iam, which takes the credentials of AWS's environment or role."`
	KafkaSASLUser         string `name:"kafka-sasl-user" help:"User of Kafka, of plain and scram."`
	KafkaSASLPasswordFile string `name:"kafka-sasl-password-file" type:"path" help:"File with that user's password, read again for each connection."`
}

func (f *KafkaFlags) client(id string, log *slog.Logger) (kafka.ClientConfig, error) {
	cfg := kafka.DefaultClientConfig(f.KafkaBrokers...)
	cfg.ClientID = id
	files := transport.Files{CA: f.KafkaTLSCAFile, Cert: f.KafkaTLSCertFile, Key: f.KafkaTLSKeyFile}
	away := slices.ContainsFunc(f.KafkaBrokers, transport.LeavesMachine)
	var err error
	switch {
	case f.KafkaTLS:
		if cfg.TLS, err = transport.Open(files, log, time.Now); err != nil {
			return cfg, fmt.Errorf("--kafka-tls: %w", err)
		}
	case files != transport.Files{}:
		return cfg, fmt.Errorf("certificates for Kafka are given, but TLS is off: add --kafka-tls")
	case away && f.KafkaSASLMechanism == kafka.MechanismPlain:
		return cfg, fmt.Errorf("--kafka-sasl-mechanism plain sends the password as it is, to other machines: add --kafka-tls, or take scram-sha-512")
	case away && !f.KafkaPlaintext:
		return cfg, fmt.Errorf("--kafka-brokers are on other machines, and whoever is between could read and change readings, plates among them: add --kafka-tls, or --kafka-plaintext where nobody is")
	}
	cfg.SASL, err = kafka.NewSASL(f.KafkaSASLMechanism, f.KafkaSASLUser, f.KafkaSASLPasswordFile)
	return cfg, err
}

// ClickHouseFlags say how to reach ClickHouse.
type ClickHouseFlags struct {
	ClickhouseAddr string `default:"127.0.0.1:9000" help:"ClickHouse's native protocol, host:port."`
	ClickHouseTLSFlags
	ClickhouseUser         string `default:"collector" help:"User of ClickHouse."`
	ClickhousePasswordFile string `type:"path" help:"File with that user's password; none without it."`
	ClickhouseCluster      string `help:"Cluster, by its name in remote_servers of --clickhouse-addr, to spread readings over, by device; that server must be one of it and holds the rest. Choose before the first start."`
	ClickhouseReplicated   bool   `help:"With --clickhouse-cluster: make replicated tables, for servers with Keeper and the macros shard and replica."`
}

func (f *ClickHouseFlags) config(log *slog.Logger) (clickhouse.Config, error) {
	password, err := readPassword("--clickhouse-password-file", f.ClickhousePasswordFile)
	if err != nil {
		return clickhouse.Config{}, err
	}
	cfg, err := f.at(f.ClickhouseAddr, log)
	cfg.User, cfg.Password = f.ClickhouseUser, password
	cfg.Layout = clickhouse.Layout{Cluster: f.ClickhouseCluster, Replicated: f.ClickhouseReplicated}
	if cfg.Layout.Replicated && cfg.Layout.Cluster == "" {
		return cfg, errors.New("--clickhouse-replicated says how tables of a cluster are: add --clickhouse-cluster")
	}
	return cfg, err
}

// ClickHouseTLSFlags say how to reach ClickHouse safely.
type ClickHouseTLSFlags struct {
	ClickhouseTLS         bool   `name:"clickhouse-tls" help:"Reach ClickHouse by TLS; its port is 9440 by default."`
	ClickhouseTLSCAFile   string `name:"clickhouse-tls-ca-file" type:"path" help:"Roots of ClickHouse's certificate; the system's without it."`
	ClickhouseTLSCertFile string `name:"clickhouse-tls-cert-file" type:"path" help:"Certificate shown to ClickHouse, with --clickhouse-tls-key-file."`
	ClickhouseTLSKeyFile  string `name:"clickhouse-tls-key-file" type:"path" help:"Its private key."`
	ClickhousePlaintext   bool   `help:"Reach ClickHouse on another machine without TLS: whoever is between can read passwords and plates."`
}

// at gives the configuration of the server at the address, without an account.
func (f *ClickHouseTLSFlags) at(addr string, log *slog.Logger) (clickhouse.Config, error) {
	cfg := clickhouse.DefaultConfig(addr, "", "")
	files := transport.Files{CA: f.ClickhouseTLSCAFile, Cert: f.ClickhouseTLSCertFile, Key: f.ClickhouseTLSKeyFile}
	var err error
	switch {
	case f.ClickhouseTLS:
		if cfg.TLS, err = transport.Open(files, log, time.Now); err != nil {
			return cfg, fmt.Errorf("--clickhouse-tls: %w", err)
		}
	case files != transport.Files{}:
		return cfg, fmt.Errorf("certificates for ClickHouse are given, but TLS is off: add --clickhouse-tls")
	case transport.LeavesMachine(addr) && !f.ClickhousePlaintext:
		return cfg, fmt.Errorf("--clickhouse-addr %s is on another machine, and whoever is between could read passwords and plates: add --clickhouse-tls, or --clickhouse-plaintext where nobody is", addr)
	}
	return cfg, nil
}
