package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// maxAgents bounds AGENTS: each is a process of about 20 MB.
const maxAgents = 64

// maxHistoryDays bounds HISTORY.
const maxHistoryDays = 366

// folderSetting is the state folder, shared by all commands.
type folderSetting struct {
	State string `env:"STATE,GANTRY_STATE" default:".gantry" placeholder:"DIR" help:"Folder that everything is kept in."`
}

// settings are what a user may choose. What is empty takes what the folder
// holds, or the default of a first run.
type settings struct {
	folderSetting
	Seed     *uint64 `env:"SEED,GANTRY_SEED" help:"Seed of the world (first run: 1)."`
	Network  string  `env:"NETWORK,GANTRY_NETWORK" help:"Network to simulate (first run: corridor)."`
	Scenario string  `env:"SCENARIO,GANTRY_SCENARIO" placeholder:"NAME|FILE" help:"Scenario to simulate, a shipped one or a file from the root (first run: the one that goes with the network)."`
	Recorded string  `env:"RECORDED,GANTRY_RECORDED" type:"path" placeholder:"FILE" help:"Recording that the network replays, one that 'gantry-agent world import' drafted."`
	History  string  `env:"HISTORY,GANTRY_HISTORY" placeholder:"28d" help:"Days of history before today (first run: 7d)."`
	Agents   int     `env:"AGENTS,GANTRY_AGENTS" default:"2" help:"Agent processes to start."`
	Kafka    string  `env:"KAFKA,GANTRY_KAFKA" placeholder:"fake|apache" help:"Broker: fake (embedded) or apache (Kafka 4, needs Java)."`

	DBTEvery time.Duration `name:"dbt-every" env:"DBT_EVERY,GANTRY_DBT_EVERY" default:"3m" help:"Time between two dbt builds; 0 runs none."`

	GRPCPort           int `name:"grpc-port" env:"GRPC_PORT,GANTRY_GRPC_PORT" placeholder:"50051" help:"Port of gRPC."`
	HTTPPort           int `name:"http-port" env:"HTTP_PORT,GANTRY_HTTP_PORT" placeholder:"8080" help:"Port of the dashboard, the API, metrics and health."`
	AdminPort          int `name:"admin-port" env:"ADMIN_PORT,GANTRY_ADMIN_PORT" placeholder:"8081" help:"Port of pprof and channelz."`
	KafkaPort          int `name:"kafka-port" env:"KAFKA_PORT,GANTRY_KAFKA_PORT" placeholder:"9092" help:"Port of the broker."`
	ClickHousePort     int `name:"clickhouse-port" env:"CLICKHOUSE_PORT,GANTRY_CLICKHOUSE_PORT" placeholder:"9000" help:"Native port of ClickHouse."`
	ClickHouseHTTPPort int `name:"clickhouse-http-port" env:"CLICKHOUSE_HTTP_PORT,GANTRY_CLICKHOUSE_HTTP_PORT" placeholder:"8123" help:"HTTP port of ClickHouse."`
}

// wanted checks the settings and puts them as the state folder wants them.
func (s settings) wanted() (state.Wanted, error) {
	w := state.Wanted{
		Dir: s.State, Seed: s.Seed, Network: s.Network, Scenario: s.Scenario, Recorded: s.Recorded, Kafka: s.Kafka,
		Ports: state.Ports{
			GRPC: s.GRPCPort, HTTP: s.HTTPPort, Admin: s.AdminPort,
			Kafka: s.KafkaPort, ClickHouse: s.ClickHousePort, ClickHouseHTTP: s.ClickHouseHTTPPort,
		},
	}
	if s.Agents < 0 || s.Agents > maxAgents {
		return w, fmt.Errorf("AGENTS=%d is out of range: give 0 to %d", s.Agents, maxAgents)
	}
	if s.Kafka != "" && s.Kafka != "fake" && s.Kafka != "apache" {
		return w, fmt.Errorf("KAFKA=%s is not a broker: give fake or apache", s.Kafka)
	}
	if s.DBTEvery < 0 {
		return w, fmt.Errorf("DBT_EVERY=%v is negative: give a duration as 3m, or 0 for none", s.DBTEvery)
	}
	for _, p := range portsOf(w.Ports) {
		if p.number < 0 || p.number > 65535 {
			return w, fmt.Errorf("%s=%d is not a port: give 1 to 65535", p.setting, p.number)
		}
	}
	if s.History != "" {
		days, err := parseDays(s.History)
		if err != nil {
			return w, err
		}
		w.HistoryDays = &days
	}
	return w, nil
}

// parseDays reads a history as 28d.
func parseDays(s string) (int, error) {
	digits, ok := strings.CutSuffix(s, "d")
	days, err := strconv.Atoi(digits)
	if !ok || err != nil || days < 0 || days > maxHistoryDays {
		return 0, fmt.Errorf("HISTORY=%s is not a number of days: give 0d to %dd, as HISTORY=28d", s, maxHistoryDays)
	}
	return days, nil
}

// port is one port of the stack, with what sentences need.
type port struct {
	number  int
	setting string
	purpose string
}

// portsOf lists the ports of a stack.
func portsOf(p state.Ports) []port {
	return []port{
		{p.GRPC, "GRPC_PORT", "gRPC"},
		{p.HTTP, "HTTP_PORT", "metrics and health"},
		{p.Admin, "ADMIN_PORT", "pprof and channelz"},
		{p.Kafka, "KAFKA_PORT", "Kafka"},
		{p.ClickHouse, "CLICKHOUSE_PORT", "ClickHouse, native"},
		{p.ClickHouseHTTP, "CLICKHOUSE_HTTP_PORT", "ClickHouse, HTTP"},
	}
}
