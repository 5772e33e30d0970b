package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// series is a metric with its labels, as text: a="b",c="d".
type series struct{ name, labels string }

// metricValues are the values of a scrape.
type metricValues map[series]float64

// label is the value of a label, "" without it. Values with commas or escapes
// are not met in what is measured here.
func (s series) label(name string) string {
	for l := range strings.SplitSeq(s.labels, ",") {
		if k, v, _ := strings.Cut(l, "="); k == name {
			return strings.Trim(v, `"`)
		}
	}
	return ""
}

// value of a metric without labels.
func (m metricValues) value(name string) float64 { return m[series{name: name}] }

// parseMetrics reads the text format of Prometheus, as far as the collector
// writes it: no timestamps, no exemplars.
func parseMetrics(r io.Reader) (metricValues, error) {
	m := metricValues{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return nil, fmt.Errorf("metrics: %q has no value", line)
		}
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("metrics: %q: %w", line, err)
		}
		name, labels, _ := strings.Cut(line[:at], "{")
		m[series{name, strings.TrimSuffix(labels, "}")}] = v
	}
	return m, lines.Err()
}

// fetch gets a page and hands its body to read.
func fetch(ctx context.Context, url string, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return read(response.Body)
}

// scrape reads the metrics that an address serves.
func scrape(ctx context.Context, addr string) (m metricValues, err error) {
	err = fetch(ctx, "http://"+addr+"/metrics", func(r io.Reader) error {
		m, err = parseMetrics(r)
		return err
	})
	return m, err
}
