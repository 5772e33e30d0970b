package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"google.golang.org/grpc/metadata"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/deploy/local/state"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestOperations loses rows and sends their day again, and then has readings
// refused and sends them again once they are acceptable. One agent carries a
// few devices; the others have nobody.
func TestOperations(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{broker: "fake", network: "corridor", historyDays: 1})
	c := s.addCollector("all")
	agent := s.addAgent([]string{"--devices", "4"})
	s.resendADay(agent)
	s.redriveAndRetire(c)
}

// asCollector runs a statement as the user that owns raw.
func (s *stack) asCollector(statement string) {
	s.t.Helper()
	password, err := state.Password(s.dir, "collector")
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+s.httpAddr+"/", strings.NewReader(statement))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", "collector")
	req.Header.Set("X-ClickHouse-Key", password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if said, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s", statement, said)
	}
}

// resendADay deletes a third of some devices' day and sends that day again,
// twice, beside the agent that carries them.
func (s *stack) resendADay(agent *process) {
	t := s.t
	t.Helper()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	yesterday := today.AddDate(0, 0, -1)
	s.carries(agent, "")
	var devices []string
	leases, err := s.leases()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		if l.GetAgentId() == agent.name {
			devices = append(devices, l.GetDeviceId())
		}
	}
	where := fmt.Sprintf("device_id IN ('%s') AND bitShiftRight(epoch, 17) = %d", strings.Join(devices, "', '"), yesterday.Unix()/86400)
	eventually(t, 5*time.Minute, "their day is in", func() (bool, string) {
		n := s.count("SELECT uniqExact(device_id) FROM raw.epoch_ends WHERE " + where)
		return n > 0 && n == len(devices), fmt.Sprintf("%d of %d epochs have ended", n, len(devices))
	})
	eventually(t, time.Minute, "the sink has it all", s.backfilled)
	digest := func() string {
		out, err := s.query(`SELECT count(), sum(cityHash64(device_id, epoch, seq, observed_at, kind, lane, vehicle_class, length_cm, occupied_ms,
			headway_ms, speed_tenth_kmh, limit_kmh, confidence_percent, plate_token)) FROM raw.readings FINAL WHERE ` + where)
		if err != nil {
			return err.Error()
		}
		return out
	}
	before, session, terms := digest(), s.session(agent), s.terms()
	s.asCollector("DELETE FROM raw.readings WHERE seq % 3 = 0 AND " + where)
	if hole := digest(); hole == before || strings.HasPrefix(before, "0\t") {
		t.Fatalf("nothing was lost: %s, %s", before, hole)
	}
	for range 2 {
		s.output("gantry-agent", "resend", "--collector", s.collectors[0].grpcAddr, "--token-file", filepath.Join(s.dir, "secrets", "token-agent"),
			"--from", yesterday.Format(time.DateOnly), "--to", today.Format(time.DateOnly), "--devices", strings.Join(devices, ","))
		eventually(t, time.Minute, "the sink has it all", s.backfilled)
		if after := digest(); after != before {
			t.Fatalf("the day is %s, and was %s", after, before)
		}
	}
	t.Logf("%s: the same after a third was lost and the day was sent twice", before)
	if now := s.session(agent); now != session || s.terms() != terms {
		t.Errorf("the agent that carries the devices was disturbed: session %s, then %s; terms %s, then %s", session, now, terms, s.terms())
	}
}

// terms are those of all leases: one that grew was taken away.
func (s *stack) terms() string {
	leases, err := s.leases()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, l := range leases {
		_, _ = fmt.Fprintf(&b, "%d ", l.GetTerm())
	}
	return b.String()
}

// backfilled says whether ClickHouse has all that the backfill topic holds.
func (s *stack) backfilled() (bool, string) {
	client, err := kafka.NewClient(kafka.DefaultClientConfig(s.kafkaAddr))
	if err != nil {
		return false, err.Error()
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	p, err := kafka.ProgressOf(ctx, kadm.NewClient(client), kafka.TopicBackfill, kafka.GroupSinkBackfill)
	return err == nil && p.Lag == 0, fmt.Sprint(p, err)
}

// redriveAndRetire has four readings of a device refused that nobody applied,
// applies it, and sends again the three that are acceptable then.
func (s *stack) redriveAndRetire(c *collector) {
	t := s.t
	t.Helper()
	epoch := uint32(time.Now().Unix()/86400) << 17
	if codes := s.send(c, epoch, 1, 1, 2, 3, 99); codes != "UNKNOWN_DEVICE UNKNOWN_DEVICE UNKNOWN_DEVICE UNKNOWN_DEVICE " {
		t.Fatalf("an unknown device's readings got %q", codes)
	}
	stores := append([]string{"--kafka-brokers", s.kafkaAddr}, s.clickhouseFlags()...)
	redrive := func(flags ...string) string {
		return string(s.output("collector", append(append([]string{"redrive", "--device", "counter-1"}, stores...), flags...)...))
	}
	if said := redrive(); !strings.Contains(said, "refused still, as: 4") {
		t.Errorf("before the device is applied:\n%s", said)
	}
	s.output("collector", "network", "apply", s.realDevices(), "--kafka-brokers", s.kafkaAddr)
	if said := redrive("--dry-run"); !strings.Contains(said, "would be sent again, refused then as: 3") || s.count(stored) != 0 {
		t.Errorf("a dry run:\n%s", said)
	}
	const stay = "SELECT count() FROM raw.rejects FINAL WHERE device_id = 'counter-1'"
	for range 2 {
		said := redrive()
		if !strings.Contains(said, "sent again, refused then as: 3") || !strings.Contains(said, "refused still, as: 1\n         1  IMPOSSIBLE_FIELD lane") {
			t.Errorf("redrive says:\n%s", said)
		}
		eventually(t, time.Minute, "the sink has it all", s.backfilled)
		if n := s.count(stored); n != 3 {
			t.Errorf("%d readings are stored under their identity, want 3", n)
		}
		if n := s.count(stay); n != 1 {
			t.Errorf("%d rejects stay, want 1", n)
		}
	}
	s.output("collector", "network", "retire", "counter-1", "--kafka-brokers", s.kafkaAddr)
	next := uint64(5)
	eventually(t, 30*time.Second, "a retired device's readings are refused", func() (bool, string) {
		codes := s.send(c, epoch, next, 1)
		next++
		return codes == "UNKNOWN_DEVICE ", codes
	})
}

// stored counts the acceptable readings of send.
const stored = "SELECT count() FROM raw.readings FINAL WHERE device_id = 'counter-1' AND seq = lane AND seq <= 3"

// send sends readings of counter-1 in these lanes and gives the codes of those
// that are refused.
func (s *stack) send(c *collector, epoch uint32, first uint64, lanes ...uint32) string {
	t := s.t
	t.Helper()
	token, err := os.ReadFile(filepath.Join(s.dir, "secrets", "token-agent"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+strings.TrimSpace(string(token))), callTime)
	defer cancel()
	stream, err := gantryv1.NewIngestServiceClient(c.conn).Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d := &gantryv1.DeviceBatch{DeviceId: "counter-1", Epoch: epoch, FirstSeq: first}
	for _, lane := range lanes {
		d.Readings = append(d.Readings, &gantryv1.Reading{
			ObservedAtUs: time.Now().UnixMicro(), Lane: lane,
			Measurement: &gantryv1.Reading_Counter{Counter: &gantryv1.CounterReading{VehicleClass: 1, LengthCm: 430, OccupiedMs: 200}},
		})
	}
	for _, m := range []*gantryv1.ConnectRequest{
		{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{AgentId: "roadside"}}},
		{Message: &gantryv1.ConnectRequest_Batch{Batch: &gantryv1.Batch{Number: 1, Devices: []*gantryv1.DeviceBatch{d}}}},
	} {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	_ = stream.CloseSend() // always nil, says grpc
	var codes strings.Builder
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return codes.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range m.GetAck().GetRejects() {
			codes.WriteString(strings.TrimPrefix(r.GetCode().String(), "REJECT_CODE_") + " ")
		}
	}
}

// realDevices is the example's network as an addition to the simulated one.
func (s *stack) realDevices() string {
	s.t.Helper()
	example, err := os.ReadFile("../clients/network.yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	simulated, err := os.ReadFile(s.networkFile())
	if err != nil {
		s.t.Fatal(err)
	}
	head := regexp.MustCompile(`(?m)^(name|zone):.*\n`)
	text := strings.Join(head.FindAllString(string(simulated), 2), "") + head.ReplaceAllString(string(example), "")
	path := filepath.Join(s.dir, "real.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}
