package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Progress is how far a consumer group is in a topic, in records of all
// partitions together.
type Progress struct {
	// End is all that was ever produced.
	End int64
	// Committed is what the group has committed, or retention took away.
	Committed int64
	// Lag is what the topic holds and the group has not committed.
	Lag int64
}

// ProgressOf asks for a group's progress. A group that has committed nothing,
// or does not exist yet, is behind by all that the topic holds.
func ProgressOf(ctx context.Context, admin *kadm.Client, topic, group string) (Progress, error) {
	var p Progress
	commits, err := admin.FetchOffsetsForTopics(ctx, group, topic)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return p, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return p, fmt.Errorf("start of %s: %w", topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return p, fmt.Errorf("end of %s: %w", topic, err)
	}
	ends.Each(func(end kadm.ListedOffset) {
		at := int64(0)
		if start, ok := starts.Lookup(end.Topic, end.Partition); ok {
			at = start.Offset
		}
		if c, ok := commits.Lookup(end.Topic, end.Partition); ok && c.Err == nil {
			at = max(at, c.At)
		}
		p.End += end.Offset
		p.Committed += at
		p.Lag += max(0, end.Offset-at)
	})
	return p, nil
}
