package lease

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the package's own; docs stand in their help texts.
type metrics struct {
	records   *prometheus.CounterVec
	renewals  *prometheus.CounterVec
	refused   *prometheus.CounterVec
	members   prometheus.Gauge
	sessions  prometheus.Gauge
	decider   prometheus.Gauge
	elections prometheus.Counter
	lost      *prometheus.CounterVec
	decisions prometheus.Counter
	moves     prometheus.Counter
	expired   prometheus.Counter
	devices   *prometheus.GaugeVec

	superseded prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "gantry_lease_" + name, Help: help})
	}
	counters := func(name, label, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gantry_lease_" + name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "gantry_lease_" + name, Help: help})
	}
	m := &metrics{
		records:   counters("records_total", "result", "Records of the lease topic seen, by result: ok, unreadable, full."),
		renewals:  counters("renewals_total", "result", "Session records written, by result: ok, error, late (the one before is still under way)."),
		refused:   counters("refused_joins_total", "reason", "Sessions refused, by reason: limit, invalid, kafka."),
		members:   gauge("memberships", "Sessions joined at this collector."),
		sessions:  gauge("sessions", "Sessions known, of all collectors."),
		decider:   gauge("decider", "1 while this collector decides."),
		elections: counter("elections_total", "Times this collector came into office."),
		lost:      counters("offices_lost_total", "reason", "Times this collector left office by an error, by reason: fenced, error."),
		decisions: counter("decisions_total", "Decisions written, each a transaction."),
		moves:     counter("moves_total", "Devices whose holder changed."),
		expired:   counter("expired_sessions_total", "Sessions deleted because they were not renewed."),
		superseded: gauge("superseded_sessions",
			"Sessions of agents that have a newer one, after the last decision of this collector. Above 0 for longer than the TTL: two processes share an agent id."),
		devices: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gantry_lease_devices",
			Help: "Devices of the network after the last decision of this collector, by state: assigned, static, unassigned.",
		}, []string{"state"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.records, m.renewals, m.refused, m.members, m.sessions, m.decider,
		m.elections, m.lost, m.decisions, m.moves, m.expired, m.devices, m.superseded,
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of collector/lease: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) decided(d decision) {
	m.devices.WithLabelValues("assigned").Set(float64(d.assigned))
	m.devices.WithLabelValues("static").Set(float64(d.static))
	m.devices.WithLabelValues("unassigned").Set(float64(d.unassigned))
	m.superseded.Set(float64(d.superseded))
	if d.empty() {
		return
	}
	m.decisions.Inc()
	m.moves.Add(float64(len(d.writes)))
	m.expired.Add(float64(len(d.expired)))
}
