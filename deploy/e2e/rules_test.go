package e2e_test

import (
	"go/ast"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rule is one sentence about the tree, why it holds, and two small trees: one
// in which every file breaks it once, and one that comes near and keeps it.
type rule struct {
	name   string
	reason string
	check  func(project) []finding
	breaks tree
	keeps  tree
}

var rules = []rule{
	{
		name:   "only deploy and the agent import gantry-agent",
		reason: "a collector that knew the world could pass over what a device really sent",
		check:  imports{to: list("gantry-agent/..."), except: list("gantry-agent/...", "deploy/..."), tests: true}.check,
		breaks: tree{"collector/sink/a_test.go": source("sink", modulePath+"gantry-agent/world")},
		keeps:  tree{"deploy/verify/a.go": source("main", modulePath+"gantry-agent/world")},
	},
	{
		name:   "only deploy and the collector import collector",
		reason: "a real device links none of it: the contract is proto",
		check:  imports{to: list("collector/..."), except: list("collector/...", "deploy/..."), tests: true}.check,
		breaks: tree{"gantry-agent/uplink/a.go": source("uplink", modulePath+"collector/kafka")},
		keeps:  tree{"deploy/local/a.go": source("main", modulePath+"collector/kafka")},
	},
	{
		name:   "nothing imports deploy",
		reason: "what runs in production must not depend on how it is started or tested",
		check:  imports{to: list("deploy/..."), except: list("deploy/..."), tests: true}.check,
		breaks: tree{"collector/a_test.go": source("main", modulePath+"deploy/local/state")},
		keeps:  tree{"deploy/local/a.go": source("main", modulePath+"deploy/local/state")},
	},
	{
		name:   "world and device do no I/O and know no wire",
		reason: "what every device emitted can be recomputed only if it is a function of the files and the seed",
		check: imports{
			from: pureWorld,
			to:   list("net/...", "os/...", "syscall", "io/ioutil", "crypto/rand", "math/rand", "math/rand/v2", "log/...", "proto/..."),
		}.check,
		breaks: tree{
			"gantry-agent/world/a.go":   source("world", "os"),
			"gantry-agent/world/b.go":   source("world", "net/http"),
			"gantry-agent/device/a.go":  source("device", modulePath+"proto/gen/gantry/v1"),
			"gantry-agent/world/w/a.go": source("w", "math/rand/v2"),
		},
		keeps: tree{"gantry-agent/world/a_test.go": source("world", "os"), "gantry-agent/truth/a.go": source("truth", "net/http")},
	},
	{
		name:   "world and device read no clock",
		reason: "two runs a day apart must give the same bytes",
		check:  readsNoClock,
		breaks: tree{
			"gantry-agent/world/a.go":  `package world; import t "time"; var now = t.Now`,
			"gantry-agent/world/b.go":  `package world; import . "time"`,
			"gantry-agent/device/a.go": `package device; import "time"; func f() { time.Sleep(1) }`,
		},
		keeps: tree{"gantry-agent/world/a.go": `package world; import "time"; var z = time.UTC`},
	},
	{
		name:   "servers for tests and for one machine stay out of production",
		reason: "no production binary links a fake broker or an engine of its own",
		check: imports{
			to: list("collector/kafka/kafkalocal", "collector/clickhouse/clickhouselocal",
				"collector/kafka/kafkatest", "collector/clickhouse/clickhousetest"),
			except: list("deploy/...", harnesses),
		}.check,
		breaks: tree{
			"collector/a.go":            source("main", modulePath+"collector/kafka/kafkalocal"),
			"collector/sink/a.go":       source("sink", modulePath+"collector/clickhouse/clickhousetest"),
			"collector/latest/a.go":     source("latest", modulePath+"collector/kafka/kafkatest"),
			"collector/clickhouse/a.go": source("clickhouse", modulePath+"collector/clickhouse/clickhouselocal"),
		},
		keeps: tree{
			"deploy/local/a.go":              source("main", modulePath+"collector/kafka/kafkalocal"),
			"collector/kafka/kafkatest/a.go": source("kafkatest", modulePath+"collector/kafka/kafkalocal"),
		},
	},
	{
		name:   "kfake is behind kafkalocal",
		reason: "it is a stand-in for Kafka; one place says so and makes it durable",
		check:  imports{to: list("github.com/twmb/franz-go/pkg/kfake"), except: list("collector/kafka/kafkalocal", harnesses)}.check,
		breaks: tree{
			"deploy/local/a.go":    source("main", "github.com/twmb/franz-go/pkg/kfake"),
			"collector/kafka/a.go": source("kafka", "github.com/twmb/franz-go/pkg/kfake"),
		},
		keeps: tree{"collector/lease/a_test.go": source("lease", "github.com/twmb/franz-go/pkg/kfake")},
	},
	{
		name:   "only harnesses import testing outside of tests",
		reason: "it registers flags, and a harness in production is a mistake; harnesses for x are called xtest",
		check:  imports{to: list("testing/...", "pgregory.net/rapid"), except: list(harnesses)}.check,
		breaks: tree{"collector/sink/a.go": source("sink", "testing")},
		keeps:  tree{"collector/kafka/kafkatest/a.go": source("kafkatest", "testing")},
	},
	{
		name:   "ingest does not import sink",
		reason: "they meet through Kafka: a reading is accepted while ClickHouse is away",
		check:  imports{from: list("collector/ingest/..."), to: list("collector/sink/...", "collector/clickhouse/..."), tests: true}.check,
		breaks: tree{"collector/ingest/a.go": source("ingest", modulePath+"collector/clickhouse")},
		keeps:  tree{"collector/ingest/a.go": source("ingest", modulePath+"collector/kafka")},
	},
	{
		name:   "sink does not import ingest or lease",
		reason: "they meet through Kafka: the record codec is all that they share",
		check:  imports{from: list("collector/sink/..."), to: list("collector/ingest/...", "collector/lease/..."), tests: true}.check,
		breaks: tree{"collector/sink/a_test.go": source("sink", modulePath+"collector/ingest")},
		keeps:  tree{"collector/sink/a.go": source("sink", modulePath+"collector/kafka")},
	},
	{
		name:   "query and sink meet only through clickhouse",
		reason: "the tables are the contract between what writes and what answers",
		check: both(
			imports{from: list("collector/query/..."), to: list("collector/sink/..."), tests: true}.check,
			imports{from: list("collector/sink/..."), to: list("collector/query/..."), tests: true}.check),
		breaks: tree{
			"collector/query/a.go": source("query", modulePath+"collector/sink"),
			"collector/sink/a.go":  source("sink", modulePath+"collector/query"),
		},
		keeps: tree{"collector/query/a.go": source("query", modulePath+"collector/clickhouse")},
	},
	{
		name:   "no package is a drawer",
		reason: "a name that says nothing collects everything; what both sides need lives beside the proto",
		check:  noDrawers,
		breaks: tree{"collector/utils/a.go": source("utils"), "deploy/x/a_test.go": source("helpers_test")},
		keeps:  tree{"collector/utilities.go": source("main")},
	},
	{
		name:   "the top level is the data path",
		reason: "whoever opens the project sees where a reading goes, and nothing else",
		check:  topLevel,
		breaks: tree{"internal/a.go": source("internal"), "notes.md": ""},
		keeps:  tree{"collector/a.go": source("main"), ".github/a.yml": ""},
	},
	{
		name:   "no file names the machine it was written on",
		reason: "a clone must work anywhere, and locks are made anew from whatever index is configured",
		check:  namesNoMachine,
		breaks: tree{
			"dbt/requirements.lock": "--index-url https://host/simple",
			"web/package-lock.json": `"resolved": "https://host/a.tgz",`,
			"web/uv.lock":           `source = { registry = "https://host/simple" }`,
			"Makefile":              "go build -o /wor" + "k/bin",
			"README.md":             "see ../share" + "d/notes.md",
			"deploy/local/a.sh":     `cd "/roo` + `t/x"`,
		},
		keeps: tree{"README.md": "see https://go.dev and .github/workflows/ci.yml"},
	},
}

// pureWorld is what is a pure function of files and seed.
var pureWorld = list("gantry-agent/world/...", "gantry-agent/device/...")

func TestRules(t *testing.T) {
	p := readProject(t)
	if p.tree["collector/main.go"] == "" || len(p.files) < 100 {
		t.Fatalf("the project was not read: %d files", len(p.tree))
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			found := r.check(p)
			report(t, found)
			if len(found) > 0 {
				t.Logf("because %s", r.reason)
			}
		})
	}
}

// TestRulesBite breaks each rule: a rule that finds nothing in the
// project may just be blind.
func TestRulesBite(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			if found := r.check(parse(t, r.breaks)); len(found) != len(r.breaks) {
				t.Errorf("found %v in a tree that breaks the rule %d times", found, len(r.breaks))
			}
			if found := r.check(parse(t, r.keeps)); len(found) != 0 {
				t.Errorf("found %v in a tree that keeps the rule", found)
			}
		})
	}
}

func TestIgnoredFilesAreNotJudged(t *testing.T) {
	patterns := append(ignorePatterns("", "# c\n/bin/\nnode_modules/\ndbt/logs/\n*.prof\n"), ignorePatterns("dbt", "target/\n/x\n")...)
	for name, want := range map[string]bool{
		"bin/": true, "deploy/bin/": false, "web/node_modules/": true, "dbt/logs/": true, "logs/": false,
		"a/cpu.prof": true, "dbt/target/": true, "dbt/x": true, "x": false, "bin": false,
	} {
		plain, isDir := strings.CutSuffix(name, "/")
		if got := isIgnored(patterns, plain, isDir); got != want {
			t.Errorf("%s: ignored %v, want %v", name, got, want)
		}
	}
}

// imports forbids direct imports between packages.
type imports struct {
	from   []string // importers, all if empty
	except []string // importers that may
	to     []string
	tests  bool // tests are held to it too
}

func (r imports) check(p project) []finding {
	var bad []finding
	for _, f := range p.files {
		if f.test && !r.tests || len(r.from) > 0 && !within(f.dir, r.from) || within(f.dir, r.except) {
			continue
		}
		for _, s := range f.ast.Imports {
			if to := imported(s); within(to, r.to) {
				bad = append(bad, f.at(s.Pos(), f.dir+" imports "+to))
			}
		}
	}
	return bad
}

// readsNoClock finds uses of what depends on when or where the program runs.
func readsNoClock(p project) []finding {
	clock := list("Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local")
	var bad []finding
	for _, f := range p.files {
		if f.test || !within(f.dir, pureWorld) {
			continue
		}
		name := "time"
		for _, s := range f.ast.Imports {
			if imported(s) == "time" && s.Name != nil {
				name = s.Name.Name
			}
		}
		if name == "." {
			bad = append(bad, f.at(f.ast.Pos(), "imports time without its name"))
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && slices.Contains(clock, sel.Sel.Name) {
				bad = append(bad, f.at(sel.Pos(), "uses time."+sel.Sel.Name))
			}
			return true
		})
	}
	return bad
}

func noDrawers(p project) []finding {
	drawers := list("common", "util", "utils", "helper", "helpers", "misc", "shared")
	var bad []finding
	for _, f := range p.files {
		for _, name := range []string{f.ast.Name.Name, path.Base(f.dir)} {
			if slices.Contains(drawers, strings.TrimSuffix(name, "_test")) {
				bad = append(bad, finding{path: f.path, what: "package " + name})
				break
			}
		}
	}
	return bad
}

func topLevel(p project) []finding {
	known := list("proto", "gantry-agent", "collector", "dbt", "deploy", "buf.yaml", "buf.gen.yaml", "go.mod", "go.sum",
		"Makefile", "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE")
	strange := map[string]bool{}
	for name := range p.tree {
		top, _, _ := strings.Cut(name, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(known, top) {
			strange[top] = true
		}
	}
	var bad []finding
	for _, top := range slices.Sorted(maps.Keys(strange)) {
		bad = append(bad, finding{path: top, what: "stands at the top level (move it, or have git ignore it)"})
	}
	return bad
}

// The patterns are written so that this file does not match them.
var (
	machinePath = regexp.MustCompile(`(^|[^\w.~-])/(work|root|Users)/|` + `\.\./shar` + `ed\b|/tmp/tr` + `y\b|\bfarm-` + `\w`)
	lockFile    = regexp.MustCompile(`\.lock$|[-.]lock\.(json|ya?ml)$|^go\.sum$`)
	download    = regexp.MustCompile(`"resolved":\s*"http|--(extra-)?index-url|--find-links|(registry|url|tarball)\s*[:=]\s*"?http|@ http|^\s*\w*://`)
)

func namesNoMachine(p project) []finding {
	var bad []finding
	for _, name := range slices.Sorted(maps.Keys(p.tree)) {
		locked := lockFile.MatchString(path.Base(name))
		number := 0
		for line := range strings.Lines(p.tree[name]) {
			number++
			if m := machinePath.FindString(line); m != "" {
				bad = append(bad, finding{name, number, "names " + m})
			} else if locked && download.MatchString(line) {
				bad = append(bad, finding{name, number, "names an address to download from"})
			}
		}
	}
	return bad
}

func both(a, b func(project) []finding) func(project) []finding {
	return func(p project) []finding { return append(a(p), b(p)...) }
}

func list(s ...string) []string { return s }

// source is a Go file of a package with its imports.
func source(pkg string, imports ...string) string {
	var b strings.Builder
	b.WriteString("package " + pkg + "\n")
	for _, p := range imports {
		b.WriteString("import _ \"" + p + "\"\n")
	}
	return b.String()
}
