package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/deploy/local/state"
)

// models measures dbt on the history that a stack holds: everything from
// nothing, and then once more what the readings since have changed. Agents go
// on sending, as they do beside every build.
func (e *endToEnd) models(ctx context.Context) ([]figure, error) {
	k := e.stack
	d, err := installDBT(ctx, k.root, k.dir, k.state, strconv.Itoa(k.ports.ClickHouseHTTP))
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
		if err := d.build(ctx); err != nil {
			return nil, err
		}
		figures = append(figures, figure{run.name, time.Since(started).Seconds(), "s", run.note + ", beside the live stream"})
	}
	return figures, nil
}

// dbt is the program on a ClickHouse of this machine.
type dbt struct{ program, root, target, port, password string }

// installDBT has the launcher install dbt where it is missing. root is the
// checkout, scratch a folder for what dbt leaves, data the folder that holds the
// passwords, httpPort that of its ClickHouse.
func installDBT(ctx context.Context, root, scratch, data, httpPort string) (*dbt, error) {
	password, err := state.Password(data, clickhouselocal.UserDBT)
	if err != nil {
		return nil, err
	}
	install := exec.CommandContext(ctx, "go", "run", "./deploy/local", "install")
	install.Dir, install.Stderr = root, os.Stderr
	out, err := install.Output()
	if err != nil {
		return nil, fmt.Errorf("install dbt: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if program, ok := strings.CutPrefix(strings.TrimSpace(line), "GANTRY_DBT="); ok {
			return &dbt{program, root, filepath.Join(scratch, "dbt"), httpPort, password}, nil
		}
	}
	return nil, fmt.Errorf("install dbt: no GANTRY_DBT in %s", out)
}

// build makes seeds and models once, without their tests.
func (d *dbt) build(ctx context.Context) error {
	run := exec.CommandContext(ctx, d.program, "--no-use-colors", "build", "--resource-type", "seed", "--resource-type", "model", "--profiles-dir", ".")
	run.Dir = filepath.Join(d.root, "dbt")
	run.Env = append(os.Environ(),
		"DO_NOT_TRACK=1", "DBT_TARGET_PATH="+d.target, "DBT_LOG_PATH="+d.target,
		"GANTRY_CLICKHOUSE_HOST=127.0.0.1", "GANTRY_CLICKHOUSE_HTTP_PORT="+d.port, "GANTRY_DBT_PASSWORD="+d.password,
	)
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("dbt build: %w: %s", err, lastLine(string(out)))
	}
	return nil
}
