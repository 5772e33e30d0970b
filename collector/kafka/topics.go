package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The topics. The version in a name changes when old readers could no longer
// read new records.
const (
	// TopicReading holds live readings, keyed by device id.
	TopicReading = "traffic.gantry.reading.v1"
	// TopicBackfill holds readings of the past, with the same codec, so that
	// history never starves live.
	TopicBackfill = "traffic.gantry.backfill.v1"
	// TopicReadingJSON holds the readings of TopicReading once more, as JSON and
	// with tokens in place of plates, for connectors that want that; there only
	// where JSONTopics are asked for.
	TopicReadingJSON = "traffic.gantry.reading.json.v1"
	// TopicBackfillJSON is the same of TopicBackfill.
	TopicBackfillJSON = "traffic.gantry.backfill.json.v1"
	// TopicDeadLetter holds gantry.v1.DeadLetter: what was refused for good.
	TopicDeadLetter = "traffic.gantry.dlq.v1"
	// TopicNetwork holds gantry.v1.NetworkRecord; compacted.
	TopicNetwork = "traffic.gantry.network.v1"
	// TopicPosition holds gantry.v1.Checkpoint; compacted.
	TopicPosition = "traffic.gantry.position.v1"
	// TopicLease holds gantry.v1.LeaseRecord; compacted, and of one partition
	// because one decider assigns all devices: capacity spans them.
	TopicLease = "traffic.gantry.lease.v1"
	// TopicAudit holds access.AuditRecord as JSON: who looked at single
	// vehicles, and why; of one partition, so that it is in order.
	TopicAudit = "traffic.gantry.audit.v1"
)

// Topic is one topic and how it is created.
type Topic struct {
	// Name of the topic.
	Name string
	// Partitions it is created with. More may be added by hand to those of
	// readings; the compacted ones must keep one.
	Partitions int32
	// Compact keeps the last record of each key instead of all for a time.
	Compact bool
	// RetentionMS is how long records are kept, in milliseconds; only
	// without Compact.
	RetentionMS int64
}

// weekMS bounds how long raw plates stay in Kafka: long enough to rebuild
// ClickHouse after a bad week, never longer than raw.readings keeps them.
const weekMS = 7 * 24 * 3600 * 1000

// auditMS keeps the audit log for thirteen months: whoever audits a year finds
// all of it.
const auditMS = 396 * 24 * 3600 * 1000

// Topics lists the topics that Gantry itself needs.
func Topics() []Topic {
	return []Topic{
		{Name: TopicReading, Partitions: 6, RetentionMS: weekMS},
		{Name: TopicBackfill, Partitions: 6, RetentionMS: weekMS},
		{Name: TopicDeadLetter, Partitions: 1, RetentionMS: weekMS},
		{Name: TopicNetwork, Partitions: 1, Compact: true},
		{Name: TopicPosition, Partitions: 1, Compact: true},
		{Name: TopicLease, Partitions: 1, Compact: true},
		{Name: TopicAudit, Partitions: 1, RetentionMS: auditMS},
	}
}

// JSONTopics lists what is written beside them for Kafka Connect and others,
// where that is asked for. Keys and partitions are those of the topics that they
// repeat.
func JSONTopics() []Topic {
	return []Topic{
		{Name: TopicReadingJSON, Partitions: 6, RetentionMS: weekMS},
		{Name: TopicBackfillJSON, Partitions: 6, RetentionMS: weekMS},
	}
}

// configs gives the topic's settings. Compacted topics are read whole at
// every start, so their segments roll early: the active one is never
// compacted.
func (t Topic) configs() map[string]*string {
	c := map[string]string{"cleanup.policy": "delete", "retention.ms": strconv.FormatInt(t.RetentionMS, 10)}
	if t.Compact {
		c = map[string]string{
			"cleanup.policy":            "compact",
			"segment.bytes":             "16777216",
			"segment.ms":                "600000",
			"min.cleanable.dirty.ratio": "0.1",
			// A follower that is away for longer than this could miss a
			// tombstone; all read from the start, so a day is ample.
			"delete.retention.ms": "86400000",
		}
	}
	c["max.message.bytes"] = strconv.Itoa(MaxRecordBatchBytes)
	// A record is stamped when it was produced; retention goes by that, not
	// by a device's clock.
	c["message.timestamp.type"] = "CreateTime"
	out := make(map[string]*string, len(c))
	for k, v := range c {
		out[k] = &v
	}
	return out
}

// EnsureTopics creates the topics that are missing, with the given number of
// replicas: those of Topics, and more if given. It leaves those that exist as
// they are, so that an operator's settings stand.
func EnsureTopics(ctx context.Context, client *kgo.Client, replication int16, more ...Topic) error {
	admin := kadm.NewClient(client)
	for _, t := range append(Topics(), more...) {
		r, err := admin.CreateTopic(ctx, t.Partitions, replication, t.configs(), t.Name)
		if err == nil {
			err = r.Err
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s with %d replicas: %w", t.Name, replication, err)
		}
	}
	return nil
}
