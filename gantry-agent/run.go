package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/gantry-dev/gantry/gantry-agent/recorded"
	"github.com/gantry-dev/gantry/gantry-agent/uplink"
	"github.com/gantry-dev/gantry/gantry-agent/world"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// runCmd carries devices.
type runCmd struct {
	Collector []string  `default:"127.0.0.1:50051" placeholder:"HOST:PORT,…" help:"Collectors, tried in turn."`
	AgentID   string    `placeholder:"NAME" help:"Name of this agent, unique in the fleet; by default made from the host's name and kept in the state folder."`
	Devices   string    `default:"0" placeholder:"N|ID,…" help:"A number: carry at most so many, as the collector leases them, 0 for all it gives. Ids: carry exactly these."`
	State     string    `placeholder:"DIR" help:"Folder for the agent's name, its world's fingerprint and the spool; none is kept without."`
	Clock     clockFlag `default:"live" placeholder:"MODE" help:"live; accelerated:FACTOR, from --from on; or backfill: send what is before --to, then exit."`
	From      dateFlag  `placeholder:"DATE" help:"Leave out days before this one (UTC). Where it is within a day, the whole day is sent."`
	To        dateFlag  `placeholder:"DATE" help:"Leave out emissions from then on (UTC)."`
	Resend    bool      `help:"Send everything again, also what is durable; copies collapse by their identity."`
	TokenFile string    `placeholder:"FILE" help:"File with the token that proves the agent's role."`
	TLSFlags
	HTTP string `name:"http" placeholder:"HOST:PORT" help:"Serve /metrics and /healthz here; off by default."`

	SpoolBytes    int64 `default:"268435456" help:"Most bytes of the spool on disk."`
	SpoolReadings int   `default:"4000000" help:"Most readings in the spool."`

	Recorded string `placeholder:"FILE" help:"The recording that the world's network replays, gzip'd or not: the file that 'gantry-agent world import' drafted the network from."`

	Network   string   `placeholder:"NAME|FILE" help:"State the world instead of taking the collector's: its network."`
	Scenario  string   `placeholder:"NAME|FILE" help:"Scenario of --network; without it, the one that goes with the network."`
	Seed      uint64   `default:"1" help:"Seed of --network."`
	Zone      string   `placeholder:"ZONE" help:"Zone put into --network, as +09:30 or an IANA name."`
	ValidFrom dateFlag `placeholder:"DATE" help:"Start of the devices' life put into --network."`
}

// capacityOfAll is asked for when an agent takes as many devices as it gets.
const capacityOfAll = math.MaxInt32

// Validate refuses what makes no sense together.
func (c *runCmd) Validate() error {
	var errs []error
	if c.Clock.mode == clockAccelerated && c.From.IsZero() {
		errs = append(errs, errors.New("--clock accelerated needs --from: where its world begins"))
	}
	if !c.To.IsZero() && !c.From.IsZero() && !c.From.Before(c.To.Time) {
		errs = append(errs, errors.New("--from must be before --to"))
	}
	if c.Network == "" && (c.Zone != "" || !c.ValidFrom.IsZero()) {
		errs = append(errs, errors.New("--zone and --valid-from change --network: give that too"))
	}
	return errors.Join(errs...)
}

// gcPercent is how far an agent's heap grows before it is collected: nearly
// all of it is the days in use, without pointers, so that collecting is cheap.
// GOGC wins.
const gcPercent = 10

// Run does so until it is stopped, or a backfill is finished.
func (c *runCmd) Run(stop signals, log *slog.Logger) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	st, err := openState(c.State)
	if err != nil {
		return err
	}
	defer st.close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	cfg, err := c.config(st, log)
	if err != nil {
		return err
	}
	cfg.Log, cfg.Metrics = log, uplink.NewMetrics(registry)
	agent, err := uplink.New(cfg)
	if err != nil {
		return err
	}
	stopHTTP, err := serveHTTP(c.HTTP, registry, agent.Connected)
	if err != nil {
		return err
	}
	defer stopHTTP()
	log.Info("starting", "agent", cfg.AgentID, "version", cfg.Version, "collectors", cfg.Collectors)
	err = agent.Run(stop)
	log.Info("stopped", "agent", cfg.AgentID)
	return err
}

// config turns the command line into the uplink's configuration.
func (c *runCmd) config(st *state, log *slog.Logger) (uplink.Config, error) {
	cfg := uplink.Config{Collectors: c.Collector, Version: version()}
	var err error
	if cfg.AgentID, err = st.name(c.AgentID); err != nil {
		return cfg, err
	}
	if cfg.Capacity, cfg.StaticDevices, err = parseDevices(c.Devices); err != nil {
		return cfg, err
	}
	if cfg.Token, err = readToken(c.TokenFile); err != nil {
		return cfg, err
	}
	if cfg.TLS, err = c.open(c.Collector, log); err != nil {
		return cfg, err
	}
	cfg.ServerName = c.TLSServerName
	if cfg.Clock, cfg.Plan, err = c.pace(st, time.Now().UnixMicro()); err != nil {
		return cfg, err
	}
	stated, err := c.statedWorld(log)
	if err != nil {
		return cfg, err
	}
	cfg.Fingerprint = st.Fingerprint
	if stated != nil {
		if err := st.belong(stated.Fingerprint()); err != nil {
			return cfg, err
		}
		cfg.Fingerprint = stated.Fingerprint()
	}
	cfg.Open = c.opener(st, stated, log)
	if c.State != "" && !cfg.Plan.Backfill {
		cfg.Spool = uplink.SpoolConfig{
			Dir: filepath.Join(c.State, "spool"), MaxBytes: c.SpoolBytes, MaxReadings: c.SpoolReadings, Crash: crasher(),
		}
	}
	return cfg, nil
}

// pace makes the clock and the plan. nowUS is this machine's time, and only
// decides where an accelerated or a finished world is anchored.
func (c *runCmd) pace(st *state, nowUS int64) (uplink.Clock, uplink.Plan, error) {
	plan := uplink.Plan{FromUS: c.From.micros(), ToUS: c.To.micros(), Resend: c.Resend}
	switch c.Clock.mode {
	case clockBackfill:
		plan.Backfill = true
		if plan.ToUS == 0 {
			plan.ToUS = nowUS
		}
		if plan.ToUS > lastAllowed(nowUS) {
			return nil, plan, errors.New("--to is after tomorrow: the collector puts such readings off")
		}
		return fixedClock(plan.ToUS), plan, nil
	case clockAccelerated:
		want := clockOrigin{FromUS: plan.FromUS, AnchorUS: nowUS, Factor: c.Clock.factor}
		if st.Clock == nil || st.Clock.FromUS != want.FromUS || st.Clock.Factor != want.Factor {
			st.Clock = &want
		}
		return acceleratedClock{st.Clock.AnchorUS, want.FromUS, want.Factor}, plan, st.save()
	default:
		return uplink.LiveClock{}, plan, nil
	}
}

// parseDevices reads --devices: a number, or ids.
func parseDevices(text string) (capacity uint32, static []string, err error) {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		if n == 0 {
			n = capacityOfAll
		}
		return uint32(n), nil, nil
	}
	for id := range strings.SplitSeq(text, ",") {
		if id = strings.TrimSpace(id); id != "" {
			static = append(static, id)
		}
	}
	if len(static) == 0 {
		return 0, nil, fmt.Errorf("--devices %q is neither a number nor a list of device ids", text)
	}
	return 0, static, nil
}

func readToken(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// statedWorld makes the world of --network, or nil without one.
func (c *runCmd) statedWorld(log *slog.Logger) (*world.World, error) {
	if c.Network == "" {
		return nil, nil
	}
	network, err := worldFile("network", c.Network)
	if err != nil {
		return nil, err
	}
	if c.Scenario == "" {
		c.Scenario = world.ScenarioFor(c.Network)
	}
	scenario, err := worldFile("scenario", c.Scenario)
	if err != nil {
		return nil, err
	}
	if _, shipped := world.Shipped("scenario", c.Scenario); shipped && c.Recorded != "" {
		scenario = nil // of simulated traffic
	}
	if c.Zone != "" || !c.ValidFrom.IsZero() {
		if _, err := world.ReplayOf(network); err != nil { // before lines move
			return nil, err
		}
		if network, err = world.WithPlace(network, c.Zone, c.ValidFrom.micros()); err != nil {
			return nil, err
		}
	}
	w, err := c.makeWorld(world.Spec{NetworkYAML: network, ScenarioYAML: scenario, Seed: c.Seed}, log)
	if err != nil {
		return nil, err
	}
	return w, w.Check()
}

// makeWorld makes a world, from the recording where its network replays one.
func (c *runCmd) makeWorld(spec world.Spec, log *slog.Logger) (*world.World, error) {
	w, report, err := recorded.Make(spec, c.Recorded)
	if err != nil {
		return nil, err
	}
	w.Keep(1)
	if report == nil {
		return w, nil
	}
	from, to := w.Span()
	log.Info("recording read", "file", c.Recorded, "rows", report.Rows, "passages", report.Passages,
		"from", time.UnixMicro(from).UTC(), "to", time.UnixMicro(to).UTC())
	for _, left := range report.Left {
		log.Info("rows left out", "reason", left.What, "rows", left.Number, "first_line", left.Line)
	}
	for _, u := range report.Unknown {
		log.Warn("vehicles of an unknown type count as other", "type", u.What, "vehicles", u.Number, "first_line", u.Line)
	}
	return w, nil
}

// worldFile returns a shipped file by its name, or else one from disk.
func worldFile(kind, name string) ([]byte, error) {
	if text, ok := world.Shipped(kind, name); ok {
		return text, nil
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--%s %q is neither a shipped %s nor a file", kind, name, kind)
	}
	return text, err
}

// opener makes the source once a collector has named the world.
func (c *runCmd) opener(st *state, stated *world.World, log *slog.Logger) uplink.Opener {
	return func(named *gantryv1.World) (uplink.Source, error) {
		if stated != nil {
			return worldSource{stated}, nil
		}
		if named == nil {
			return nil, errors.New("the collector's network has no simulated world, so there are no devices to stand in for: " +
				"apply a network with a world, or state one with --network")
		}
		w, err := c.makeWorld(world.Spec{
			NetworkYAML: []byte(named.GetNetworkYaml()), ScenarioYAML: []byte(named.GetScenarioYaml()), Seed: named.GetSeed(),
		}, log)
		if err != nil {
			return nil, fmt.Errorf("the collector's world: %w", err)
		}
		if w.Fingerprint() != named.GetFingerprint() {
			return nil, fmt.Errorf("this agent (%s) makes world %s of what the collector calls world %s: "+
				"run the agent of the version that the network was applied with", version(), w.Fingerprint(), named.GetFingerprint())
		}
		return worldSource{w}, st.belong(w.Fingerprint())
	}
}
