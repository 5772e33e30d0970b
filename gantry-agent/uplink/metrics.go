package uplink

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the counters and gauges of an agent.
type Metrics struct {
	sent, acked      *prometheus.CounterVec
	rejected         *prometheus.CounterVec
	resends          prometheus.Counter
	connects         *prometheus.CounterVec
	inFlight         prometheus.Gauge
	inFlightBytes    *prometheus.GaugeVec
	devices          prometheus.Gauge
	lag              prometheus.Gauge
	connected        prometheus.Gauge
	spoolBytes       prometheus.Gauge
	spoolReadings    prometheus.Gauge
	spoolFull        prometheus.Counter
	unknownDevices   prometheus.Counter
	lastSent, lastOK [lanes]uint64
	lastResends      uint64
	lastUnknown      uint64
}

// NewMetrics makes the metrics and registers them; nil registers nowhere.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "gantry_agent_" + name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gantry_agent_" + name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "gantry_agent_" + name, Help: help})
	}
	m := &Metrics{
		sent:     counters("readings_sent_total", "Readings sent, by lane; those sent again count again.", "lane"),
		acked:    counters("readings_acked_total", "Readings of answered batches, by lane.", "lane"),
		rejected: counters("readings_rejected_total", "Readings that the collector refused for good, by code.", "code"),
		resends:  counter("resends_total", "Times that the collector asked for readings again."),
		connects: counters("connects_total", "Attempts to open a stream, by result.", "result"),
		inFlight: gauge("batches_in_flight", "Batches sent and not answered."),
		inFlightBytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gantry_agent_in_flight_bytes", Help: "Bytes sent and not answered, by lane.",
		}, []string{"lane"}),
		devices:        gauge("devices", "Devices carried."),
		lag:            gauge("lag_seconds", "How long the oldest due live reading has waited, seconds of world time."),
		connected:      gauge("connected", "1 while a stream is open."),
		spoolBytes:     gauge("spool_bytes", "Bytes in the spool on disk."),
		spoolReadings:  gauge("spool_readings", "Readings in the spool on disk."),
		spoolFull:      counter("spool_full_total", "Times that the source had to wait for room in the spool."),
		unknownDevices: counter("unknown_devices_total", "Leases of devices that the world does not have."),
	}
	if r != nil {
		r.MustRegister(m.sent, m.acked, m.rejected, m.resends, m.connects, m.inFlight, m.inFlightBytes, m.devices,
			m.lag, m.connected, m.spoolBytes, m.spoolReadings, m.spoolFull, m.unknownDevices)
	}
	return m
}

// observe takes over what a session has counted.
func (m *Metrics) observe(s *Session, now Instant) {
	st := s.Stats()
	for l := range lanes {
		m.sent.WithLabelValues(l.String()).Add(float64(st.Sent[l] - m.lastSent[l]))
		m.acked.WithLabelValues(l.String()).Add(float64(st.Answered[l] - m.lastOK[l]))
		m.lastSent[l], m.lastOK[l] = st.Sent[l], st.Answered[l]
		m.inFlightBytes.WithLabelValues(l.String()).Set(float64(s.windows[l].bytes))
	}
	m.resends.Add(float64(st.Resends - m.lastResends))
	m.unknownDevices.Add(float64(st.UnknownDevices - m.lastUnknown))
	m.lastResends, m.lastUnknown = st.Resends, st.UnknownDevices
	m.inFlight.Set(float64(s.InFlight()))
	m.devices.Set(float64(s.Devices()))
	m.lag.Set(float64(s.LagUS(now)) / 1e6)
}
