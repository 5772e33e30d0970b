package dbt_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/deploy/local/localtest"
)

// excepted is what breaks a rule in this project, and why.
var excepted = exceptions{
	macros: map[string]string{
		"network_zone":           "a view's text holds the zone as a constant, so it is asked when a model is compiled",
		"stale_days_of_readings": "which days got rows is told by inserted_at and partitions, which no view over raw can show",
		"stale_days_of_journeys": "as stale_days_of_readings, of the days next to one too",
		"late_for_journeys":      "as stale_days_of_readings, of the hours that matter to a day's journeys",
	},
	readers: map[string]string{
		"int_camera_readings": "a view without sums: enforcement needs single readings with references, which no fold keeps",
		"int_sightings":       "a view without sums: journeys need single sightings with tokens, which no fold keeps",
	},
}

// TestRules parses the project, for which dbt needs no warehouse.
func TestRules(t *testing.T) {
	target := t.TempDir()
	cmd := exec.CommandContext(t.Context(), localtest.DBT(t), "--no-use-colors", "--warn-error", "parse")
	cmd.Dir = filepath.Join(root, "dbt")
	cmd.Env = append(os.Environ(), "DO_NOT_TRACK=1", "GANTRY_DBT_PASSWORD=none", "DBT_TARGET_PATH="+target, "DBT_LOG_PATH="+target)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dbt parse: %v\n%s", err, out)
	}
	m, err := readManifest(filepath.Join(target, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.models()); n < 50 {
		t.Errorf("%d models are told of: nothing is shown", n)
	}
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			for _, wrong := range rule(m, excepted) {
				t.Error(wrong)
			}
		})
	}
}

// described fails unless dbt left a description at every table, view and column
// that it made. A manifest tells only of columns that somebody thought of.
func (w *warehouse) described() {
	w.t.Helper()
	const made = `database IN ('staging', 'serving', 'enforcement')`
	if n := w.count(`SELECT count() FROM system.columns WHERE comment != '' AND ` + made); n < 500 {
		w.t.Errorf("%d columns have a description: nothing is shown", n)
	}
	for _, name := range w.list(`SELECT database || '.' || name FROM system.tables WHERE comment = '' AND ` + made +
		` UNION ALL SELECT database || '.' || table || '.' || name FROM system.columns WHERE comment = '' AND ` + made) {
		w.t.Errorf("%s has no description", name)
	}
}

// soundExceptions are those of testdata/manifest.json.
func soundExceptions() exceptions {
	return exceptions{
		macros:  map[string]string{"zone": "asked when compiled"},
		readers: map[string]string{"int_single": "a view without sums"},
	}
}

// breaks are changes to a sound project that each break one rule alone.
var breaks = map[string]struct {
	rule, says string
	change     func(m *manifest, but *exceptions)
}{
	"an intermediate model asks a source": {
		"sources are read by staging only", "int_facts asks a source",
		func(m *manifest, _ *exceptions) {
			m.node("int_facts").Code = "select * from {{ source('raw', 'readings') }}"
		},
	},
	"a serving model asks a source": {
		"sources are read by staging only", "flow asks a source",
		func(m *manifest, _ *exceptions) { m.node("flow").Code = "from {{source('raw', 'readings')}}" },
	},
	"a macro asks a source without a reason": {
		"sources are read by staging only", "macro zone asks a source",
		func(_ *manifest, but *exceptions) { but.macros["zone"] = "" },
	},
	"a macro's exception is not needed": {
		"sources are read by staging only", "macro zone is an exception but asks no source",
		func(m *manifest, _ *exceptions) { m.Macros["macro.gantry.zone"].Code = "{{ threshold_source('x') }}" },
	},
	"a macro's exception is of none that is there": {
		"sources are read by staging only", "macro gone is an exception but is not there",
		func(_ *manifest, but *exceptions) { but.macros["gone"] = "some" },
	},
	"a fourth view on views": {
		"views on views go three deep", "stg_counter_readings > int_single > int_twice > flow",
		func(m *manifest, _ *exceptions) { m.node("flow").Config.Materialized = "view" },
	},
	"a fourth reader without a reason": {
		"views of readings have three readers", "stg_counter_readings is read by int_a, int_b, int_facts, int_single",
		func(_ *manifest, but *exceptions) { delete(but.readers, "int_single") },
	},
	"a fifth reader": {
		"views of readings have three readers", "stg_counter_readings is read by",
		func(m *manifest, _ *exceptions) {
			m.node("flow").DependsOn.Nodes = append(m.node("flow").DependsOn.Nodes, "model.gantry.stg_counter_readings")
		},
	},
	"a reader's exception is not needed": {
		"views of readings have three readers", "int_single is an exception but reads no view",
		func(m *manifest, _ *exceptions) { m.node("int_a").DependsOn.Nodes = nil },
	},
	"a model without a description": {
		"everything is described", "model.gantry.int_facts has no description",
		func(m *manifest, _ *exceptions) { m.node("int_facts").Description = " \n" },
	},
	"a model without columns": {
		"everything is described", "model.gantry.int_facts names no columns",
		func(m *manifest, _ *exceptions) { m.node("int_facts").Columns = nil },
	},
	"a column of a seed without a description": {
		"everything is described", "seed.gantry.thresholds: column id has no description",
		func(m *manifest, _ *exceptions) { m.Nodes["seed.gantry.thresholds"].Columns["id"] = column{} },
	},
	"a source without a description": {
		"everything is described", "source.gantry.raw.readings has no description",
		func(m *manifest, _ *exceptions) { m.Sources["source.gantry.raw.readings"].Description = "" },
	},
	"a database of sources without a description": {
		"everything is described", "source.gantry.raw.readings is of a database",
		func(m *manifest, _ *exceptions) { m.Sources["source.gantry.raw.readings"].SourceDescription = "" },
	},
	"a serving model whose contract is not enforced": {
		"what others read has contract, group, access", "flow has no enforced contract",
		func(m *manifest, _ *exceptions) { m.node("flow").Contract.Enforced = false },
	},
	"an enforcement model without a group": {
		"what others read has contract, group, access", "cases is of no group",
		func(m *manifest, _ *exceptions) { m.node("cases").Group = "" },
	},
	"a serving model that says nothing of access": {
		"what others read has contract, group, access", `flow has access "protected", want "public"`,
		func(m *manifest, _ *exceptions) { m.node("flow").Access = "protected" },
	},
	"an enforcement model for all": {
		"what others read has contract, group, access", `cases has access "public", want "protected"`,
		func(m *manifest, _ *exceptions) { m.node("cases").Access = "public" },
	},
	"no exposures": {
		"exposures have an owner and ask a question", "there are no exposures",
		func(m *manifest, _ *exceptions) { m.Exposures = nil },
	},
	"an exposure without an owner": {
		"exposures have an owner and ask a question", "page has no owner",
		func(m *manifest, _ *exceptions) { m.exposure().Owner.Name = "" },
	},
	"an exposure that asks nothing": {
		"exposures have an owner and ask a question", "page asks nothing",
		func(m *manifest, _ *exceptions) { m.exposure().Description = "Is it a question? It is not." },
	},
	"an exposure that depends on nothing": {
		"exposures have an owner and ask a question", "page depends on nothing",
		func(m *manifest, _ *exceptions) { m.exposure().DependsOn.Nodes = nil },
	},
	"an exposure of an intermediate model": {
		"exposures depend on what others may read alone", "page depends on model.gantry.int_facts",
		func(m *manifest, _ *exceptions) { m.exposure().DependsOn.Nodes = []string{"model.gantry.int_facts"} },
	},
}

func (m *manifest) node(model string) *node { return m.Nodes["model.gantry."+model] }

func (m *manifest) exposure() *exposure { return m.Exposures["exposure.gantry.page"] }

// TestRulesCatch: no rule says anything of a sound project, and of one that
// breaks it each says what is wrong, while the others say nothing.
func TestRulesCatch(t *testing.T) {
	sound := func() *manifest {
		m, err := readManifest("testdata/manifest.json")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, rule := range rules {
		if wrong := rule(sound(), soundExceptions()); len(wrong) > 0 {
			t.Errorf("%s: in a sound project: %q", name, wrong)
		}
	}
	caught := map[string]bool{}
	for name, broken := range breaks {
		m, but := sound(), soundExceptions()
		broken.change(m, &but)
		for _, rule := range slices.Sorted(maps.Keys(rules)) {
			wrong := rules[rule](m, but)
			switch {
			case rule != broken.rule && len(wrong) > 0:
				t.Errorf("%s: %s says: %q", name, rule, wrong)
			case rule == broken.rule && (len(wrong) != 1 || !strings.Contains(wrong[0], broken.says)):
				t.Errorf("%s: %s says %q, want one of %q", name, rule, wrong, broken.says)
			}
			caught[rule] = caught[rule] || rule == broken.rule
		}
	}
	for rule := range rules {
		if !caught[rule] {
			t.Errorf("nothing breaks the rule %q", rule)
		}
	}
}
