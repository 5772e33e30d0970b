package redrive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Config is one run.
type Config struct {
	// Kafka has the topics.
	Kafka kafka.ClientConfig
	// ClickHouse reaches raw.rejects as a user like collector.
	ClickHouse clickhouse.Config
	// Devices limits the run to these; none is all.
	Devices []string
	// DryRun only judges.
	DryRun bool
	// MaxReadings bounds what one run sends again, for their identities are
	// kept in memory.
	MaxReadings int
}

// Why is a reason for which readings were, or are, refused.
type Why struct {
	// Code of the reject.
	Code gantryv1.RejectCode
	// Field at fault; empty when none is.
	Field string
}

// Report counts dead letters of the devices that were asked for.
type Report struct {
	// Letters is how many there are.
	Letters int
	// Sent are readings sent again, by why they had been refused.
	Sent map[Why]int
	// Stay are those that are still refused, by why.
	Stay map[Why]int
	// Repeats are letters of a reading that another letter had already.
	Repeats int
	// Others are letters of what is no reading: records of other topics, or
	// bytes that name no device.
	Others int
	// Deleted are rejects that were taken out of raw.rejects.
	Deleted int
}

// identity of a reading.
type identity struct {
	device string
	epoch  uint32
	seq    uint64
}

// run is one run under way.
type run struct {
	cfg     Config
	network *kafka.NetworkSnapshot
	client  *kgo.Client
	report  Report
	sent    map[identity]struct{}
}

// Run does all of it. It may run again, at any time and after any failure.
func Run(ctx context.Context, cfg Config) (Report, error) {
	r := &run{cfg: cfg, sent: map[identity]struct{}{}, report: Report{Sent: map[Why]int{}, Stay: map[Why]int{}}}
	err := r.run(ctx)
	if err != nil {
		err = fmt.Errorf("redrive: %w; what was sent again counts once: run it again", err)
	}
	return r.report, err
}

func (r *run) run(ctx context.Context) error {
	var err error
	if r.network, err = kafka.ReadNetwork(ctx, r.cfg.Kafka); err != nil {
		return err
	}
	if len(r.network.Devices) == 0 {
		return errors.New("no network has been applied, so nothing is acceptable: collector network apply FILE")
	}
	if r.client, err = kafka.NewClient(r.cfg.Kafka); err != nil {
		return err
	}
	defer r.client.Close()
	end, err := r.letters(ctx)
	if err != nil || r.cfg.DryRun || len(r.sent) == 0 {
		return err
	}
	if err := r.awaitSink(ctx, end); err != nil {
		return err
	}
	return r.forget(ctx)
}

// letter judges one dead letter again and gives the record to produce, nil
// where there is none.
func (r *run) letter(value []byte) *kgo.Record {
	letter := &gantryv1.DeadLetter{}
	if err := proto.Unmarshal(value, letter); err != nil {
		r.report.Letters++
		r.report.Others++
		return nil
	}
	id, raw, ok := reading(letter)
	if len(r.cfg.Devices) > 0 && !slices.Contains(r.cfg.Devices, id.device) {
		return nil
	}
	r.report.Letters++
	if !ok {
		r.report.Others++
		return nil
	}
	if reject := ingest.Judge(id.device, id.epoch, id.seq, raw, r.network.Devices[id.device]); reject != nil {
		r.report.Stay[Why{reject.GetCode(), reject.GetField()}]++
		return nil
	}
	if _, again := r.sent[id]; again {
		r.report.Repeats++
		return nil
	}
	r.sent[id] = struct{}{}
	r.report.Sent[Why{letter.GetReject().GetCode(), letter.GetReject().GetField()}]++
	out := append(kafka.AppendIdentity(nil, []byte(id.device), id.epoch, id.seq), raw...)
	return &kgo.Record{Topic: kafka.TopicBackfill, Key: []byte(id.device), Value: out}
}

// reading gives the identity of a letter's reading and the bytes as the device
// sent them; a letter of the sink has the whole record.
func reading(letter *gantryv1.DeadLetter) (identity, []byte, bool) {
	switch letter.GetSourceTopic() {
	case "":
		j := letter.GetReject()
		return identity{j.GetDeviceId(), j.GetEpoch(), j.GetSeq()}, letter.GetValue(), j.GetDeviceId() != ""
	case kafka.TopicReading, kafka.TopicBackfill:
		var got kafka.Reading
		if err := got.Parse(letter.GetValue()); err != nil || len(got.DeviceID) == 0 {
			return identity{}, nil, false
		}
		front := kafka.AppendIdentity(nil, got.DeviceID, got.Epoch, got.Seq)
		raw, ok := bytes.CutPrefix(letter.GetValue(), front)
		return identity{string(got.DeviceID), got.Epoch, got.Seq}, raw, ok
	default:
		return identity{}, nil, false
	}
}

// deletedAtOnce bounds the length of a statement.
const deletedAtOnce = 2000

// forget takes the rejects of what was sent out of raw.rejects: a reading is
// stored or refused, and losses are counted by that.
func (r *run) forget(ctx context.Context) error {
	conn, err := clickhouse.Open(r.cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // all that was written was confirmed
	all := make([]identity, 0, len(r.sent))
	for id := range r.sent {
		all = append(all, id)
	}
	for some := range slices.Chunk(all, deletedAtOnce) {
		list := make([]string, 0, len(some))
		for _, id := range some {
			list = append(list, fmt.Sprintf("(%s, %d, %d)", quoted(id.device), id.epoch, id.seq))
		}
		where := " FROM raw.rejects WHERE (device_id, epoch, seq) IN (" + strings.Join(list, ", ") + ")"
		var there uint64
		if err := conn.QueryRow(ctx, "SELECT uniqExact(device_id, epoch, seq)"+where).Scan(&there); err != nil {
			return fmt.Errorf("look into raw.rejects: %w", err)
		}
		if err := conn.Exec(ctx, "DELETE"+where); err != nil {
			return fmt.Errorf("delete from raw.rejects: %w", err)
		}
		r.report.Deleted += int(there)
	}
	return nil
}

// quoted is a text as a literal of ClickHouse.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
