package conformance

import (
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/gantry-dev/gantry/collector/kafka"
)

// Config has every setting and limit of a check. Take DefaultConfig and change
// what differs.
type Config struct {
	// Listener is where the client connects to; Run closes it.
	Listener net.Listener
	// Network is what the client's devices are, and what readings are judged
	// by.
	Network *kafka.NetworkSnapshot
	// Patience is how long to wait for anything that the client ought to do:
	// to connect, or to send a reading.
	Patience time.Duration
	// EndPatience is how long to wait for the end of an epoch, at last.
	EndPatience time.Duration
	// Grace is how long a client may go on as before after it was told of a
	// change, for what it had sent already.
	Grace time.Duration
	// Heartbeat is told to the client, and kept.
	Heartbeat time.Duration
	// MaxBatchBytes and MaxBatchReadings are told to the client.
	MaxBatchBytes, MaxBatchReadings uint32
	// Skip names requirements that the client need not keep.
	Skip []string
	// Progress is told what is being done; nil tells nobody.
	Progress func(sentence string)
	// Log takes what happens; nil takes slog.Default.
	Log *slog.Logger
}

// DefaultConfig gives times that suit a client which sends a reading every
// second.
func DefaultConfig(listener net.Listener, network *kafka.NetworkSnapshot) Config {
	return Config{
		Listener: listener, Network: network,
		Patience: 30 * time.Second, EndPatience: 30 * time.Second, Grace: time.Second, Heartbeat: time.Second,
		MaxBatchBytes: 64 << 10, MaxBatchReadings: 200,
	}
}

func (c *Config) check() error {
	switch {
	case c.Listener == nil || c.Network == nil:
		return errors.New("conformance: a listener or the network is missing")
	case len(c.Network.Devices) == 0:
		return errors.New("conformance: the network has no device: give one that has the client's")
	case c.Patience <= 0 || c.EndPatience <= 0 || c.Grace <= 0 || c.Heartbeat <= 0 || c.MaxBatchBytes == 0 || c.MaxBatchReadings == 0:
		return errors.New("conformance: a time or limit is missing: start from DefaultConfig")
	}
	for _, id := range c.Skip {
		if requirementOf(id) == nil {
			return errors.New("conformance: there is no requirement " + id + " to skip")
		}
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}
