package access

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the package's own; docs stand in their help texts.
type metrics struct {
	calls   *prometheus.CounterVec
	audited *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gantry_access_calls_total",
			Help: "Calls decided on, by how the caller is known (nothing, loopback, token, session, proxy, certificate) and outcome: allowed or the code of the refusal."}, []string{"via", "outcome"}),
		audited: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gantry_access_audit_records_total",
			Help: "Looks at single vehicles, by what became of their audit record: written, or failed, which refused the call."}, []string{"result"}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.calls, m.audited} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("access metrics: %w", err)
		}
	}
	return m, nil
}
