package ingest

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are the gantry_ingest_ metrics.
type metrics struct {
	accepted    prometheus.Counter
	rejected    *prometheus.CounterVec
	skipped     prometheus.Counter
	resends     *prometheus.CounterVec
	batches     *prometheus.CounterVec
	bytes       prometheus.Counter
	streams     prometheus.Gauge
	ends        *prometheus.CounterVec
	ackSeconds  *prometheus.HistogramVec
	records     prometheus.Gauge
	recordBytes prometheus.Gauge
	creditWaits prometheus.Counter
	failures    prometheus.Counter
	backfillLag prometheus.Gauge
	checkpoints prometheus.Counter

	checkpointSeconds prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	return &metrics{
		accepted: counter("gantry_ingest_readings_accepted_total", "Readings that are in Kafka."),
		rejected: vec("gantry_ingest_readings_rejected_total", "Readings refused for good, in the dead-letter topic.", "code"),
		skipped:  counter("gantry_ingest_readings_skipped_total", "Readings acknowledged without producing: they were durable already."),
		resends:  vec("gantry_ingest_resends_total", "Device batches of which the readings were asked for again.", "reason"),
		batches:  vec("gantry_ingest_batches_total", "Batches answered.", "lane"),
		bytes:    counter("gantry_ingest_received_bytes_total", "Bytes of messages received."),
		streams:  gauge("gantry_ingest_streams", "Agents connected."),
		ends:     vec("gantry_ingest_stream_ends_total", "Streams that ended, by gRPC code.", "code"),
		ackSeconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gantry_ingest_ack_seconds", Help: "From receiving a batch until Kafka has all of it.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60},
		}, []string{"lane"}),
		records:     gauge("gantry_ingest_credit_used_records", "Records given to Kafka and not acknowledged."),
		recordBytes: gauge("gantry_ingest_credit_used_bytes", "Bytes of those records."),
		creditWaits: counter("gantry_ingest_credit_waits_seconds_total", "Time that streams waited for credit."),
		failures:    counter("gantry_ingest_produce_failures_total", "Batches that Kafka refused; their agents send them again."),
		backfillLag: gauge("gantry_ingest_backfill_lag_records", "Records of backfill that the sink has not committed."),
		checkpoints: counter("gantry_ingest_checkpoints_total", "Checkpoints of positions written."),
		checkpointSeconds: f.NewHistogram(prometheus.HistogramOpts{
			Name: "gantry_ingest_checkpoint_seconds", Help: "Time to write all positions that had moved.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10},
		}),
	}
}

// lane names the label of metrics.
func (f *flight) lane() string {
	if f.backfill {
		return "backfill"
	}
	return "live"
}

// note counts an answered flight.
func (m *metrics) note(f *flight, seconds float64) {
	m.accepted.Add(float64(f.accepted))
	m.skipped.Add(float64(f.skipped))
	for _, r := range f.rejects {
		m.rejected.WithLabelValues(r.Code.String()).Inc()
	}
	for _, r := range f.resends {
		m.resends.WithLabelValues(r.Reason.String()).Inc()
	}
	m.batches.WithLabelValues(f.lane()).Inc()
	m.ackSeconds.WithLabelValues(f.lane()).Observe(seconds)
}
