package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// profileSeconds is how long the collector is profiled; a history that takes
// less, as HISTORY=2d may, gives a profile of idling.
const profileSeconds = 10

// startProfile profiles the collector while the history comes in, if that was
// asked for: processor first, then the heap, into cpu.pprof and heap.pprof.
// The channel gives its failure, or nil, once.
func (e *endToEnd) startProfile(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	if e.Profile == "" {
		done <- nil
		return done
	}
	go func() {
		done <- e.takeProfiles(ctx)
	}()
	return done
}

func (e *endToEnd) takeProfiles(ctx context.Context) error {
	if err := os.MkdirAll(e.Profile, 0o700); err != nil {
		return err
	}
	for _, p := range []struct{ file, query string }{
		{"cpu.pprof", fmt.Sprintf("profile?seconds=%d", profileSeconds)},
		{"heap.pprof", "heap"},
	} {
		url := "http://" + loopback(e.stack.ports.Admin) + "/debug/pprof/" + p.query
		err := fetch(ctx, url, func(r io.Reader) error {
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.Profile, p.file), b, 0o600)
		})
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
	}
	return nil
}
