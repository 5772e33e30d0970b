package querytest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Contract is what dbt promises of a table.
type Contract struct {
	// Database and Name of the table.
	Database, Name string
	// Columns in their order.
	Columns []Column
	// Grain are the columns that tell rows apart; none of a table of one row.
	Grain []string
}

// Column is one of a contract.
type Column struct {
	// Name and Type of ClickHouse.
	Name string `yaml:"name"`
	Type string `yaml:"data_type"`
}

// String is the table's full name.
func (c Contract) String() string { return c.Database + "." + c.Name }

// model is as much of dbt's YAML as is read.
type model struct {
	Name      string   `yaml:"name"`
	Columns   []Column `yaml:"columns"`
	DataTests []any    `yaml:"data_tests"`
}

// Contracts reads those of the databases that the query service may read.
func Contracts(t testing.TB) (out []Contract) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	models := filepath.Join(filepath.Dir(here), "..", "..", "..", "dbt", "models")
	for _, database := range []string{"serving", "enforcement"} {
		files := os.DirFS(filepath.Join(models, database))
		err := fs.WalkDir(files, ".", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".yml" {
				return err
			}
			found, err := readContracts(files, path)
			for _, m := range found {
				out = append(out, Contract{Database: database, Name: m.Name, Columns: m.Columns, Grain: grain(m.DataTests)})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 25 {
		t.Fatalf("only %d contracts found under %s", len(out), models)
	}
	return out
}

func readContracts(files fs.FS, path string) ([]model, error) {
	text, err := fs.ReadFile(files, path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Models []model `yaml:"models"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file.Models, nil
}

// grain reads the columns of the test unique_grain.
func grain(tests []any) []string {
	var columns []string
	for _, test := range tests {
		of, _ := test.(map[string]any)
		unique, _ := of["unique_grain"].(map[string]any)
		arguments, _ := unique["arguments"].(map[string]any)
		names, _ := arguments["columns"].([]any)
		for _, n := range names {
			columns = append(columns, fmt.Sprint(n))
		}
	}
	return columns
}

// create is the statement that makes the table.
func (c Contract) create() string {
	var columns []string
	for _, column := range c.Columns {
		columns = append(columns, "`"+column.Name+"` "+column.Type)
	}
	return fmt.Sprintf("CREATE TABLE %s (%s) ENGINE = MergeTree ORDER BY tuple()", c, strings.Join(columns, ", "))
}
