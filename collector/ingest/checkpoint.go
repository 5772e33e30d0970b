package ingest

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// checkpointChunk is how many checkpoints are under way at once.
const checkpointChunk = 5000

// newCheckpointClient makes the client that checkpoints are written with. It
// is not the one of readings: a connection is answered in order, and behind
// megabytes of history a few positions would wait for as long as those take.
func newCheckpointClient(cfg kafka.ClientConfig) (*kgo.Client, error) {
	cfg.ClientID += "-checkpoints"
	cfg.Linger = 0 // written together already
	cfg.MaxBufferedRecords = 2 * checkpointChunk
	return kafka.NewClient(cfg)
}

// writeCheckpoints writes what moved, every interval, until the context ends.
func (s *Server) writeCheckpoints(ctx context.Context) {
	tick := time.NewTicker(s.cfg.CheckpointInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		attempt, cancel := context.WithTimeout(ctx, s.cfg.CheckpointTimeout)
		if err := s.flushCheckpoints(attempt); err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("checkpoints could not be written, trying again", "waiting", s.positions.table.waiting(), "error", err)
		}
		cancel()
	}
}

// flushCheckpoints writes all that has moved when it is called; what moves
// meanwhile waits for the next call, or a busy collector would never be done
// and every call would end by its timeout. One at a time, so that records of a
// device epoch stand in the topic in the order of its positions.
func (s *Server) flushCheckpoints(ctx context.Context) error {
	s.checkpointing.Lock()
	defer s.checkpointing.Unlock()
	began := time.Now()
	for left := s.positions.table.waiting(); left > 0; {
		rows, checkpoints := s.positions.table.checkpoints(min(left, checkpointChunk), s.cfg.CollectorID)
		left -= len(rows)
		records := make([]*kgo.Record, 0, len(rows))
		for i, c := range checkpoints {
			value, err := proto.Marshal(c)
			if err != nil {
				s.cfg.Log.Error("checkpoint cannot be encoded", "device_id", rows[i].device, "epoch", rows[i].epoch, "error", err)
				continue
			}
			records = append(records, &kgo.Record{Topic: kafka.TopicPosition, Key: checkpointKey(rows[i]), Value: value})
		}
		if err := s.produceCheckpoints(ctx, records); err != nil {
			s.positions.table.retry(rows)
			return fmt.Errorf("write %d checkpoints: %w", len(rows), err)
		}
		s.metrics.checkpoints.Add(float64(len(rows)))
		if left == 0 {
			s.metrics.checkpointSeconds.Observe(time.Since(began).Seconds())
		}
	}
	return nil
}

// produceCheckpoints waits for Kafka or for the end of the context. The
// client's own ProduceSync outlasts the context once a record is under way,
// for it may be in the log already. What is under way here goes on too, ahead
// of whatever is written after it, and is bounded by the client.
func (s *Server) produceCheckpoints(ctx context.Context, records []*kgo.Record) error {
	results := make(chan error, len(records))
	for _, r := range records {
		s.checkpoints.Produce(ctx, r, func(_ *kgo.Record, err error) { results <- err })
	}
	var first error
	for range records {
		select {
		case err := <-results:
			first = cmp.Or(first, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return first
}

// checkpointKey keeps one record per device epoch under compaction.
func checkpointKey(r *row) []byte {
	return strconv.AppendUint(append([]byte(r.device), '/'), uint64(r.epoch), 10)
}
