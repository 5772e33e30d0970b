package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkalocal"
	"github.com/gantry-dev/gantry/deploy/local/state"
)

// keptBytes is what each partition of the fake broker keeps of what is in
// ClickHouse already: enough to look at, and half a gigabyte over all.
const keptBytes = 32 << 20

// brokerCommand is the process of the broker. The launcher starts it as a
// child, so that a broker that dies takes nothing with it.
type brokerCommand struct {
	folderSetting
	Kind string `enum:"fake,apache" default:"fake" help:"Which broker."`
	Addr string `required:"" help:"Address to listen on."`
	Libs string `help:"Folder of Apache Kafka's jars."`

	CleanEvery time.Duration `help:"Time between compactions of the fake broker; 0 takes a minute."`
}

// Run serves until SIGTERM.
func (c *brokerCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	// One folder for each kind: neither can read the other's files.
	dir := filepath.Join(c.State, "kafka-"+c.Kind)
	if c.Kind == "apache" {
		return kafkalocal.RunApache(ctx, kafkalocal.ApacheConfig{Addr: c.Addr, Dir: dir, Libs: c.Libs})
	}
	return kafkalocal.RunFake(ctx, kafkalocal.FakeConfig{
		Addr: c.Addr, Dir: dir, CleanEvery: c.CleanEvery, RetentionBytes: keptBytes,
		// Whatever is not in ClickHouse yet stays, however much it is.
		Consumers: map[string]string{
			kafka.TopicReading:    kafka.GroupSinkLive,
			kafka.TopicBackfill:   kafka.GroupSinkBackfill,
			kafka.TopicDeadLetter: kafka.GroupSinkReject,
		},
	})
}

// clickHouseCommand is the process of the ClickHouse engine.
type clickHouseCommand struct {
	folderSetting
	Lib      string `required:"" help:"Path of the engine's library."`
	TCPAddr  string `name:"tcp-addr" required:"" help:"Address of the native protocol."`
	HTTPAddr string `name:"http-addr" required:"" help:"Address of the HTTP interface."`
}

// Run serves until SIGTERM.
func (c *clickHouseCommand) Run() error {
	passwords := map[string]string{}
	for _, user := range clickhouselocal.Users {
		password, err := state.Password(c.State, user)
		if err != nil {
			return err
		}
		passwords[user] = password
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		// The engine has no orderly end of its own: parts are written whole and
		// renamed, and what is not yet committed in Kafka comes again.
		os.Exit(0)
	}()
	return clickhouselocal.Run(clickhouselocal.Config{
		Lib: c.Lib, Dir: filepath.Join(c.State, "clickhouse"),
		TCPAddr: c.TCPAddr, HTTPAddr: c.HTTPAddr, Passwords: passwords,
	})
}
