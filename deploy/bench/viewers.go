package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"github.com/gantry-dev/gantry/collector/clickhouse/clickhouselocal"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
	"github.com/gantry-dev/gantry/proto/gen/gantry/v1/gantryv1connect"
)

const (
	// viewersBudget is the share of a core, in percent, that all viewers may
	// take.
	viewersBudget = 10
	// viewersSettle is how long the first messages, which hold everything, take
	// at most, and viewersFor how long is measured then.
	viewersSettle = 15 * time.Second
	viewersFor    = time.Minute
	// idleFor is how long the collector is measured without viewers.
	idleFor = 15 * time.Second
	// liveBefore is how much of the past is fed first: what the live window and
	// its look at who is alive reach back to.
	liveBefore = 20 * time.Minute
	// busy is the local time from which readings are taken: the morning peak of
	// the last whole weekday, in which most changes.
	busy = 7*time.Hour + 30*time.Minute
)

// measureViewers has people watch the live minutes while readings come in. The
// collector serves and does nothing else, so its processor time is theirs.
func (d *dashboard) measureViewers(ctx context.Context) (figures []figure, err error) {
	conn, err := d.warehouse.Open(clickhouselocal.UserCollector)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	feed, err := d.newFeed(ctx, conn)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return feed.run(ctx) })
	var messages, stations atomic.Int64
	work.Go(func() error {
		defer cancel()
		say("measuring the collector without viewers")
		idle, err := d.collectorShare(ctx, idleFor)
		if err != nil {
			return err
		}
		say("measuring %d viewers for %v", d.Viewers, viewersFor)
		for range d.Viewers {
			work.Go(func() error { return d.view(ctx, &messages, &stations) })
		}
		if err := pause(ctx, viewersSettle); err != nil {
			return err
		}
		before, changed := messages.Load(), stations.Load()
		share, err := d.collectorShare(ctx, viewersFor)
		if err != nil {
			return err
		}
		sent := float64(messages.Load() - before)
		if sent == 0 {
			return errors.New("no viewer got a message while readings came in")
		}
		note := fmt.Sprintf("of one core, the collector in role query; budget %d %%; each viewer got %.1f messages and %.0f stations a minute at %.0f readings/s; %s",
			viewersBudget, sent/float64(d.Viewers), float64(stations.Load()-changed)/float64(d.Viewers), feed.rate(), d.about)
		figures = []figure{
			{"viewers_cpu_percent", share, "%", fmt.Sprintf("%d viewers; ", d.Viewers) + note},
			{"viewers_none_cpu_percent", idle, "%", "the same without viewers"},
		}
		return nil
	})
	err = work.Wait()
	if figures != nil && errors.Is(err, context.Canceled) {
		err = nil // we were done
	}
	return figures, err
}

// collectorShare is the collector's processor time by time, in percent.
func (d *dashboard) collectorShare(ctx context.Context, over time.Duration) (float64, error) {
	addr := strings.TrimPrefix(d.url, "http://")
	from, began := stamp{}, time.Now()
	var err error
	if from.metrics, err = scrape(ctx, addr); err != nil {
		return 0, err
	}
	if err := pause(ctx, over); err != nil {
		return 0, err
	}
	to := stamp{}
	if to.metrics, err = scrape(ctx, addr); err != nil {
		return 0, err
	}
	cpu, err := collectorCPU(from, to)
	return 100 * cpu / time.Since(began).Seconds(), err
}

// view watches as a page does, until ctx ends.
func (d *dashboard) view(ctx context.Context, messages, stations *atomic.Int64) error {
	// Without a pool, as tabs of different people; browsers take no packed
	// messages of a stream.
	own := &http.Client{Transport: &http.Transport{}}
	c := gantryv1connect.NewQueryServiceClient(own, d.url, connect.WithAcceptCompression("gzip", nil, nil))
	stream, err := c.WatchLiveStations(ctx, &gantryv1.WatchLiveStationsRequest{})
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	for stream.Receive() {
		messages.Add(1)
		stations.Add(int64(len(stream.Msg().Stations)))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("a viewer's stream ended: %w", stream.Err())
}

// feed repeats readings of the past as if they were made now, into raw as the
// sink does. The world of a folder stands still; live minutes want readings.
type feed struct {
	conn   driver.Conn
	source time.Time // of what is fed now
	shift  time.Duration
	began  time.Time
	rows   atomic.Uint64
}

func (d *dashboard) newFeed(ctx context.Context, conn driver.Conn) (*feed, error) {
	f, err := d.learn(ctx)
	if err != nil {
		return nil, err
	}
	day, err := time.Parse(time.RFC3339, f.dayFrom)
	if err != nil {
		return nil, err
	}
	source, now := day.Add(busy), time.Now().Truncate(time.Second)
	for source.Weekday() == time.Saturday || source.Weekday() == time.Sunday {
		source = source.AddDate(0, 0, -1)
	}
	return &feed{conn: conn, source: source, shift: now.Sub(source), began: now}, nil
}

// run feeds the past at once, then each second when it comes.
func (f *feed) run(ctx context.Context) error {
	if err := f.copy(ctx, f.source.Add(-liveBefore), f.source); err != nil {
		return err
	}
	f.rows.Store(0)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for from := f.source; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case at := <-tick.C:
			to := at.Add(-f.shift).Truncate(time.Second)
			if err := f.copy(ctx, from, to); err != nil {
				return err
			}
			from = to
		}
	}
}

func (f *feed) copy(ctx context.Context, from, to time.Time) error {
	var n uint64
	const which = ` FROM raw.readings WHERE observed_at >= $1 AND observed_at < $2`
	if err := f.conn.QueryRow(ctx, `SELECT count()`+which, from, to).Scan(&n); err != nil {
		return err
	}
	f.rows.Add(n)
	// In a subquery, for a filter beside it would see the time that replaces.
	return f.conn.Exec(ctx, fmt.Sprintf(`INSERT INTO raw.readings SELECT * REPLACE (observed_at + INTERVAL %d SECOND AS observed_at, now() AS inserted_at)
		FROM (SELECT *%s)`, int64(f.shift.Seconds()), which), from, to)
}

// rate is readings per second so far.
func (f *feed) rate() float64 { return float64(f.rows.Load()) / time.Since(f.began).Seconds() }

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
