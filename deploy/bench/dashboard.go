package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	store "github.com/gantry-dev/gantry/deploy/score/warehouse"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// dashboard is a collector in the role query on data that are there.
type dashboard struct {
	*settings
	root      string // of the checkout
	dir       string // everything of this run
	warehouse *store.Warehouse
	url       string // where the collector listens
	token     string // of the role enforcement
	about     string // the data, for notes
}

// collectorUpWithin is how long a collector may take to be ready.
const collectorUpWithin = time.Minute

// measureDashboard measures questions, pages and viewers, one after the other.
func (s *settings) measureDashboard(ctx context.Context) (figures []figure, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gantry-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &dashboard{settings: s, root: root, dir: dir, token: rand.Text()}
	if err := d.startWarehouse(ctx); err != nil {
		return nil, err
	}
	defer d.warehouse.Stop()
	broker, err := startChild(ctx, "--role=broker")
	if err != nil {
		return nil, err
	}
	defer broker.stop()
	end, err := d.startCollector(ctx, broker.addr)
	if err != nil {
		return nil, err
	}
	defer end()
	for _, take := range []func(context.Context) ([]figure, error){d.measureQuestions, d.measurePages, d.measureViewers} {
		taken, err := take(ctx)
		if err != nil {
			return nil, err
		}
		figures = append(figures, taken...)
	}
	return figures, nil
}

// startWarehouse serves a copy of the folder that was given, for it is written
// to; without one it makes data and builds the models.
func (d *dashboard) startWarehouse(ctx context.Context) (err error) {
	folder := filepath.Join(d.dir, "warehouse")
	if d.Data != "" {
		say("copying %s", d.Data)
		// os.CopyFS would let everybody read the copy's secrets.
		if out, err := exec.CommandContext(ctx, "cp", "-a", d.Data, folder).CombinedOutput(); err != nil {
			return fmt.Errorf("copy the folder of data: %w: %s", err, lastLine(string(out)))
		}
		d.about = "data of " + filepath.Base(d.Data)
		d.warehouse, err = store.Start(ctx, folder, 0, 0)
		return err
	}
	d.about = fmt.Sprintf("%d days of corridor", d.Days)
	if d.warehouse, err = store.Start(ctx, folder, 0, 0); err != nil {
		return err
	}
	if err = d.fillWarehouse(ctx); err != nil {
		d.warehouse.Stop()
	}
	return err
}

func (d *dashboard) fillWarehouse(ctx context.Context) error {
	w, _, err := openWorld("corridor", d.Seed)
	if err != nil {
		return err
	}
	say("loading %s", d.about)
	if _, err := d.warehouse.Load(ctx, []store.Road{{World: w}}, firstDays(w, d.Days)); err != nil {
		return err
	}
	say("building the models")
	if err := d.buildModels(ctx); err != nil {
		return err
	}
	return d.awaitMinutes(ctx)
}

// minutesWithin is how long the live minutes of the last hours may take.
const minutesWithin = 5 * time.Minute

// awaitMinutes has the live minutes of the last six hours computed. What was
// loaded now would be computed hour by hour while something is measured; those
// hours are noted as long at rest, and others not at all.
func (d *dashboard) awaitMinutes(ctx context.Context) (err error) {
	conn, err := d.warehouse.Open(clickhouselocal.UserCollector)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, statement := range []string{
		`TRUNCATE TABLE raw.touched`,
		`INSERT INTO raw.touched SELECT DISTINCT device_id, toStartOfHour(observed_at), now64(3, 'UTC') - INTERVAL 10 MINUTE
			FROM raw.readings WHERE observed_at > (SELECT max(observed_at) FROM raw.readings) - INTERVAL 6 HOUR`,
	} {
		if err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	say("waiting for the live minutes")
	ctx, cancel := context.WithTimeout(ctx, minutesWithin)
	defer cancel()
	for {
		var there bool
		const newest = `SELECT (SELECT max(minute) FROM live.station_minutes) > (SELECT max(observed_at) FROM raw.readings) - INTERVAL 2 HOUR`
		if err := conn.QueryRow(ctx, newest).Scan(&there); err != nil || there {
			return err
		}
		if err := pause(ctx, time.Second); err != nil {
			return fmt.Errorf("the live minutes are not computed within %v: %w", minutesWithin, err)
		}
	}
}

// firstDays are those of the network's life, from a Monday on.
func firstDays(w *world.World, n int) []time.Time {
	first := time.UnixMicro(w.Network().ValidFrom).UTC().Truncate(24 * time.Hour)
	for first.Weekday() != time.Monday {
		first = first.AddDate(0, 0, 1)
	}
	days := make([]time.Time, n)
	for i := range days {
		days[i] = first.AddDate(0, 0, i)
	}
	return days
}

// buildModels makes them on the data that were loaded.
func (d *dashboard) buildModels(ctx context.Context) error {
	_, port, _ := strings.Cut(d.warehouse.HTTPAddr(), ":")
	models, err := installDBT(ctx, d.root, d.dir, d.warehouse.Dir(), port)
	if err != nil {
		return err
	}
	return models.build(ctx)
}

// startCollector builds the program anew, with the pages as they are built,
// and waits until it is ready.
func (d *dashboard) startCollector(ctx context.Context, broker string) (end func(), err error) {
	program, log := filepath.Join(d.dir, "collector"), filepath.Join(d.dir, "collector.log")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./collector")
	build.Dir = d.root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, lastLine(string(out)))
	}
	tokens := filepath.Join(d.dir, "tokens")
	sum := sha256.Sum256([]byte(d.token))
	if err := os.WriteFile(tokens, []byte("enforcement "+hex.EncodeToString(sum[:])+"\n"), 0o600); err != nil {
		return nil, err
	}
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "query", "--kafka-brokers", broker,
		"--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0", "--admin-addr", "",
		"--tokens-file", tokens, "--clickhouse-addr", d.warehouse.TCPAddr(),
		"--clickhouse-planner-password-file", d.warehouse.PasswordFile(clickhouselocal.UserPlanner),
		"--clickhouse-enforcement-password-file", d.warehouse.PasswordFile(clickhouselocal.UserEnforcement))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	end = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = out.Close()
	}
	if d.url, err = awaitCollector(ctx, log); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// awaitCollector reads the address from the log, which says when it is ready.
func awaitCollector(ctx context.Context, log string) (url string, err error) {
	ctx, cancel := context.WithTimeout(ctx, collectorUpWithin)
	defer cancel()
	tick := time.NewTicker(startEvery)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(log)
		if err != nil {
			return "", err
		}
		_, after, found := strings.Cut(string(text), " http=")
		if found && strings.Contains(after, "collector is ready") {
			return "http://" + strings.Fields(after)[0], nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the collector is not ready within %v: %s", collectorUpWithin, lastLine(string(text)))
		case <-tick.C:
		}
	}
}
