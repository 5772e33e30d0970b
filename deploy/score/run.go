package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	"github.com/gantry-dev/gantry/deploy/score/planted"
	"github.com/gantry-dev/gantry/deploy/score/tally"
	"github.com/gantry-dev/gantry/deploy/score/truth"
	"github.com/gantry-dev/gantry/deploy/score/warehouse"
)

// runCommand is `score run`: all of it, seed by seed.
type runCommand struct {
	Seeds     int      `default:"20" help:"How many seeds."`
	FirstSeed uint64   `default:"1" help:"The first of them."`
	Scenarios string   `placeholder:"DIR" help:"Folder of other situations, instead of the planted ones: a folder each with network.yaml and scenario.yaml."`
	Situation []string `placeholder:"NAME" help:"Only these situations."`
	Workdays  int      `default:"20" help:"How many workdays."`
	DBT       string   `required:"" help:"The dbt program."`
	Project   string   `default:"dbt" help:"Folder of the models."`
	Out       string   `placeholder:"FILE" help:"Write the score there, as JSON."`
	Work      string   `placeholder:"DIR" help:"Folder for data; without it, a temporary one."`

	skipped []string // situations without a truth
}

// report is what is written.
type report struct {
	// Seeds that have been scored so far.
	Seeds            int      `json:"seeds"`
	FirstSeed        uint64   `json:"first_seed"`
	Workdays         int      `json:"workdays"`
	Situations       []string `json:"situations"`
	ThresholdsSHA256 string   `json:"thresholds_sha256"`
	// Skipped situations ask more of their roads than they can do with a seed:
	// there is no truth to hold verdicts against.
	Skipped   []string                  `json:"skipped"`
	Questions map[string]tally.Question `json:"questions"`
}

// Run scores the seeds one after the other.
func (c *runCommand) Run(ctx context.Context) error {
	situations, err := c.situations()
	if err != nil {
		return err
	}
	seeds, err := os.ReadFile(filepath.Join(c.Project, "seeds", "thresholds.csv"))
	if err != nil {
		return fmt.Errorf("--project=%s holds no models: %w", c.Project, err)
	}
	digest := sha256.Sum256(seeds)
	r := report{FirstSeed: c.FirstSeed, Workdays: c.Workdays, ThresholdsSHA256: hex.EncodeToString(digest[:])}
	for _, s := range situations {
		r.Situations = append(r.Situations, s.Name)
	}
	rows := map[string][]tally.Row{}
	for i := range c.Seeds {
		if err := c.seed(ctx, c.FirstSeed+uint64(i), situations, rows); err != nil {
			return err
		}
		r.Seeds = i + 1
		r.Skipped = append([]string{}, c.skipped...)
		r.Questions = map[string]tally.Question{}
		for question, of := range rows {
			r.Questions[question] = tally.Score(of, question != askSpeedCameras)
		}
		// After each seed, so that a long run shows and keeps what it has.
		if err := c.write(&r); err != nil {
			return err
		}
	}
	return nil
}

func (c *runCommand) situations() ([]planted.Situation, error) {
	if c.Scenarios != "" {
		return planted.FromDir(c.Scenarios)
	}
	return planted.Named(c.Situation)
}

// seed scores one seed. A warehouse has one time zone, so that situations of
// others get one of their own.
func (c *runCommand) seed(ctx context.Context, seed uint64, situations []planted.Situation, rows map[string][]tally.Row) error {
	zones, err := byZone(seed, situations)
	if err != nil {
		return err
	}
	for i := range zones {
		if err := c.zone(ctx, seed, &zones[i], rows); err != nil {
			return err
		}
	}
	return nil
}

// zone loads, builds and asks. What does not depend on the answers is computed
// while the models are waited for.
func (c *runCommand) zone(ctx context.Context, seed uint64, z *zone, rows map[string][]tally.Row) error {
	began := time.Now()
	dates := days(z.first, c.Workdays, true)
	sites := make([]*truth.Site, len(z.situations))
	var answered atomic.Bool
	var background errgroup.Group
	background.Go(func() error {
		for i := 0; i < len(sites) && !answered.Load(); i++ {
			var err error
			if sites[i], err = truth.Open(ctx, z.situations[i], seed, dates); err == nil {
				err = sites[i].Prepare(ctx, answered.Load)
			}
			if err != nil && !errors.Is(err, truth.ErrFault) { // which comes again below
				return err
			}
		}
		return nil
	})
	said, err := c.answers(ctx, seed, z, dates)
	answered.Store(true)
	if err := errors.Join(err, background.Wait()); err != nil {
		return err
	}
	built := time.Since(began)
	for i, s := range z.situations {
		found, err := askOf(ctx, sites[i], s, seed, dates, said)
		switch {
		case errors.Is(err, truth.ErrFault):
			fmt.Fprintln(os.Stderr, "skipped,", err)
			c.skipped = append(c.skipped, err.Error())
		case err != nil:
			return err
		}
		for question, of := range found {
			rows[question] = append(rows[question], of...)
		}
	}
	fmt.Fprintf(os.Stderr, "seed %d: models built by %v, truth known by %v\n", seed, built.Round(time.Second), time.Since(began).Round(time.Second))
	return nil
}

// askOf gives the rows of a situation, whose site is nil where nobody has
// opened it yet.
func askOf(ctx context.Context, site *truth.Site, s planted.Situation, seed uint64, dates []time.Time, said *screens) (map[string][]tally.Row, error) {
	if site == nil {
		var err error
		if site, err = truth.Open(ctx, s, seed, dates); err != nil {
			return nil, err
		}
	}
	found, err := (&asker{site: site, screens: said}).ask(ctx)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// answers are what the models say of the situations on the workdays.
func (c *runCommand) answers(ctx context.Context, seed uint64, z *zone, dates []time.Time) (*screens, error) {
	began := time.Now()
	dir := filepath.Join(c.Work, fmt.Sprintf("seed-%d%s", seed, z.suffix()))
	if c.Work == "" {
		temporary, err := os.MkdirTemp("", "score")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(temporary) }()
		dir = filepath.Join(temporary, "warehouse")
	}
	h, err := warehouse.Start(ctx, dir, 0, 0)
	if err != nil {
		return nil, err
	}
	defer h.Stop()
	sum, err := h.Load(ctx, z.roads, utcDays(dates, z.location))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "seed %d: %d readings loaded in %v\n", seed, sum.Readings, time.Since(began).Round(time.Second))
	if err := c.build(ctx, h); err != nil {
		return nil, err
	}
	conn, err := h.Open(clickhouselocal.UserOperator)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return readScreens(ctx, conn)
}

// build runs the models, without their tests: those are make test's.
func (c *runCommand) build(ctx context.Context, h *warehouse.Warehouse) error {
	password, err := os.ReadFile(h.PasswordFile(clickhouselocal.UserDBT))
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(h.HTTPAddr(), ":")
	absolute, err := filepath.Abs(h.Dir())
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, c.DBT, "--no-use-colors", "build", "--resource-type", "seed", "--resource-type", "model", "--profiles-dir", ".")
	cmd.Dir = c.Project
	cmd.Env = append(os.Environ(),
		"DO_NOT_TRACK=1",
		"DBT_TARGET_PATH="+filepath.Join(absolute, "dbt", "target"),
		"DBT_LOG_PATH="+filepath.Join(absolute, "dbt", "logs"),
		"GANTRY_CLICKHOUSE_HOST=127.0.0.1",
		"GANTRY_CLICKHOUSE_HTTP_PORT="+port,
		"GANTRY_DBT_PASSWORD="+strings.TrimSpace(string(password)),
	)
	if out, err := cmd.CombinedOutput(); err != nil {
		const most = 4000
		return fmt.Errorf("dbt build: %w\n%s", err, out[max(0, len(out)-most):])
	}
	return nil
}

// write prints the score, and keeps it where --out says.
func (c *runCommand) write(r *report) error {
	for _, name := range []string{askUpgrade, askPublicTransport, askFlexiTime, askSpeedCameras} {
		q := r.Questions[name]
		fmt.Printf("%-17s recall %.3f (%.3f to %.3f) of %d, precision %.3f (%.3f to %.3f); %d wrong yes of %d no, %d without evidence, %d too close to score",
			name, q.Recall, q.RecallLow, q.RecallHigh, q.Positives, q.Precision, q.PrecisionLow, q.PrecisionHigh,
			q.FP, q.Negatives, q.Insufficient, q.Unscored)
		if q.Savings != nil {
			fmt.Printf("; saving off by %.0f %% (median)", 100*q.ErrorMedian)
		}
		fmt.Println()
	}
	if c.Out == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(c.Out, append(text, '\n'), 0o600)
}
