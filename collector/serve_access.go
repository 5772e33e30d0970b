package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gantry-dev/gantry/collector/access"
	"github.com/gantry-dev/gantry/collector/kafka"
)

// prepareAccess makes the guards of both ports.
func (c *collector) prepareAccess() error {
	cfg, err := c.grpc.AccessFlags.config()
	if err != nil {
		return err
	}
	cfg.Audit, cfg.Log, cfg.Metrics = auditTopic{c.client}, c.log, c.metrics
	doors, err := access.Open(cfg)
	if err != nil {
		return err
	}
	if !isLoopback(c.grpcListener.Addr()) && !doors.HasLogin() && c.TLSClientCAFile == "" {
		return fmt.Errorf("--grpc-addr %s is open to other machines and nobody could prove who they are: give --tokens-file or --tls-client-ca-file, or listen on 127.0.0.1", c.grpc.GRPCAddr)
	}
	c.guard, c.httpGuard = doors.Guard(c.grpcListener.Addr()), doors.Guard(c.httpListener.Addr())
	c.data = newDataMux(c.httpGuard, &c.api)
	return nil
}

// auditTopic keeps the audit log in Kafka.
type auditTopic struct{ client *kgo.Client }

var _ access.AuditLog = auditTopic{}

// Append writes one record.
func (a auditTopic) Append(ctx context.Context, record access.AuditRecord) error {
	return kafka.AppendAudit(ctx, a.client, record)
}
