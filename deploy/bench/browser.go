package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a page may take on loopback.
const (
	firstContentBudgetMs = 500
	interactiveBudgetMs  = 1500
)

// pageLoads is what the browser says of one page, load by load.
type pageLoads struct {
	Page           string    `json:"page"`
	FirstContentMs []float64 `json:"first_content_ms"`
	InteractiveMs  []float64 `json:"interactive_ms"`
	Requests       int       `json:"requests"`
}

// measurePages opens every page in Chromium, each time without cache.
func (d *dashboard) measurePages(ctx context.Context) ([]figure, error) {
	if _, err := os.Stat(filepath.Join(d.root, "collector", "web", "dist", "index.html")); err != nil {
		return nil, fmt.Errorf("the pages are not built, so the collector has none: make pages")
	}
	say("opening pages, %d times each", d.Loads)
	out := filepath.Join(d.dir, "pages.json")
	cmd := exec.CommandContext(ctx, "npx", "playwright", "test", "--grep", "@paint", "--workers", "1", "--reporter", "line")
	cmd.Dir = filepath.Join(d.root, "collector", "web")
	cmd.Env = append(os.Environ(), "GANTRY_WEB_URL="+d.url, "GANTRY_WEB_TOKEN="+d.token, "GANTRY_WEB_LOADS="+strconv.Itoa(d.Loads), "GANTRY_WEB_PAINT="+out)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("open the pages: %w: %s", err, text)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	var pages []pageLoads
	if err := json.Unmarshal(text, &pages); err != nil {
		return nil, fmt.Errorf("what the browser measured: %w", err)
	}
	return pageFigures(pages, d.about), nil
}

// pageFigures are two a page, then the slowest of each kind.
func pageFigures(pages []pageLoads, about string) []figure {
	var figures []figure
	slowest := map[string]figure{}
	for _, p := range pages {
		for _, kind := range []struct {
			name   string
			loads  []float64
			budget int
			says   string
		}{
			{"first_content", p.FirstContentMs, firstContentBudgetMs, "first contentful paint"},
			{"interactive", p.InteractiveMs, interactiveBudgetMs, fmt.Sprintf("all answers shown, %d requests", p.Requests)},
		} {
			times := make([]time.Duration, len(kind.loads))
			for i, v := range kind.loads {
				times[i] = time.Duration(v * float64(time.Millisecond))
			}
			slices.Sort(times)
			name := "page_" + strings.ReplaceAll(p.Page, "-", "_") + "_" + kind.name
			most := ms(percentile(times, 1))
			figures = append(figures, figure{name + "_ms", ms(percentile(times, 0.5)), "ms", fmt.Sprintf("%s, median of %d, max %s", kind.says, len(times), readable(most))})
			if most > slowest[kind.name].Value {
				slowest[kind.name] = figure{"page_slowest_" + kind.name + "_ms", most, "ms", fmt.Sprintf("%s, slowest single load; budget %d ms; %s", p.Page, kind.budget, about)}
			}
		}
	}
	return append(figures, slowest["first_content"], slowest["interactive"])
}
