package sink

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/platekey"
)

// Limits bound one pipeline.
type Limits struct {
	// FlushEvery is how long rows may wait for company in the open block.
	FlushEvery time.Duration
	// MaxRows seals the open block.
	MaxRows int
	// MaxBytes seals the open block; counted in bytes of record values.
	MaxBytes int
	// MaxDays seals the open block: an insert into more than 100 partitions
	// of the table (a partition is a day) fails.
	MaxDays int
	// PollRecords is the most records of one poll.
	PollRecords int
	// FetchMinBytes and FetchMaxWait let the broker gather records before it
	// answers: at low rates most processor time is spent on waking up.
	FetchMinBytes int32
	// FetchMaxWait is how long the broker may gather.
	FetchMaxWait time.Duration
	// FetchMaxBytes bounds one fetch, and with it what waits decoded in the
	// client: about five times as many bytes, for a record is larger in
	// memory.
	FetchMaxBytes int32
	// Inserters is how many blocks may be on their way at once. While they
	// and one more are waiting, nothing is polled.
	Inserters int
}

// Config says how the sink works. Take DefaultConfig and change what differs.
type Config struct {
	// Kafka reaches the brokers.
	Kafka kafka.ClientConfig
	// ClickHouse reaches the server; the user must own database raw.
	ClickHouse clickhouse.Config
	// PlateKey makes tokens of plates; platekey.Load reads one.
	PlateKey platekey.Key
	// SkipReadings leaves readings, live and backfill, to somebody else who
	// carries the JSON topics to raw.incoming; rejects and the network remain.
	SkipReadings bool
	// Live bounds the pipeline of live readings.
	Live Limits
	// Backfill bounds the pipeline of readings of the past.
	Backfill Limits
	// Slow bounds the pipelines of dead letters and of the network.
	Slow Limits
	// InsertTimeout bounds one attempt to insert a block.
	InsertTimeout time.Duration
	// RetryMin and RetryMax bound the pause between attempts; it doubles.
	RetryMin, RetryMax time.Duration
	// CommitTimeout bounds one commit.
	CommitTimeout time.Duration
	// SessionTimeout is how long the group waits for a member that went
	// without a word before it gives its partitions to others.
	SessionTimeout time.Duration
	// HeartbeatEvery is how often a member says that it lives; at most a
	// third of SessionTimeout.
	HeartbeatEvery time.Duration
	// RebalanceTimeout is how long the group waits for this member to give up
	// its partitions; above InsertTimeout and RevokeWait.
	RebalanceTimeout time.Duration
	// RevokeWait is how long a partition is held back for inserts under way.
	RevokeWait time.Duration
	// ShutdownWait is how long the blocks under way may take at the end.
	ShutdownWait time.Duration
	// PurgesEvery is how old the list of purged vehicles may be when an insert
	// begins.
	PurgesEvery time.Duration
	// LagEvery is how often Kafka is asked how far behind the groups are.
	LagEvery time.Duration
	// Crash is called at the named points of fault tests; nil does nothing.
	Crash func(point string)
}

// DefaultConfig gives the limits that were measured to suit two cores: larger
// fetches and live blocks cost memory and carry no more.
func DefaultConfig(k kafka.ClientConfig, c clickhouse.Config, key platekey.Key) Config {
	return Config{
		Kafka: k, ClickHouse: c, PlateKey: key,
		Live: Limits{
			FlushEvery: 500 * time.Millisecond, MaxRows: 50_000, MaxBytes: 16 << 20, MaxDays: 90,
			PollRecords: 20_000, FetchMinBytes: 64 << 10, FetchMaxWait: 100 * time.Millisecond, FetchMaxBytes: 1 << 20, Inserters: 1,
		},
		Backfill: Limits{
			FlushEvery: 2 * time.Second, MaxRows: 200_000, MaxBytes: 64 << 20, MaxDays: 90,
			PollRecords: 20_000, FetchMinBytes: 512 << 10, FetchMaxWait: 500 * time.Millisecond, FetchMaxBytes: 1 << 20, Inserters: 1,
		},
		Slow: Limits{
			FlushEvery: 500 * time.Millisecond, MaxRows: 10_000, MaxBytes: 16 << 20, MaxDays: 90,
			PollRecords: 2_000, FetchMinBytes: 1, FetchMaxWait: 500 * time.Millisecond, FetchMaxBytes: 8 << 20, Inserters: 1,
		},
		InsertTimeout:    20 * time.Second,
		RetryMin:         100 * time.Millisecond,
		RetryMax:         5 * time.Second,
		CommitTimeout:    10 * time.Second,
		SessionTimeout:   10 * time.Second,
		HeartbeatEvery:   3 * time.Second,
		RebalanceTimeout: 30 * time.Second,
		RevokeWait:       10 * time.Second,
		ShutdownWait:     15 * time.Second,
		PurgesEvery:      5 * time.Second,
		LagEvery:         5 * time.Second,
	}
}

func (c Config) check() error {
	if c.PlateKey == (platekey.Key{}) {
		return errors.New("sink: Config.PlateKey is not set: read one with platekey.Load")
	}
	if c.RebalanceTimeout <= c.InsertTimeout || c.RebalanceTimeout <= c.RevokeWait {
		return fmt.Errorf("sink: RebalanceTimeout %s must exceed InsertTimeout %s and RevokeWait %s, or the group gives partitions away under an insert",
			c.RebalanceTimeout, c.InsertTimeout, c.RevokeWait)
	}
	for name, l := range map[string]Limits{"Live": c.Live, "Backfill": c.Backfill, "Slow": c.Slow} {
		if l.FlushEvery <= 0 || l.MaxRows <= 0 || l.MaxBytes <= 0 || l.PollRecords <= 0 || l.FetchMaxBytes <= 0 || l.Inserters <= 0 {
			return fmt.Errorf("sink: %s has a limit that is not above 0", name)
		}
		if l.MaxDays < 1 || l.MaxDays > 99 {
			return fmt.Errorf("sink: %s.MaxDays is %d: choose 1 to 99, ClickHouse refuses an insert into more than 100 partitions", name, l.MaxDays)
		}
	}
	if c.Slow.MaxRows > math.MaxUint16 {
		return fmt.Errorf("sink: Slow.MaxRows is %d: choose at most %d, which a dictionary always has room for", c.Slow.MaxRows, math.MaxUint16)
	}
	return nil
}
