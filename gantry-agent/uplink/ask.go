package uplink

import (
	"context"
	"errors"
	"fmt"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// AskWorld asks the collectors, in turn, for the world of their network: by a
// stream that wants no device and ends with Welcome. It is nil of a network of
// real devices.
func AskWorld(ctx context.Context, cfg Config) (*gantryv1.World, error) {
	cfg.Limits.fill()
	cfg.Timing.fill()
	var errs []error
	for _, addr := range cfg.Collectors {
		world, err := askWorld(ctx, cfg, addr)
		if err == nil {
			return world, nil
		}
		errs = append(errs, fmt.Errorf("uplink: ask the collector at %s for its world: %w", addr, err))
	}
	return nil, errors.Join(errs...)
}

func askWorld(ctx context.Context, cfg Config, addr string) (*gantryv1.World, error) {
	l, err := dial(ctx, cfg, addr)
	if err != nil {
		return nil, err
	}
	defer l.close()
	hello := &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: &gantryv1.Hello{
		AgentId: cfg.AgentID, Version: cfg.Version,
	}}}
	out := l.out
	for {
		select {
		case out <- any(hello):
			out = nil
		case m := <-l.in:
			if w := m.GetWelcome(); w != nil {
				close(l.out)
				return w.GetWorld(), nil
			}
		case err := <-l.done:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
