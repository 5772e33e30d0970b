package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
)

// Config has every setting and limit of a Server. Take DefaultConfig and
// change what differs.
type Config struct {
	// CollectorID is this collector's name, unique among collectors.
	CollectorID string
	// Kafka is shown to Kafka's clients of this package. Its
	// MaxBufferedRecords and MaxBufferedBytes must exceed BufferedRecords and
	// BufferedBytes: when Produce blocks, throughput collapses.
	Kafka kafka.ClientConfig

	// MaxStreams is how many agents may be connected.
	MaxStreams int
	// MaxBatchBytes is the largest message of an agent, as sent.
	MaxBatchBytes int
	// MaxBatchReadings is the most readings in a batch.
	MaxBatchReadings int
	// MaxBatchDevices is the most DeviceBatches in a batch.
	MaxBatchDevices int
	// MaxReadingBytes is the largest reading; a larger one is malformed.
	MaxReadingBytes int
	// MaxDeadLetterBytes is how much of a refused reading is kept.
	MaxDeadLetterBytes int
	// MaxDeviceEpochs bounds the table of positions.
	MaxDeviceEpochs int
	// MaxInFlightBatches of one stream, received and not yet answered; beyond
	// it the stream is not read.
	MaxInFlightBatches int
	// MaxInFlightBytes is the same in bytes as sent. One batch may always be
	// in flight.
	MaxInFlightBytes int
	// MaxHelloDevices bounds static_devices and acknowledged of Hello.
	MaxHelloDevices int
	// MaxMessageEntries is the most positions or rejects in one message to
	// an agent; what is more goes into further messages.
	MaxMessageEntries int
	// BufferedRecords bounds the records of all streams that Kafka has not
	// acknowledged; BackfillShare of it is open to backfill.
	BufferedRecords int
	// BufferedBytes is the same in bytes of values.
	BufferedBytes int
	// BackfillShare is the part of the credit that backfill may take, 0 to 1.
	BackfillShare float64

	// LiveBatches and LiveBytes are the window given to agents for live
	// batches.
	LiveBatches uint32
	// LiveBytes of that window.
	LiveBytes uint64
	// BackfillBatches and BackfillBytes are the window for backfill.
	BackfillBatches uint32
	// BackfillBytes of that window.
	BackfillBytes uint64
	// BackfillLag is how many records the sink may be behind on the backfill
	// topic before backfill pauses; it goes on below half of it. 0 never
	// pauses.
	BackfillLag int64
	// LagInterval is how often that lag is asked for.
	LagInterval time.Duration
	// LagTimeout bounds one answer.
	LagTimeout time.Duration

	// Heartbeat is how long to say nothing to an agent at the most; agents
	// are told to do the same.
	Heartbeat time.Duration
	// Silence ends a stream on which nothing came or could be sent for so
	// long.
	Silence time.Duration
	// HelloTimeout ends a stream that does not begin with Hello in time.
	HelloTimeout time.Duration
	// MaxStreamAge ends streams by Drain, so that load spreads after a new
	// collector came; a tenth of it either way is chance.
	MaxStreamAge time.Duration
	// DrainGrace is how long a drained stream may take to end.
	DrainGrace time.Duration
	// ReconnectAfter is what a drained agent is told to wait.
	ReconnectAfter time.Duration
	// LeaseTTL is told to agents.
	LeaseTTL time.Duration
	// EpochAheadRetry is when readings of a day to come may be sent again.
	EpochAheadRetry time.Duration
	// CheckpointInterval is how often moved positions are written.
	CheckpointInterval time.Duration
	// CheckpointTimeout bounds one writing.
	CheckpointTimeout time.Duration

	// WriteJSON writes each accepted reading to the JSON topic too, which must
	// be there: it is acknowledged when both records are in Kafka.
	WriteJSON bool
	// PlateKey makes the tokens that stand for plates there.
	PlateKey platekey.Key

	// BackfillTopic and BackfillGroup say whose lag paces backfill: the topic,
	// and the consumer group that carries it to ClickHouse.
	BackfillTopic, BackfillGroup string

	// Now is the clock; nil takes time.Now.
	Now func() time.Time
	// Log takes what happens; nil takes slog.Default.
	Log *slog.Logger
	// Metrics takes the gantry_ingest_ metrics; nil registers them nowhere.
	Metrics prometheus.Registerer
	// Crash is called at crash points; nil is off. The points are
	// "ingest.produced": a batch is in Kafka, its Ack is not sent; and
	// "ingest.acked": the Ack is sent, the checkpoint not written.
	Crash func(point string)
}

// DefaultConfig gives the limits that suit a collector of two cores.
func DefaultConfig(collectorID string, client kafka.ClientConfig) Config {
	return Config{
		CollectorID: collectorID,
		Kafka:       client,

		BackfillTopic: kafka.TopicBackfill,
		BackfillGroup: kafka.GroupSinkBackfill,

		MaxStreams:         1000,
		MaxBatchBytes:      4 << 20,
		MaxBatchReadings:   50_000,
		MaxBatchDevices:    20_000,
		MaxReadingBytes:    4 << 10,
		MaxDeadLetterBytes: 64 << 10,
		MaxDeviceEpochs:    2_000_000,
		MaxInFlightBatches: 64,
		MaxInFlightBytes:   16 << 20,
		MaxHelloDevices:    100_000,
		MaxMessageEntries:  8192,
		BufferedRecords:    client.MaxBufferedRecords / 2,
		BufferedBytes:      client.MaxBufferedBytes / 2,
		BackfillShare:      0.5,

		LiveBatches:     32,
		LiveBytes:       4 << 20,
		BackfillBatches: 16,
		BackfillBytes:   8 << 20,
		BackfillLag:     2_000_000,
		LagInterval:     time.Second,
		LagTimeout:      5 * time.Second,

		Heartbeat:          5 * time.Second,
		Silence:            20 * time.Second,
		HelloTimeout:       10 * time.Second,
		MaxStreamAge:       30 * time.Minute,
		DrainGrace:         10 * time.Second,
		ReconnectAfter:     500 * time.Millisecond,
		LeaseTTL:           15 * time.Second,
		EpochAheadRetry:    time.Minute,
		CheckpointInterval: 2 * time.Second,
		CheckpointTimeout:  10 * time.Second,
	}
}

// check says what is wrong with a Config, and fills in what was left out.
func (c *Config) check() error {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	switch {
	case c.CollectorID == "":
		return errors.New("ingest: no collector id given: set a name that no other collector has")
	case c.MaxStreams <= 0 || c.MaxBatchBytes <= 0 || c.MaxBatchReadings <= 0 || c.MaxBatchDevices <= 0 ||
		c.MaxReadingBytes <= 0 || c.MaxDeadLetterBytes <= 0 || c.MaxDeviceEpochs <= 0 ||
		c.MaxInFlightBatches <= 0 || c.MaxInFlightBytes <= 0 || c.MaxHelloDevices <= 0 || c.MaxMessageEntries <= 0:
		return errors.New("ingest: a limit is missing: start from DefaultConfig")
	case c.Heartbeat <= 0 || c.Silence <= c.Heartbeat || c.HelloTimeout <= 0 || c.MaxStreamAge <= 0 ||
		c.DrainGrace <= 0 || c.CheckpointInterval <= 0 || c.CheckpointTimeout <= 0 || c.LagInterval <= 0 || c.LagTimeout <= 0:
		return errors.New("ingest: a time is missing, or Silence is not above Heartbeat: start from DefaultConfig")
	case c.BufferedRecords >= c.Kafka.MaxBufferedRecords || c.BufferedBytes >= c.Kafka.MaxBufferedBytes:
		return fmt.Errorf("ingest: BufferedRecords %d and BufferedBytes %d must stay below the Kafka client's %d and %d, or Produce would block",
			c.BufferedRecords, c.BufferedBytes, c.Kafka.MaxBufferedRecords, c.Kafka.MaxBufferedBytes)
	case c.WriteJSON && c.PlateKey == platekey.Key{}:
		return errors.New("ingest: WriteJSON needs PlateKey: plates must not stand in the JSON topics")
	case c.BackfillTopic == "" || c.BackfillGroup == "":
		return errors.New("ingest: BackfillTopic or BackfillGroup is missing: start from DefaultConfig")
	case c.BackfillShare <= 0 || c.BackfillShare > 1:
		return fmt.Errorf("ingest: BackfillShare %g is not above 0 and up to 1", c.BackfillShare)
	}
	return nil
}

// ServerOptions are what the gRPC server of this service needs: a codec that
// hands a stream's messages over as bytes and leaves all other methods alone,
// and room for a message somewhat above the limit, so that it is refused with
// a reason.
func (c Config) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(codec{}),
		grpc.MaxRecvMsgSize(2 * c.MaxBatchBytes),
	}
}

func (c Config) crash(point string) {
	if c.Crash != nil {
		c.Crash(point)
	}
}
