package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// models measures dbt on the history that a stack holds: everything from
// nothing, and then once more what the readings since have changed. Agents go
// on sending, as they do beside every build.
func (e *endToEnd) models(ctx context.Context) ([]figure, error) {
	program, err := e.stack.dbt(ctx)
	if err != nil {
		return nil, err
	}
	var figures []figure
	for _, run := range []struct{ name, note string }{
		{"models_first_build_s", "dbt build without tests on empty staging and serving, history of " + e.History},
		{"models_incremental_build_s", "dbt build without tests once more, history of " + e.History},
	} {
		e.say("%s", run.note)
		started := time.Now()
		if err := e.stack.runModels(ctx, program); err != nil {
			return nil, err
		}
		figures = append(figures, figure{run.name, time.Since(started).Seconds(), "s", run.note + ", beside the live stream"})
	}
	return figures, nil
}

// dbt is the program, which the launcher has installed.
func (k *stack) dbt(ctx context.Context) (string, error) {
	const name = "GANTRY_DBT="
	install := exec.CommandContext(ctx, filepath.Join(k.dir, "bin", "local"), "install")
	install.Dir = k.root
	out, err := install.Output()
	if err != nil {
		return "", fmt.Errorf("local install: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if program, ok := strings.CutPrefix(strings.TrimSpace(line), name); ok {
			return program, nil
		}
	}
	return "", fmt.Errorf("local install does not say %s", name)
}

// runModels makes all models once, as the launcher does, but for their tests.
func (k *stack) runModels(ctx context.Context, program string) error {
	password, err := state.Password(k.state, "dbt")
	if err != nil {
		return err
	}
	target := filepath.Join(k.dir, "dbt")
	run := exec.CommandContext(ctx, program, "--no-use-colors", "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test", "--profiles-dir", ".")
	run.Dir = filepath.Join(k.root, "dbt")
	run.Env = append(os.Environ(),
		"DO_NOT_TRACK=1", "DBT_TARGET_PATH="+target, "DBT_LOG_PATH="+target,
		"GANTRY_CLICKHOUSE_HOST=127.0.0.1", fmt.Sprintf("GANTRY_CLICKHOUSE_HTTP_PORT=%d", k.ports.ClickHouseHTTP),
		"GANTRY_DBT_PASSWORD="+password,
	)
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("dbt build: %w: %s", err, lastLine(string(out)))
	}
	return nil
}
