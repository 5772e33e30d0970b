package ingest

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// checkpointChunk is how many checkpoints are under way at once: it stays
// well inside what Kafka's client has left above the credit.
const checkpointChunk = 5000

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

// flushCheckpoints writes all that has moved. One at a time, so that records
// of a device epoch stand in the topic in the order of its positions.
func (s *Server) flushCheckpoints(ctx context.Context) error {
	s.checkpointing.Lock()
	defer s.checkpointing.Unlock()
	for {
		rows, checkpoints := s.positions.table.checkpoints(checkpointChunk, s.cfg.CollectorID)
		if len(rows) == 0 {
			return nil
		}
		records := make([]*kgo.Record, 0, len(rows))
		for i, c := range checkpoints {
			value, err := proto.Marshal(c)
			if err != nil {
				s.cfg.Log.Error("checkpoint cannot be encoded", "device_id", rows[i].device, "epoch", rows[i].epoch, "error", err)
				continue
			}
			records = append(records, &kgo.Record{Topic: kafka.TopicPosition, Key: checkpointKey(rows[i]), Value: value})
		}
		if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
			s.positions.table.retry(rows)
			return fmt.Errorf("write %d checkpoints: %w", len(rows), err)
		}
		s.metrics.checkpoints.Add(float64(len(rows)))
	}
}

// checkpointKey keeps one record per device epoch under compaction.
func checkpointKey(r *row) []byte {
	return strconv.AppendUint(append([]byte(r.device), '/'), uint64(r.epoch), 10)
}
