package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// DeviceStatus is what the collectors know of a device.
type DeviceStatus struct {
	// DeviceID is the device.
	DeviceID string
	// Epochs of the device, oldest first.
	Epochs []EpochStatus
	// LastObservedAtUS is the largest observed_at, microseconds since
	// 1970-01-01 UTC; 0 when there is none.
	LastObservedAtUS int64
	// LastReceivedAtUS is when the last reading arrived, microseconds since
	// 1970-01-01 UTC.
	LastReceivedAtUS int64
	// ClockSkewUS is the newest live reading's observed_at less its time of
	// arrival, microseconds.
	ClockSkewUS int64
	// Rejects by code, over all epochs; a reading sent twice may count twice.
	Rejects map[gantryv1.RejectCode]uint64
	// AgentID of the agent that sent last.
	AgentID string
}

// EpochStatus is how far an epoch of a device is.
type EpochStatus struct {
	// Epoch id.
	Epoch uint32
	// Seq is the durable position.
	Seq uint64
	// Ended says that the epoch's end is durable.
	Ended bool
	// LastObservedAtUS is the largest observed_at, microseconds since
	// 1970-01-01 UTC.
	LastObservedAtUS int64
}

// Positions follows the position topic, and holds what this collector had
// acknowledged itself. Ingest writes it; query reads it. All methods may be
// called from anywhere.
type Positions struct {
	cfg   kafka.ClientConfig
	log   *slog.Logger
	table *table
	ready chan struct{}
	once  sync.Once
}

// NewPositions makes an empty table of at most maxDeviceEpochs; Run fills it.
func NewPositions(cfg kafka.ClientConfig, maxDeviceEpochs int, log *slog.Logger) *Positions {
	if log == nil {
		log = slog.Default()
	}
	return &Positions{cfg: cfg, log: log, table: newTable(maxDeviceEpochs), ready: make(chan struct{})}
}

// Durable lists the durable positions of a device, oldest epoch first.
func (p *Positions) Durable(deviceID string) []*gantryv1.Position { return p.table.positions(deviceID) }

// Device is what is known of a device; only its id when nothing is.
func (p *Positions) Device(deviceID string) DeviceStatus { return p.table.status(deviceID) }

// Ready is closed once all was read that the topic held when Run began.
func (p *Positions) Ready() <-chan struct{} { return p.ready }

// Run follows the topic until the context ends; it returns nil then.
func (p *Positions) Run(ctx context.Context) error {
	client, err := kafka.NewClient(p.cfg, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		kafka.TopicPosition: {0: kgo.NewOffset().AtStart()},
	}), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer client.Close()
	end, err := p.end(ctx, client)
	if err != nil {
		return nil // only the context's end gets here
	}
	if end == 0 {
		p.setReady()
	}
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return nil
		}
		fetches.EachError(func(topic string, _ int32, err error) {
			p.log.Warn("position topic cannot be read, trying again", "topic", topic, "error", err)
		})
		fetches.EachRecord(func(r *kgo.Record) {
			p.take(r)
			// Compaction never removes the last record, so the end is met.
			if r.Offset+1 >= end {
				p.setReady()
			}
		})
	}
}

func (p *Positions) setReady() { p.once.Do(func() { close(p.ready) }) }

func (p *Positions) take(r *kgo.Record) {
	if r.Attrs.IsControl() || len(r.Value) == 0 {
		return
	}
	c := &gantryv1.Checkpoint{}
	err := proto.Unmarshal(r.Value, c)
	if err == nil && c.GetPosition().GetDeviceId() == "" {
		err = fmt.Errorf("checkpoint %q names no device", r.Key)
	}
	if err == nil {
		err = p.table.merge(c)
	}
	if err != nil {
		// A position that is not known lags: its readings are sent and
		// produced again, and collapse.
		p.log.Error("record of the position topic left out", "offset", r.Offset, "error", err)
	}
}

// end asks for the topic's end until it is answered.
func (p *Positions) end(ctx context.Context, client *kgo.Client) (int64, error) {
	for {
		offsets, err := kadm.NewClient(client).ListEndOffsets(ctx, kafka.TopicPosition)
		if err == nil {
			err = offsets.Error()
		}
		if err == nil {
			if o, ok := offsets.Lookup(kafka.TopicPosition, 0); ok {
				return o.Offset, nil
			}
			err = fmt.Errorf("no partition 0 in %s", kafka.TopicPosition)
		}
		p.log.Warn("end of the position topic is not known yet, trying again", "error", err)
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
