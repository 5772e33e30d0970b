package sink

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/gantry-dev/gantry/collector/clickhouse"
	"github.com/gantry-dev/gantry/collector/platekey"
)

func TestConfigCheck(t *testing.T) {
	good := testConfig("127.0.0.1:1", clickhouse.DefaultConfig("127.0.0.1:1", "u", "p"))
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Config){
		"PlateKey":             func(c *Config) { c.PlateKey = platekey.Key{} },
		"RebalanceTimeout":     func(c *Config) { c.RebalanceTimeout = c.InsertTimeout },
		"Live has a limit":     func(c *Config) { c.Live.MaxBytes = 0 },
		"Backfill.MaxDays":     func(c *Config) { c.Backfill.MaxDays = 101 },
		"Slow.MaxRows is 7000": func(c *Config) { c.Slow.MaxRows = 70_000 },
	} {
		bad := good
		spoil(&bad)
		if _, err := New(bad, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestSkipReadings: whoever leaves readings to others still mirrors rejects and
// the network, and joins no group of readings, whose offsets would stand still.
func TestSkipReadings(t *testing.T) {
	cfg := testConfig("127.0.0.1:1", clickhouse.DefaultConfig("127.0.0.1:1", "u", "p"))
	for skip, want := range map[bool]string{false: "live backfill reject network", true: "reject network"} {
		cfg.SkipReadings = skip
		s, err := New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)), nil)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, p := range s.pipelines {
			names = append(names, p.name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("skipping %v: pipelines %s, want %s", skip, got, want)
		}
	}
}
