package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/query/rows"
)

// ServeFlags are what every role takes.
type ServeFlags struct {
	KafkaFlags
	TLSFlags
	HTTPAddr        string        `name:"http-addr" default:"127.0.0.1:8080" help:"Address of the API, CSV, /metrics and /healthz."`
	AdminAddr       string        `default:"127.0.0.1:8081" help:"Address of pprof and gRPC channelz; keep it on loopback. Empty turns it off."`
	CollectorID     string        `help:"Name of this collector, unique among them (default: host name and a random number)."`
	ShutdownTimeout time.Duration `default:"25s" help:"How long an orderly stop may take."`
}

// id gives the collector's name, drawing one when none was given.
func (f *ServeFlags) id() string {
	if f.CollectorID == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "collector"
		}
		var random [4]byte
		_, _ = rand.Read(random[:]) // never fails
		f.CollectorID = host + "-" + hex.EncodeToString(random[:])
	}
	return f.CollectorID
}

// GRPCFlags are what the roles with a gRPC listener take.
type GRPCFlags struct {
	AccessFlags
	GRPCAddr   string `name:"grpc-addr" default:"127.0.0.1:50051" help:"Address of the gRPC services."`
	Reflection bool   `default:"true" negatable:"" help:"Let grpcurl and others list the services."`
	// LeaseTTL is here because every role that serves follows the leases.
	LeaseTTL time.Duration `default:"15s" help:"How long a device stays with an agent that went silent; the same on all collectors."`
}

// QueryFlags are what those who answer for traffic take: an account of
// ClickHouse for each role that asks.
type QueryFlags struct {
	ClickhousePlannerUser             string `default:"planner" help:"User of ClickHouse that planners' questions are asked as."`
	ClickhousePlannerPasswordFile     string `type:"path" help:"File with that user's password; none without it."`
	ClickhouseEnforcementUser         string `default:"enforcement" help:"User of ClickHouse that questions about violations are asked as."`
	ClickhouseEnforcementPasswordFile string `type:"path" help:"File with that user's password. Without it no violation is shown to anybody."`
}

// sources opens an account for each role; enforcement is nil without a
// password.
func (f *QueryFlags) sources(at clickhouse.Config, log *slog.Logger) (planner, enforcement *rows.Source, err error) {
	planner, err = openSource(at, f.ClickhousePlannerUser, "--clickhouse-planner-password-file", f.ClickhousePlannerPasswordFile, log)
	if err != nil || f.ClickhouseEnforcementPasswordFile == "" {
		return planner, nil, err
	}
	enforcement, err = openSource(at, f.ClickhouseEnforcementUser, "--clickhouse-enforcement-password-file", f.ClickhouseEnforcementPasswordFile, log)
	return planner, enforcement, err
}

// maxQueries is how many questions of one role ClickHouse is asked at once.
const maxQueries = 8

func openSource(at clickhouse.Config, user, flag, file string, log *slog.Logger) (*rows.Source, error) {
	password, err := readPassword(flag, file)
	if err != nil {
		return nil, err
	}
	at.User, at.Password, at.MaxConns = user, password, maxQueries
	return rows.Open(at, rows.DefaultLimits(), log)
}

// readPassword reads the file that a flag names; none gives no password.
func readPassword(flag, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", flag, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// SinkFlags are what the sink takes.
type SinkFlags struct {
	ClickHouseFlags
	SinkReadings bool `default:"true" negatable:"" help:"Write readings to ClickHouse. --no-sink-readings leaves that to Kafka Connect or to ClickHouse's Kafka engine, which read the JSON topics; refused readings and the network are written all the same."`
}

// IngestFlags are what those who accept readings take.
type IngestFlags struct {
	JSONTopics    bool   `name:"json-topics" help:"Write each reading to traffic.gantry.reading.json.v1 or traffic.gantry.backfill.json.v1 too, as JSON with tokens in place of plates, and acknowledge it when both records are in Kafka. Needs --plate-key-file."`
	BackfillGroup string `help:"Consumer group that carries traffic.gantry.backfill.json.v1 to ClickHouse in the sink's place, as connect-gantry-readings: its lag paces the agents' history."`
}

// PlateKeyFlags are what those who make tokens of plates take.
type PlateKeyFlags struct {
	PlateKeyFile string `type:"path" help:"File with the key that turns plates into tokens: 32 or more hexadecimal digits. Required by the sink and by --json-topics."`
}
