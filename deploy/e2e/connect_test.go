package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/deploy/local/state"
)

// connectGroup is what a worker calls the group of deploy/connect's connectors.
const connectGroup = "connect-gantry-readings"

// connectWorld is a road whose readings are a test's worth, with plates and tags
// among them: 67 000 a day, or a million in all where that is asked for.
func connectWorld(broker string) options {
	road, days := "quiet", 1
	if os.Getenv("GANTRY_LONG") != "" {
		road, days = "flat", 8
	}
	dir := filepath.Join("..", "score", "planted", road)
	return options{broker: broker, network: filepath.Join(dir, "network.yaml"), scenario: filepath.Join(dir, "scenario.yaml"), zone: "+00:00", historyDays: days}
}

// connectBudget is what all of it may take to arrive.
func connectBudget() time.Duration {
	if os.Getenv("GANTRY_LONG") != "" {
		return 30 * time.Minute
	}
	return 5 * time.Minute
}

// newConnectStack is a stack whose own sink leaves readings to somebody else.
func newConnectStack(t *testing.T, broker, group string) *stack {
	t.Helper()
	s := newStack(t, connectWorld(broker))
	s.tokensOnly = true
	s.addCollector("ingest", "--json-topics", "--plate-key-file", state.PlateKeyFile(s.dir), "--backfill-group", group)
	s.addCollector("sink", "--no-sink-readings")
	return s
}

// arrived waits until a number of rows is in raw.
func (s *stack) arrived(rows int) {
	s.t.Helper()
	eventually(s.t, connectBudget(), fmt.Sprint(rows, " rows arrive"), func() (bool, string) {
		n := s.count("SELECT count() FROM raw.readings")
		return n >= rows, fmt.Sprint(n)
	})
}

// proven demands that FINAL is the truth, and that no plate is in raw.
func (s *stack) proven(began time.Time) tally {
	s.t.Helper()
	got := s.settled(connectBudget())
	if n := s.count("SELECT count() FROM raw.readings WHERE plate != '' OR tag != ''"); n != 0 {
		s.t.Errorf("%d rows hold a plate or a tag", n)
	}
	if n := s.count("SELECT count() FROM raw.readings WHERE plate_token != 0"); n == 0 {
		s.t.Error("no row has a token")
	}
	s.t.Logf("%d rows under FINAL after %.0f s", s.count("SELECT count() FROM raw.readings FINAL"), time.Since(began).Seconds())
	return got
}

// TestKafkaConnectDouble: the bodies that an HTTP sink connector posts, by its
// file in deploy/connect, with what goes wrong between it and ClickHouse: answers
// lost, requests cut, the worker killed before it committed, ClickHouse killed.
func TestKafkaConnectDouble(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"aiven-http-sink.json", "confluent-http-sink.json"} {
		t.Run(strings.TrimSuffix(file, ".json"), func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			s := newConnectStack(t, "fake", connectGroup)
			s.addAgent(nil)
			worker := s.connectDouble(file)
			worker.start("GANTRY_E2E_CONNECT_CRASH=2")
			worker.waitDead(connectBudget())
			worker.start("GANTRY_E2E_CONNECT_CRASH=4")
			worker.waitDead(connectBudget())
			worker.start()
			s.arrived(20_000)
			s.clickhouse.kill()
			s.clickhouse.start()
			s.proven(began)
			// Merges may have collapsed what came twice, so ask who sent it.
			log, err := os.ReadFile(worker.log)
			if err != nil {
				t.Fatal(err)
			}
			for _, mishap := range []string{doubleCut, doubleTwice, doubleKilled} {
				if !strings.Contains(string(log), mishap) {
					t.Errorf("the double never did: %s", mishap)
				}
			}
		})
	}
}

// TestClickHouseKafkaEngine: ClickHouse reads the JSON topics itself, is killed
// midway, and reads all of it once more; what is no reading stands among the
// rejects and holds up nothing.
func TestClickHouseKafkaEngine(t *testing.T) {
	if os.Getenv("GANTRY_LONG") == "" {
		t.Skip("takes two minutes: make test-long runs it, with a million readings")
	}
	t.Parallel()
	began := time.Now()
	s := newConnectStack(t, "fake", "gantry-clickhouse")
	s.addAgent(nil)
	sql, err := os.ReadFile("../connect/kafka-engine.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range strings.Split(string(sql), ";\n") {
		if !strings.Contains(statement, "CREATE") {
			continue
		}
		if out, err := s.query(strings.ReplaceAll(statement, "{brokers:String}", "'"+s.kafkaAddr+"'")); err != nil {
			t.Fatalf("%s: %v %s", statement, err, out)
		}
	}
	s.arrived(1)
	s.clickhouse.kill()
	s.clickhouse.start()
	s.proven(began)
	// Merges would collapse what this is to show.
	if out, err := s.query("SYSTEM STOP MERGES raw.readings"); err != nil {
		t.Fatal(out, err)
	}
	s.rewind("gantry-clickhouse")
	eventually(t, connectBudget(), "all readings have come again", func() (bool, string) {
		lag, err := s.lag("gantry-clickhouse")
		return err == nil && lag < 1000, fmt.Sprint(lag, err)
	})
	if got := s.proven(began); got.Copies < got.Found/2 {
		t.Errorf("%d copies of %d readings: they did not come again", got.Copies, got.Found)
	}
	s.produce(kafka.TopicReadingJSON, "no reading")
	eventually(t, time.Minute, "the record that is no reading is among the rejects", func() (bool, string) {
		n := s.count("SELECT count() FROM raw.rejects FINAL WHERE value = 'no reading' AND reason != ''")
		return n == 1, fmt.Sprint(n)
	})
	s.flowing()
}

// lag is how many records of the JSON topics the group has not committed.
func (s *stack) lag(group string) (int64, error) {
	client, err := kafka.NewClient(kafka.DefaultClientConfig(s.kafkaAddr))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	var all int64
	for _, t := range kafka.JSONTopics() {
		p, err := kafka.ProgressOf(s.t.Context(), kadm.NewClient(client), t.Name, group)
		if err != nil {
			return 0, err
		}
		all += p.Lag
	}
	return all, nil
}

// rewind has the group read its topics from their start again, as somebody does
// who lost a table. ClickHouse must not read meanwhile: a group with members
// takes no offsets.
func (s *stack) rewind(group string) {
	s.t.Helper()
	if out, err := s.query("DETACH TABLE raw.incoming_from_kafka"); err != nil {
		s.t.Fatal(out, err)
	}
	client, err := kafka.NewClient(kafka.DefaultClientConfig(s.kafkaAddr))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	offsets, err := admin.FetchOffsets(s.t.Context(), group)
	if err != nil || len(offsets) == 0 {
		s.t.Fatalf("the group %s has committed nothing: %v", group, err)
	}
	start := kadm.Offsets{}
	offsets.Each(func(o kadm.OffsetResponse) {
		start.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: 0, LeaderEpoch: -1})
	})
	eventually(s.t, time.Minute, "the group is empty and takes offsets", func() (bool, string) {
		err := admin.CommitAllOffsets(s.t.Context(), group, start)
		return err == nil, fmt.Sprint(err)
	})
	if lag, err := s.lag(group); err != nil || lag < 60_000 {
		s.t.Fatalf("after the group was rewound it has %d records to read: %v", lag, err)
	}
	if out, err := s.query("ATTACH TABLE raw.incoming_from_kafka"); err != nil {
		s.t.Fatal(out, err)
	}
}

// TestConnectorFiles: each file is JSON for the worker's REST port, reads both
// topics from their start, writes where the account may, and holds no password.
func TestConnectorFiles(t *testing.T) {
	for file, target := range map[string]string{
		"aiven-http-sink.json": "http.url", "confluent-http-sink.json": "http.api.url", "clickhouse-sink.json": "topic2TableMap",
	} {
		c := readConnector(t, file)
		if c.Config["topics"] != kafka.TopicReadingJSON+","+kafka.TopicBackfillJSON || c.Config["consumer.override.auto.offset.reset"] != "earliest" {
			t.Errorf("%s does not read both topics from their start", file)
		}
		if "connect-"+c.Name != connectGroup {
			t.Errorf("%s is called %s: the README's --backfill-group is %s", file, c.Name, connectGroup)
		}
		if !strings.Contains(c.Config[target], "incoming") {
			t.Errorf("%s does not write to raw.incoming: %s", file, c.Config[target])
		}
		for key, value := range c.Config {
			if strings.Contains(key, "password") && !strings.HasPrefix(value, "${env:GANTRY_CONNECT_") {
				t.Errorf("%s: %s is not a variable of the worker", file, key)
			}
		}
	}
}

// connector is a file for a worker's REST port.
type connector struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
}

func readConnector(t *testing.T, file string) connector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "connect", file))
	if err != nil {
		t.Fatal(err)
	}
	var c connector
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}
