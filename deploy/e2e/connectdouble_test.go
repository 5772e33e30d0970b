package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/deploy/local/state"
)

// doubleMarker makes this test's executable a double of a Connect worker with
// one HTTP sink connector; its value is a doubleConfig.
const doubleMarker = "GANTRY_E2E_CONNECT_DOUBLE"

// doubleConfig is what the double needs besides variables that the connector's
// file names.
type doubleConfig struct {
	File, Broker, Group string
}

// connectDouble is a double of a worker, not started yet.
func (s *stack) connectDouble(file string) *process {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cfg, err := json.Marshal(doubleConfig{File: filepath.Join("..", "connect", file), Broker: s.kafkaAddr, Group: connectGroup})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{t: s.t, name: "connect-double", path: self, log: filepath.Join(s.dir, "connect-double.log"),
		env: append(s.connectEnv(), doubleMarker+"="+string(cfg))}
	s.t.Cleanup(func() {
		if p.running() {
			p.kill()
		}
		if s.t.Failed() {
			s.t.Logf("--- end of the double's log:\n%s", tail(p.log))
		}
	})
	return p
}

// connectEnv are the variables that deploy/connect's files name.
func (s *stack) connectEnv() []string {
	s.t.Helper()
	password, err := state.Password(s.dir, "connect")
	if err != nil {
		s.t.Fatal(err)
	}
	host, port, _ := strings.Cut(s.httpAddr, ":")
	return []string{
		"GANTRY_CONNECT_CLICKHOUSE_URL=http://" + s.httpAddr, "GANTRY_CONNECT_CLICKHOUSE_PASSWORD=" + password,
		"GANTRY_CONNECT_CLICKHOUSE_HOST=" + host, "GANTRY_CONNECT_CLICKHOUSE_PORT=" + port,
		"GANTRY_CONNECT_KAFKA_BROKERS=" + s.kafkaAddr,
	}
}

// produce writes one record.
func (s *stack) produce(topic, value string) {
	s.t.Helper()
	client, err := kafka.NewClient(kafka.DefaultClientConfig(s.kafkaAddr))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(s.t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

// connectDoubleMain never returns in a process that is to be the double.
func connectDoubleMain() {
	text := os.Getenv(doubleMarker)
	if text == "" {
		return
	}
	if err := runDouble(text); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// double posts what a connector's file says, as the connector does.
type double struct {
	config  map[string]string
	request func(body []byte) (*http.Request, error)
	posts   int
	crash   int // kills itself after so many posts; 0 never
}

func runDouble(text string) error {
	var cfg doubleConfig
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	file, err := os.ReadFile(cfg.File)
	if err != nil {
		return err
	}
	var c connector
	if err := json.Unmarshal([]byte(os.Expand(string(file), variable)), &c); err != nil {
		return err
	}
	d := &double{config: c.Config}
	d.crash, _ = strconv.Atoi(os.Getenv("GANTRY_E2E_CONNECT_CRASH"))
	if err := d.prepare(); err != nil {
		return err
	}
	return d.run(cfg)
}

// variable gives what the worker's provider of ${env:NAME} does.
func variable(name string) string { return os.Getenv(strings.TrimPrefix(name, "env:")) }

// prepare reads how the connector asks.
func (d *double) prepare() error {
	switch d.config["connector.class"] {
	case "io.aiven.kafka.connect.http.HttpSinkConnector":
		d.request = func(body []byte) (*http.Request, error) {
			r, err := http.NewRequest(http.MethodPost, d.config["http.url"], bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			r.Header.Set("Content-Type", d.config["http.headers.content.type"])
			for _, header := range strings.Split(d.config["http.headers.additional"], ",") {
				name, value, _ := strings.Cut(header, ":")
				r.Header.Set(name, value)
			}
			return r, nil
		}
	case "io.confluent.connect.http.HttpSinkConnector":
		d.request = func(body []byte) (*http.Request, error) {
			r, err := http.NewRequest(d.config["request.method"], d.config["http.api.url"], bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			name, value, _ := strings.Cut(d.config["headers"], ":")
			r.Header.Set(name, value)
			r.SetBasicAuth(d.config["connection.user"], d.config["connection.password"])
			return r, nil
		}
	default:
		return fmt.Errorf("no double of %s", d.config["connector.class"])
	}
	return nil
}

// What the double says when it did it.
const (
	doubleCut    = "a body was cut"
	doubleTwice  = "a batch was taken and is posted again"
	doubleKilled = "killed before the commit"
)

// body joins records as the connector does.
func (d *double) body(records []*kgo.Record) ([]byte, error) {
	prefix, separator, suffix := d.config["batch.prefix"], d.config["batch.separator"], d.config["batch.suffix"]
	if d.config["batch.json.as.array"] == "true" {
		prefix, separator, suffix = "[", ",", "]"
	}
	var b bytes.Buffer
	b.WriteString(prefix)
	for i, r := range records {
		if i > 0 {
			b.WriteString(separator)
		}
		if d.config["request.body.format"] != "json" {
			b.Write(r.Value)
			continue
		}
		// JsonConverter: a map, whose fields come in whatever order.
		fields := map[string]any{}
		decoder := json.NewDecoder(bytes.NewReader(r.Value))
		decoder.UseNumber()
		if err := decoder.Decode(&fields); err != nil {
			return nil, err
		}
		text, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		b.Write(text)
	}
	b.WriteString(suffix)
	return b.Bytes(), nil
}

// commitEvery is the worker's offset.flush.interval.ms: what was put since the
// last commit comes again after a kill.
const commitEvery = 2 * time.Second

// run is the task's loop: poll, put, and at times commit.
func (d *double) run(cfg doubleConfig) error {
	most, err := strconv.Atoi(d.config["consumer.override.max.poll.records"])
	if err != nil {
		return fmt.Errorf("max.poll.records: %w", err)
	}
	size, err := strconv.Atoi(d.config["batch.max.size"])
	if err != nil {
		return fmt.Errorf("batch.max.size: %w", err)
	}
	client, err := kafka.NewClient(kafka.DefaultClientConfig(cfg.Broker), kgo.ConsumerGroup(cfg.Group), kgo.DisableAutoCommit(),
		kgo.ConsumeTopics(strings.Split(d.config["topics"], ",")...), kgo.SessionTimeout(10*time.Second))
	if err != nil {
		return err
	}
	committed := time.Now()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		records := client.PollRecords(ctx, most).Records()
		cancel()
		for len(records) > 0 {
			n := min(size, len(records))
			if err := d.put(records[:n]); err != nil {
				return err
			}
			records = records[n:]
		}
		if time.Since(committed) >= commitEvery {
			// One that comes too late for the group is no end: what it was
			// about comes again, as to a worker.
			if err := client.CommitUncommittedOffsets(context.Background()); err != nil {
				fmt.Fprintln(os.Stderr, "commit:", err)
			}
			committed = time.Now()
		}
	}
}

// put posts one batch until it is taken, and every few batches as on a bad
// network: cut in the middle of the body, or with its answer lost.
func (d *double) put(records []*kgo.Record) error {
	body, err := d.body(records)
	if err != nil {
		return err
	}
	d.posts++
	if d.posts%3 == 1 {
		if err := d.cut(body); err == nil {
			return errors.New("a request that was cut got an answer")
		}
		fmt.Fprintln(os.Stderr, doubleCut)
	}
	if d.posts%3 == 2 {
		if d.post(body) == nil { // which was not heard
			fmt.Fprintln(os.Stderr, doubleTwice)
		}
	}
	for err := d.post(body); err != nil; err = d.post(body) {
		fmt.Fprintln(os.Stderr, "post:", err)
		time.Sleep(200 * time.Millisecond)
	}
	if d.posts == d.crash {
		fmt.Fprintln(os.Stderr, doubleKilled)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return nil
}

func (d *double) post(body []byte) error {
	r, err := d.request(body)
	if err != nil {
		return err
	}
	return answered(r)
}

// cut sends two thirds of a body that was announced as whole.
func (d *double) cut(body []byte) error {
	r, err := d.request(body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:2*len(body)/3]), brokenPipe{}))
	return answered(r)
}

// brokenPipe ends a body before its end.
type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func answered(r *http.Request) error {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: %.300s", response.Status, text)
	}
	return nil
}
