package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/gantry-dev/gantry/proto/transport"
)

// MaxRecordBatchBytes is the largest batch of records a producer makes and a
// topic takes.
const MaxRecordBatchBytes = 1 << 20

// ClientConfig has every limit of a client. Take DefaultClientConfig and
// change what differs.
type ClientConfig struct {
	// Brokers to begin with, as host:port.
	Brokers []string
	// ClientID is shown by the brokers.
	ClientID string
	// TLS makes connections to brokers; nil leaves them in the clear.
	TLS *transport.TLS
	// SASL proves who the client is; nil proves nothing.
	SASL sasl.Mechanism
	// Linger is how long a produced record may wait for company.
	Linger time.Duration
	// MaxBufferedRecords is how many records may wait to be acknowledged;
	// Produce blocks above it, so keep your own credit below.
	MaxBufferedRecords int
	// MaxBufferedBytes is the same in bytes of keys and values.
	MaxBufferedBytes int
	// DialTimeout bounds one attempt to connect.
	DialTimeout time.Duration
	// RequestTimeout bounds one request beyond what the request itself asks
	// the broker to wait.
	RequestTimeout time.Duration
	// RetryTimeout bounds all attempts of one request that is no produce.
	RetryTimeout time.Duration
	// ProduceTimeout is how long a broker waits for its replicas.
	ProduceTimeout time.Duration
	// DeliveryTimeout fails a record that was not acknowledged for so long;
	// 0 waits for ever, which lets a stalled Kafka push back on agents
	// instead of failing whatever else is buffered for the partition.
	DeliveryTimeout time.Duration
	// FetchMaxBytes bounds the answer to one fetch.
	FetchMaxBytes int32
	// FetchMaxPartitionBytes bounds one partition's share of it.
	FetchMaxPartitionBytes int32
	// FetchMaxWait is how long a broker holds an empty fetch.
	FetchMaxWait time.Duration
}

// DefaultClientConfig gives the settings that suit the collector.
func DefaultClientConfig(brokers ...string) ClientConfig {
	return ClientConfig{
		Brokers:                brokers,
		ClientID:               "gantry-collector",
		Linger:                 5 * time.Millisecond,
		MaxBufferedRecords:     200_000,
		MaxBufferedBytes:       64 << 20,
		DialTimeout:            5 * time.Second,
		RequestTimeout:         10 * time.Second,
		RetryTimeout:           30 * time.Second,
		ProduceTimeout:         10 * time.Second,
		DeliveryTimeout:        0,
		FetchMaxBytes:          32 << 20,
		FetchMaxPartitionBytes: 8 << 20,
		FetchMaxWait:           500 * time.Millisecond,
	}
}

// NewClient makes a client that produces idempotently with acks=all and reads
// only what is committed, from the start where it has no offset. It connects
// on first use. Options in opts win.
func NewClient(cfg ClientConfig, opts ...kgo.Opt) (*kgo.Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	all := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID(cfg.ClientID),
		kgo.DialTimeout(cfg.DialTimeout),
		kgo.RequestTimeoutOverhead(cfg.RequestTimeout),
		kgo.RetryTimeout(cfg.RetryTimeout),
		// A new topic or leader should be seen within seconds.
		kgo.MetadataMinAge(250 * time.Millisecond),
		kgo.MetadataMaxAge(30 * time.Second),

		// Idempotent writes are on unless DisableIdempotentWrite is given;
		// they need acks from all in-sync replicas.
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(cfg.Linger),
		// Compression costs more processor time than it saves here.
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(MaxRecordBatchBytes),
		kgo.MaxBufferedRecords(cfg.MaxBufferedRecords),
		kgo.MaxBufferedBytes(cfg.MaxBufferedBytes),
		kgo.ProduceRequestTimeout(cfg.ProduceTimeout),
		kgo.RecordDeliveryTimeout(cfg.DeliveryTimeout),
		// Keys choose partitions as Kafka's own clients do, so that other
		// producers and readers agree.
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),

		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(cfg.FetchMaxBytes),
		kgo.FetchMaxPartitionBytes(cfg.FetchMaxPartitionBytes),
		kgo.FetchMaxWait(cfg.FetchMaxWait),
	}
	client, err := kgo.NewClient(slices.Concat(all, cfg.security(), opts)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client for %s: %w", strings.Join(cfg.Brokers, ","), err)
	}
	return client, nil
}

// security has each connection made with the certificates of that moment.
func (c ClientConfig) security() []kgo.Opt {
	var opts []kgo.Opt
	if c.TLS != nil {
		opts = append(opts, kgo.Dialer(func(ctx context.Context, _, addr string) (net.Conn, error) {
			return c.TLS.Dial(ctx, addr, c.DialTimeout)
		}))
	}
	if c.SASL != nil {
		opts = append(opts, kgo.SASL(c.SASL))
	}
	return opts
}

func (c ClientConfig) check() error {
	if len(c.Brokers) == 0 {
		return errors.New("no Kafka broker given: name at least one as host:port with --kafka-brokers")
	}
	if c.MaxBufferedRecords <= 0 || c.MaxBufferedBytes <= 0 {
		return errors.New("kafka client without a limit on buffered records or bytes: set both above 0")
	}
	return nil
}
