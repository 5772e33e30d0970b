package sink

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of all pipelines; the label pipeline is live, backfill, reject or
// network.
type metrics struct {
	rows        *prometheus.CounterVec
	poison      *prometheus.CounterVec
	insert      *prometheus.HistogramVec
	failures    *prometheus.CounterVec
	commitFails *prometheus.CounterVec
	waiting     *prometheus.GaugeVec
	oldest      *prometheus.GaugeVec
	lag         *prometheus.GaugeVec
	kafkaErrors *prometheus.CounterVec
	buildUps    *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_sink_rows_total", Help: "Rows inserted into ClickHouse.",
		}, []string{"pipeline", "table"}),
		poison: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_sink_poison_records_total", Help: "Records that could not become rows and went to the dead-letter topic.",
		}, []string{"pipeline", "code", "field"}),
		insert: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gantry_sink_insert_seconds", Help: "Duration of successful inserts of one table of a block.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}, []string{"pipeline"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_sink_failures_total", Help: "Attempts that failed and are repeated, to insert or to produce dead letters.",
		}, []string{"pipeline"}),
		commitFails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_sink_commit_failures_total", Help: "Commits of offsets that failed; the rows come again.",
		}, []string{"pipeline"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gantry_sink_uncommitted_records", Help: "Records in memory, in blocks open, waiting or on their way.",
		}, []string{"pipeline"}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gantry_sink_oldest_uncommitted_seconds", Help: "Age of the oldest block that is not committed; 0 when there is none.",
		}, []string{"pipeline"}),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gantry_sink_lag_records", Help: "Records of the topic that the whole consumer group has not committed.",
		}, []string{"topic"}),
		kafkaErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gantry_sink_fetch_errors_total", Help: "Errors while fetching from Kafka; the client tries again.",
		}, []string{"pipeline"}),
		buildUps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gantry_sink_block_records", Help: "Records of a block.",
			Buckets: prometheus.ExponentialBuckets(10, 4, 9),
		}, []string{"pipeline"}),
	}
	if reg != nil {
		reg.MustRegister(m.rows, m.poison, m.insert, m.failures, m.commitFails, m.waiting, m.oldest, m.lag, m.kafkaErrors, m.buildUps)
	}
	return m
}
