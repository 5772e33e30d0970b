package ingest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	"github.com/gantry-dev/gantry/collector/platekey"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

const secretPlate = "S123ABC"

var tokenKey = platekey.New([platekey.Bytes]byte([]byte("0123456789abcdef")))

func writeJSON(c *ingest.Config) { c.WriteJSON, c.PlateKey = true, tokenKey }

// seen makes a good camera's reading.
func seen(day, second int) *gantryv1.Reading {
	return &gantryv1.Reading{ObservedAtUs: int64(day)*86400e6 + int64(second)*1e6, Lane: 1,
		Measurement: &gantryv1.Reading_Speed{Speed: &gantryv1.SpeedReading{
			SpeedTenthKmh: 1013, LimitKmh: 100, Plate: secretPlate, ConfidencePercent: 98, VehicleClass: gantryv1.VehicleClass_VEHICLE_CLASS_CAR}}}
}

// TestJSONTopics: each accepted reading is in the JSON topic too, live and
// backfill apart, under the same key; what is refused is not; and no plate is.
func TestJSONTopics(t *testing.T) {
	kafkatest.Both(t, func(t *testing.T, broker string) {
		client := kafkatest.Client(t, broker)
		if err := kafka.EnsureTopics(t.Context(), client, 1, kafka.JSONTopics()...); err != nil {
			t.Fatal(err)
		}
		net := network("")
		net.snap.Devices["CAM"] = &kafka.DeviceInfo{ID: "CAM", Kind: gantryv1.DeviceKind_DEVICE_KIND_SPEED, StationID: "S", Lanes: 3, ValidFromUS: (today - 10) * 86400e6}
		a, _ := start(t, broker, net, writeJSON).connect(&gantryv1.Hello{})
		bad := seen(today, 3)
		bad.Lane = 9
		a.batch(run("D01", today, 1, 300), &gantryv1.DeviceBatch{DeviceId: "CAM", Epoch: epochOf(today), FirstSeq: 1,
			Readings: []*gantryv1.Reading{seen(today, 1), bad, seen(today, 4), endOfEpoch(3)}})
		a.lane(true, run("D02", today-1, 1, 200))
		if ack := a.await(); len(ack.Rejects) != 1 {
			t.Fatalf("rejects %v, want 1", ack.Rejects)
		}
		for _, topics := range []struct {
			proto, json string
			n           int
		}{{kafka.TopicReading, kafka.TopicReadingJSON, 303}, {kafka.TopicBackfill, kafka.TopicBackfillJSON, 200}} {
			compareTopics(t, broker, topics.proto, topics.json, topics.n)
		}
	})
}

// compareTopics demands the same identities at the same places.
func compareTopics(t *testing.T, broker, protoTopic, jsonTopic string, n int) {
	t.Helper()
	want := identities(t, records(t, broker, n, protoTopic))
	got := map[string]int{}
	var token string
	for _, r := range records(t, broker, n, jsonTopic) {
		var v struct {
			DeviceID   string `json:"device_id"`
			Epoch      uint32
			Seq        uint64
			PlateToken string `json:"plate_token"`
		}
		if err := json.Unmarshal(r.Value, &v); err != nil || string(r.Key) != v.DeviceID || len(r.Headers) > 0 {
			t.Fatalf("record of key %s with %d headers: %s: %v", r.Key, len(r.Headers), r.Value, err)
		}
		got[fmt.Sprintf("%s/%d/%d", v.DeviceID, v.Epoch, v.Seq)]++
		token = max(token, v.PlateToken)
		if text := string(platekey.Normalised(r.Value)); strings.Contains(text, string(platekey.Normalised([]byte(secretPlate)))) {
			t.Fatalf("the plate is in %s", r.Value)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s has %d identities, %s %d, not the same", jsonTopic, len(got), protoTopic, len(want))
	}
	if jsonTopic == kafka.TopicReadingJSON && len(token) < 30 {
		t.Errorf("no reading of the camera has a token but %q", token)
	}
}

// TestNotAcknowledgedWithoutJSON: with one of its two topics away a reading is
// not durable, and the agent is told to come again.
func TestNotAcknowledgedWithoutJSON(t *testing.T) {
	addr, _ := broker(t)
	c := start(t, addr, network(""), writeJSON)
	a, _ := c.connect(&gantryv1.Hello{})
	a.batch(run("D01", today, 1, 10)) // the JSON topics were never made
	if err := a.end(); status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ended with %v, want UNAVAILABLE", err)
	}
	if n := len(records(t, addr, 10, kafka.TopicReading)); n != 10 {
		t.Errorf("%d records in %s, want 10: nothing held them up", n, kafka.TopicReading)
	}
	if d := c.positions.Durable("D01"); len(d) > 0 && d[0].Seq > 0 {
		t.Errorf("durable is %v without the JSON record", d)
	}
	client := kafkatest.Client(t, addr)
	if err := kafka.EnsureTopics(t.Context(), client, 1, kafka.JSONTopics()...); err != nil {
		t.Fatal(err)
	}
	var ack *gantryv1.Ack
	for range 50 { // until the producer hears of the topic
		a, _ = c.connect(&gantryv1.Hello{})
		a.batch(run("D01", today, 1, 10))
		if m, err := a.stream.Recv(); err == nil {
			ack = m.GetAck()
			break
		}
	}
	if ack.GetBatchNumber() != 1 {
		t.Errorf("with both topics there the batch got %v", ack)
	}
}

// TestWriteJSONNeedsAKey: no plate may slip through for want of a key.
func TestWriteJSONNeedsAKey(t *testing.T) {
	cfg := ingest.DefaultConfig("c", kafka.DefaultClientConfig("127.0.0.1:1"))
	cfg.WriteJSON = true
	if _, err := ingest.New(cfg, network(""), nil, ingest.NewPositions(cfg.Kafka, 1, nil)); err == nil || !strings.Contains(err.Error(), "PlateKey") {
		t.Errorf("got %v", err)
	}
}
