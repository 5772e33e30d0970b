package delivery_test

import (
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.yaml.in/yaml/v3"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/ingest"
	"github.com/gantry-dev/gantry/collector/kafka"
	"github.com/gantry-dev/gantry/collector/lease"
	"github.com/gantry-dev/gantry/collector/platekey"
	"github.com/gantry-dev/gantry/collector/sink"
	"github.com/gantry-dev/gantry/gantry-agent/uplink"
)

const (
	rulesPath     = "deploy/prometheus/gantry.rules.yml"
	dashboardPath = "deploy/prometheus/grafana.json"
	troublePath   = "deploy/TROUBLESHOOTING.md"
)

// described is a Registerer that keeps what collectors say of themselves. A
// scrape would not do: a vector shows nothing before its first event.
type described map[string][]string // label names by metric

func (d described) Register(c prometheus.Collector) error {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		c.Describe(descriptions)
		close(descriptions)
	}()
	form := regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*variableLabels: \{([^}]*)\}\}$`)
	for desc := range descriptions {
		m := form.FindStringSubmatch(desc.String())
		if m == nil {
			continue // Go's own, which are no constant
		}
		d[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' })
	}
	return nil
}

func (d described) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		_ = d.Register(c)
	}
}

func (d described) Unregister(prometheus.Collector) bool { return false }

// exported are the metrics of both programs, made by the parts that make them
// in production; none connects to anything before it runs.
func exported(t *testing.T) described {
	t.Helper()
	d := described{"up": nil, "go_goroutines": nil, "ALERTS": {"alertname", "alertstate"}}
	d.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	uplink.NewMetrics(d)
	client := kafka.DefaultClientConfig("127.0.0.1:1")
	cfg := ingest.DefaultConfig("test", client)
	cfg.Metrics = d
	positions := ingest.NewPositions(client, cfg.MaxDeviceEpochs, slog.Default())
	if _, err := ingest.New(cfg, nil, nil, positions); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.New(lease.Config{CollectorID: "test", Kafka: client, Metrics: d, Devices: func() []string { return nil }}); err != nil {
		t.Fatal(err)
	}
	key := platekey.New([16]byte{1})
	if _, err := sink.New(sink.DefaultConfig(client, clickhouse.DefaultConfig("127.0.0.1:1", "u", ""), key), slog.Default(), d); err != nil {
		t.Fatal(err)
	}
	if len(d) < 45 {
		t.Fatalf("only %d metrics were seen", len(d))
	}
	return d
}

// rule is one of the rules file.
type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	if err := yaml.Unmarshal([]byte(read(t, rulesPath)), &file); err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 15 {
		t.Fatalf("only %d rules were read", len(all))
	}
	return all
}

// checkQuery holds the names of a query against what is exported or recorded.
func checkQuery(t *testing.T, where, query string, known described) {
	t.Helper()
	found := 0
	for _, m := range regexp.MustCompile(`\b((?:gantry[_:]|process_|go_)[\w:]+|up)\b(?:\{([^}]*)\})?`).FindAllStringSubmatch(query, -1) {
		found++
		name := m[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if _, ok := known[name]; !ok {
				name = strings.TrimSuffix(name, suffix)
			}
		}
		labels, ok := known[name]
		if !ok {
			t.Errorf("%s: nothing exports %s", where, m[1])
			continue
		}
		for _, l := range regexp.MustCompile(`(\w+)\s*[=!]~?`).FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(append([]string{"job", "instance", "le"}, labels...), l[1]) {
				t.Errorf("%s: %s has no label %s", where, m[1], l[1])
			}
		}
	}
	if found == 0 {
		t.Errorf("%s: asks for nothing of ours: %s", where, query)
	}
}

// recorded adds what the rules record to what is exported.
func recorded(t *testing.T) described {
	t.Helper()
	known := exported(t)
	for _, r := range rules(t) {
		if r.Record != "" {
			known[r.Record] = []string{"lane", "pipeline", "topic", "state"}
		}
	}
	return known
}

func TestRulesNameWhatExists(t *testing.T) {
	t.Parallel()
	known := recorded(t)
	page := strings.ToLower(read(t, troublePath))
	for _, r := range rules(t) {
		checkQuery(t, r.Record+r.Alert, r.Expr, known)
		if r.Alert == "" {
			continue
		}
		file, section, _ := strings.Cut(r.Annotations["runbook"], "#")
		if file != troublePath || !strings.Contains(page, "\n## "+section) {
			t.Errorf("%s: its runbook %q is nowhere", r.Alert, r.Annotations["runbook"])
		}
		if !strings.Contains(page, strings.ToLower(r.Alert)) {
			t.Errorf("%s does not name alert %s", troublePath, r.Alert)
		}
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
			t.Errorf("%s says neither how bad it is nor what", r.Alert)
		}
	}
}

func TestDashboardShowsWhatExists(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		Panels []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, dashboardPath)), &dashboard); err != nil {
		t.Fatal(err)
	}
	known, ids, asked := recorded(t), map[int]bool{}, 0
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.Title == "" {
			t.Errorf("panel %d %q: its id is not its own, or it does not fit", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			asked++
			checkQuery(t, p.Title, target.Expr, known)
		}
	}
	if asked < 20 {
		t.Errorf("the dashboard asks only %d things", asked)
	}
}

// TestMetricsNamedElsewhere: on the troubleshooting page and in the ECS
// template.
func TestMetricsNamedElsewhere(t *testing.T) {
	t.Parallel()
	known := exported(t)
	for _, path := range []string{troublePath, templatePath} {
		text := regexp.MustCompile(`\(([\w|]+)\)`).ReplaceAllString(read(t, path), "") // alternatives of a pattern, named in full beside it
		names := regexp.MustCompile(`\bgantry_(?:agent|ingest|sink|lease)_\w+`).FindAllString(text, -1)
		if len(names) < 5 {
			t.Errorf("%s names only %v", path, names)
		}
		for _, name := range names {
			if _, ok := known[name]; !ok && !strings.HasSuffix(name, "_") {
				t.Errorf("%s names %s, which nothing exports", path, name)
			}
		}
	}
}
