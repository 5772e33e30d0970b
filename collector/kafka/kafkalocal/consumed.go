package kafkalocal

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// deleteConsumed shortens each partition of the topics to about keepBytes, but
// never beyond what the topic's group has committed. Kafka's own retention by
// size knows no consumers: with ClickHouse away for long it would delete
// readings that are nowhere else.
func deleteConsumed(ctx context.Context, admin *kadm.Client, consumers map[string]string, keepBytes int64) error {
	var all error
	for topic, group := range consumers {
		if err := deleteConsumedOf(ctx, admin, topic, group, keepBytes); err != nil {
			all = errors.Join(all, fmt.Errorf("delete what group %s has consumed of %s: %w", group, topic, err))
		}
	}
	return all
}

func deleteConsumedOf(ctx context.Context, admin *kadm.Client, topic, group string, keepBytes int64) error {
	commits, err := admin.FetchOffsetsForTopics(ctx, group, topic)
	if errors.Is(err, kerr.GroupIDNotFound) || errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil // nothing is consumed yet
	}
	if err != nil {
		return err
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	sizes, err := admin.DescribeAllLogDirs(ctx, ends.Offsets().TopicsSet())
	if err != nil {
		return err
	}
	cuts := kadm.Offsets{}
	sizes.Each(func(dir kadm.DescribedLogDir) {
		dir.Topics.Each(func(p kadm.DescribedLogDirPartition) {
			start, known := starts.Lookup(p.Topic, p.Partition)
			end, ended := ends.Lookup(p.Topic, p.Partition)
			commit, committed := commits.Lookup(p.Topic, p.Partition)
			if !known || !ended || !committed || start.Err != nil || end.Err != nil || commit.Err != nil {
				return
			}
			if at := cut(start.Offset, end.Offset, commit.At, p.Size, keepBytes); at > start.Offset {
				cuts.AddOffset(p.Topic, p.Partition, at, -1)
			}
		})
	})
	if len(cuts) == 0 {
		return nil
	}
	deleted, err := admin.DeleteRecords(ctx, cuts)
	if err != nil {
		return err
	}
	return deleted.Error()
}

// cut gives the offset that a partition from start up to end, of size bytes,
// may begin at: about keep bytes stay, records being of like size, and all
// from committed on. A negative committed is none.
func cut(start, end, committed, size, keep int64) int64 {
	if size <= keep || end <= start {
		return start
	}
	kept := int64(float64(end-start)*float64(keep)/float64(size)) + 1
	return max(start, min(committed, end-kept))
}
