package redrive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// lettersAtOnce is how many letters are judged before what they made is waited
// for.
const lettersAtOnce = 10_000

// letters reads the dead-letter topic to the end that it has now, by
// partition, and produces what is acceptable.
func (r *run) letters(ctx context.Context) (map[int32]int64, error) {
	admin := kadm.NewClient(r.client)
	starts, err := admin.ListStartOffsets(ctx, kafka.TopicDeadLetter)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("start of %s: %w", kafka.TopicDeadLetter, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, kafka.TopicDeadLetter)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("end of %s: %w", kafka.TopicDeadLetter, err)
	}
	end, left := map[int32]int64{}, map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		end[o.Partition] = o.Offset
		if start, ok := starts.Lookup(o.Topic, o.Partition); ok && start.Offset < o.Offset {
			left[o.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	if len(left) == 0 {
		return end, nil
	}
	reader, err := kafka.NewClient(r.cfg.Kafka, kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{kafka.TopicDeadLetter: left}))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for len(left) > 0 {
		fetches := reader.PollRecords(ctx, lettersAtOnce)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			return nil, fmt.Errorf("read %s: %w", kafka.TopicDeadLetter, err)
		}
		var records []*kgo.Record
		fetches.EachRecord(func(l *kgo.Record) {
			if l.Offset+1 >= end[l.Partition] {
				delete(left, l.Partition)
			}
			if l.Offset >= end[l.Partition] || l.Attrs.IsControl() {
				return
			}
			if again := r.letter(l.Value); again != nil {
				records = append(records, again)
			}
		})
		if err := r.produce(ctx, records); err != nil {
			return nil, err
		}
	}
	return end, nil
}

func (r *run) produce(ctx context.Context, records []*kgo.Record) error {
	if len(r.sent) > r.cfg.MaxReadings {
		return fmt.Errorf("more than %d readings are to be sent again: take some --device at a time", r.cfg.MaxReadings)
	}
	if r.cfg.DryRun || len(records) == 0 {
		return nil
	}
	if err := r.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("send readings again to %s: %w", kafka.TopicBackfill, err)
	}
	return nil
}

// lookAgain is how often the sink's progress is asked for.
const lookAgain = 200 * time.Millisecond

// awaitSink waits until the sink has mirrored every letter that was read: one
// that came into raw.rejects later would stay there.
func (r *run) awaitSink(ctx context.Context, end map[int32]int64) error {
	admin := kadm.NewClient(r.client)
	for {
		commits, err := admin.FetchOffsetsForTopics(ctx, kafka.GroupSinkReject, kafka.TopicDeadLetter)
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return fmt.Errorf("progress of group %s: %w", kafka.GroupSinkReject, err)
		}
		behind := false
		for partition, offset := range end {
			c, ok := commits.Lookup(kafka.TopicDeadLetter, partition)
			behind = behind || offset > 0 && (!ok || c.Err != nil || c.At < offset)
		}
		if !behind {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the sink has not mirrored the dead letters into raw.rejects: is a collector with the sink running? %w", context.Cause(ctx))
		case <-time.After(lookAgain):
		}
	}
}
