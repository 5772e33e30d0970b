package dbt_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// manifest is what `dbt parse` tells of the project, as far as rules ask.
type manifest struct {
	Nodes     map[string]*node     `json:"nodes"`
	Sources   map[string]*node     `json:"sources"`
	Exposures map[string]*exposure `json:"exposures"`
	Macros    map[string]*macro    `json:"macros"`
}

// node is a model, seed, test or source.
type node struct {
	Name        string            `json:"name"`
	Kind        string            `json:"resource_type"`
	Path        string            `json:"original_file_path"`
	Description string            `json:"description"`
	Group       string            `json:"group"`
	Access      string            `json:"access"`
	Code        string            `json:"raw_code"`
	Columns     map[string]column `json:"columns"`
	Config      struct {
		Materialized string `json:"materialized"`
	} `json:"config"`
	Contract struct {
		Enforced bool `json:"enforced"`
	} `json:"contract"`
	DependsOn depends `json:"depends_on"`
	// SourceDescription is of the database that a source is a table of.
	SourceDescription string `json:"source_description"`
}

type column struct {
	Description string `json:"description"`
}

type depends struct {
	Nodes []string `json:"nodes"`
}

type exposure struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Owner       struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"owner"`
	DependsOn depends `json:"depends_on"`
}

type macro struct {
	Name    string `json:"name"`
	Package string `json:"package_name"`
	Code    string `json:"macro_sql"`
}

// exceptions are what may break a rule, by name, each with the reason. One
// that excepts nothing breaks the rule too, so that none outlives its reason.
type exceptions struct {
	// macros may ask a source themselves.
	macros map[string]string
	// readers may read a view of readings beyond its first three.
	readers map[string]string
}

// rules are what the project holds to. Each tells what breaks it, and what to
// do about it.
var rules = map[string]func(*manifest, exceptions) []string{
	"sources are read by staging only":               (*manifest).sourcesOutsideStaging,
	"views on views go three deep":                   (*manifest).deepViews,
	"views of readings have three readers":           (*manifest).manyReaders,
	"everything is described":                        (*manifest).undescribed,
	"what others read has contract, group, access":   (*manifest).uncontracted,
	"exposures have an owner and ask a question":     (*manifest).idleExposures,
	"exposures depend on what others may read alone": (*manifest).deepExposures,
}

// readManifest reads the file that dbt wrote.
func readManifest(file string) (*manifest, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := new(manifest)
	return m, json.Unmarshal(text, m)
}

// models are the nodes that are models, by name.
func (m *manifest) models() []*node {
	var models []*node
	for _, n := range m.Nodes {
		if n.Kind == "model" {
			models = append(models, n)
		}
	}
	slices.SortFunc(models, func(a, b *node) int { return cmp.Compare(a.Name, b.Name) })
	return models
}

// in tells whether a model lies below one of the folders of dbt/models.
func (n *node) in(folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return strings.HasPrefix(n.Path, "models/"+folder+"/") })
}

// asksSource is a call of source(), which a macro that runs only against a
// warehouse does not show among what its models depend on.
var asksSource = regexp.MustCompile(`\bsource\(`)

func (m *manifest) sourcesOutsideStaging(but exceptions) (wrong []string) {
	for _, n := range m.models() {
		if n.in("staging") {
			continue
		}
		if asksSource.MatchString(n.Code) {
			wrong = append(wrong, n.Name+" asks a source itself: read its staging view")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Macros)) {
		macro := m.Macros[name]
		if macro.Package != "gantry" {
			continue
		}
		asks := asksSource.MatchString(macro.Code)
		reason, excepted := but.macros[macro.Name]
		switch {
		case asks && reason == "":
			wrong = append(wrong, fmt.Sprintf("macro %s asks a source: read the staging view, or name it as an exception with a reason", macro.Name))
		case !asks && excepted:
			wrong = append(wrong, fmt.Sprintf("macro %s is an exception but asks no source: drop the exception", macro.Name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(but.macros)) {
		if m.Macros["macro.gantry."+name] == nil {
			wrong = append(wrong, fmt.Sprintf("macro %s is an exception but is not there: drop the exception", name))
		}
	}
	return wrong
}

// maxViews is how many views a query may have to go through: ClickHouse
// unfolds them anew for each.
const maxViews = 3

func (m *manifest) deepViews(exceptions) (wrong []string) {
	for _, n := range m.models() {
		if chain := m.views(n); len(chain) > maxViews {
			wrong = append(wrong, strings.Join(chain, " > ")+": make one of them a table")
		}
	}
	return wrong
}

// views is the longest chain of views that ends in the node.
func (m *manifest) views(n *node) []string {
	if n == nil || n.Kind != "model" || n.Config.Materialized != "view" && n.Config.Materialized != "ephemeral" {
		return nil
	}
	var longest []string
	for _, on := range n.DependsOn.Nodes {
		if chain := m.views(m.Nodes[on]); len(chain) > len(longest) {
			longest = chain
		}
	}
	return append(slices.Clone(longest), n.Name)
}

// maxReaders is how many models may fold one view of readings: each folds
// every reading again.
const maxReaders = 3

func (m *manifest) manyReaders(but exceptions) (wrong []string) {
	used := map[string]bool{}
	for _, view := range m.models() {
		if !view.in("staging") || !strings.HasSuffix(view.Name, "_readings") {
			continue
		}
		var readers, beyond []string
		for _, n := range m.models() {
			if !slices.Contains(n.DependsOn.Nodes, "model.gantry."+view.Name) {
				continue
			}
			readers = append(readers, n.Name)
			if but.readers[n.Name] == "" {
				beyond = append(beyond, n.Name)
			}
		}
		if len(beyond) > maxReaders {
			wrong = append(wrong, fmt.Sprintf("%s is read by %s: read a model that folds it, or name one as an exception with a reason",
				view.Name, strings.Join(readers, ", ")))
		}
		for _, name := range readers {
			used[name] = used[name] || len(readers) > maxReaders
		}
	}
	for _, name := range slices.Sorted(maps.Keys(but.readers)) {
		if !used[name] {
			wrong = append(wrong, fmt.Sprintf("%s is an exception but reads no view with over %d readers: drop the exception", name, maxReaders))
		}
	}
	return wrong
}

func (m *manifest) undescribed(exceptions) (wrong []string) {
	both := maps.Clone(m.Nodes)
	maps.Copy(both, m.Sources)
	for _, id := range slices.Sorted(maps.Keys(both)) {
		n := both[id]
		if n.Kind != "model" && n.Kind != "seed" && n.Kind != "source" {
			continue
		}
		if blank(n.Description) {
			wrong = append(wrong, id+" has no description: say what one row is")
		}
		if n.Kind == "source" && blank(n.SourceDescription) {
			wrong = append(wrong, id+" is of a database without a description")
		}
		if len(n.Columns) == 0 {
			wrong = append(wrong, id+" names no columns: name each, with units")
		}
		for _, name := range slices.Sorted(maps.Keys(n.Columns)) {
			if blank(n.Columns[name].Description) {
				wrong = append(wrong, fmt.Sprintf("%s: column %s has no description: say what it is, with units", id, name))
			}
		}
	}
	return wrong
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }

func (m *manifest) uncontracted(exceptions) (wrong []string) {
	for _, n := range m.models() {
		if !n.in("serving", "enforcement") {
			continue
		}
		if !n.Contract.Enforced {
			wrong = append(wrong, n.Name+" has no enforced contract")
		}
		if n.Group == "" {
			wrong = append(wrong, n.Name+" is of no group: nobody answers for it")
		}
		// Those of enforcement are for one user alone, and never public. A model
		// that says nothing of access is protected, and so is none of serving.
		if want := map[bool]string{true: "public", false: "protected"}[n.in("serving")]; n.Access != want {
			wrong = append(wrong, fmt.Sprintf("%s has access %q, want %q", n.Name, n.Access, want))
		}
	}
	return wrong
}

func (m *manifest) idleExposures(exceptions) (wrong []string) {
	if len(m.Exposures) == 0 {
		return []string{"there are no exposures: say who reads the models, and what they ask"}
	}
	for _, id := range slices.Sorted(maps.Keys(m.Exposures)) {
		e := m.Exposures[id]
		if blank(e.Owner.Name) && blank(e.Owner.Email) {
			wrong = append(wrong, e.Name+" has no owner")
		}
		if !strings.HasSuffix(strings.TrimSpace(e.Description), "?") {
			wrong = append(wrong, e.Name+" asks nothing: end its description with the question it answers")
		}
		if len(e.DependsOn.Nodes) == 0 {
			wrong = append(wrong, e.Name+" depends on nothing")
		}
	}
	return wrong
}

func (m *manifest) deepExposures(exceptions) (wrong []string) {
	for _, id := range slices.Sorted(maps.Keys(m.Exposures)) {
		for _, on := range m.Exposures[id].DependsOn.Nodes {
			if n := m.Nodes[on]; n == nil || !n.in("serving", "enforcement") {
				wrong = append(wrong, fmt.Sprintf("%s depends on %s, which is not for others to read", m.Exposures[id].Name, on))
			}
		}
	}
	return wrong
}
