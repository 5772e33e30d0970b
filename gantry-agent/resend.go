package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/gantry-agent/uplink"
	"github.com/gantry-dev/gantry/gantry-agent/world"
)

// resendCmd makes the readings of some days once more and sends them.
type resendCmd struct {
	Collector []string `default:"127.0.0.1:50051" placeholder:"HOST:PORT,…" help:"Collectors, tried in turn."`
	From      dateFlag `required:"" placeholder:"DATE" help:"First day (UTC)."`
	To        dateFlag `placeholder:"DATE" help:"Day or moment to end before (UTC); now without it."`
	Devices   string   `placeholder:"ID,…" help:"Only these devices; all of the world without it. Whoever carries them goes on meanwhile."`
	AgentID   string   `placeholder:"NAME" help:"Name of this agent, unique in the fleet."`
	TokenFile string   `placeholder:"FILE" help:"File with the token that proves the agent's role."`
	TLSFlags
	Recorded string `placeholder:"FILE" help:"The recording that the world's network replays; see run."`
}

// Validate refuses what makes no sense together.
func (c *resendCmd) Validate() error {
	if !c.To.IsZero() && !c.From.Before(c.To.Time) {
		return errors.New("--from must be before --to")
	}
	return nil
}

// Run does so and ends when all is acknowledged.
func (c *resendCmd) Run(stop signals, log *slog.Logger) error {
	again := &runCmd{
		Collector: c.Collector, AgentID: c.AgentID, Devices: c.Devices, Clock: clockFlag{mode: clockBackfill},
		From: c.From, To: c.To, Resend: true, TokenFile: c.TokenFile, TLSFlags: c.TLSFlags, Recorded: c.Recorded, Seed: 1,
	}
	if again.AgentID == "" {
		name, err := (&state{}).name("")
		if err != nil {
			return err
		}
		again.AgentID = "resend-" + name
	}
	if again.Devices == "" {
		ids, err := again.worldDevices(stop, log)
		if err != nil {
			return err
		}
		again.Devices = strings.Join(ids, ",")
	}
	began := time.Now()
	err := again.Run(stop, log)
	if err == nil && stop.Err() != nil {
		return errors.New("stopped before all was sent: what was acknowledged stays; run it again for the rest")
	}
	if err == nil {
		log.Info("sent again", "devices", strings.Count(again.Devices, ",")+1, "from", c.From.Time, "took", time.Since(began).Round(time.Second))
	}
	return err
}

// worldDevices lists the devices of the collector's world.
func (c *runCmd) worldDevices(ctx context.Context, log *slog.Logger) ([]string, error) {
	cfg := uplink.Config{Collectors: c.Collector, AgentID: c.AgentID, Version: version(), ServerName: c.TLSServerName}
	var err error
	if cfg.Token, err = readToken(c.TokenFile); err != nil {
		return nil, err
	}
	if cfg.TLS, err = c.open(c.Collector, log); err != nil {
		return nil, err
	}
	named, err := uplink.AskWorld(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if named == nil {
		return nil, errors.New("the collector's network has no simulated world, so its readings cannot be made again: a real device sends its own")
	}
	w, err := c.makeWorld(world.Spec{
		NetworkYAML: []byte(named.GetNetworkYaml()), ScenarioYAML: []byte(named.GetScenarioYaml()), Seed: named.GetSeed(),
	}, log)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, d := range w.Network().Devices {
		ids = append(ids, d.ID)
	}
	return ids, nil
}
