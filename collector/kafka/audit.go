package kafka

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// AppendAudit writes one record, as JSON, to the audit topic and returns once
// all in-sync replicas have it. When the context ends first the record may
// still be written.
//
// Kafka and not a file, for collectors have no disk: what they write beside it
// is gone with the container. JSON, so that an auditor needs nothing but a
// console consumer.
func AppendAudit(ctx context.Context, client *kgo.Client, record any) error {
	value, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("audit record: %w", err)
	}
	// The client holds a record that is on its way until Kafka answers,
	// however long; whoever waits here must not.
	done := make(chan error, 1)
	client.Produce(ctx, &kgo.Record{Topic: TopicAudit, Value: value}, func(_ *kgo.Record, err error) { done <- err })
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("write to %s: %w", TopicAudit, err)
	}
	return nil
}
