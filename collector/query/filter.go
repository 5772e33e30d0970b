package query

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/gantry-dev/gantry/collector/query/rows"
)

// filter is what a field of a request asks of rows.
type filter struct {
	// where is the condition; {name:Type} in it is the field's value.
	where string
	// without is the condition where the field is empty; none when empty too.
	without string
	// of is the kind of name in the network that the value must be.
	of string
	// date says that the value is YYYY-MM-DD.
	date bool
}

// Filters that many lists have.
var (
	byRoad      = filter{where: "road = {road:String}", of: ofRoad}
	byDirection = filter{where: "direction = {direction:String}", of: ofDirection}
	byStation   = filter{where: "station_id = {station_id:String}", of: ofStation}
	byLink      = filter{where: "link_id = {link_id:String}", of: ofLink}
	byOrigin    = filter{where: "origin_zone = {origin_zone:String}", of: ofZone}
	byDest      = filter{where: "destination_zone = {destination_zone:String}", of: ofZone}
	byFrom      = filter{where: "from_station_id = {from_station_id:String}", of: ofStation}
	sinceDate   = filter{where: "local_date >= {from_date:Date}", date: true}
	untilDate   = filter{where: "local_date <= {to_date:Date}", date: true}
)

// narrow adds a request's filters to query.
func (t *Traffic) narrow(ctx context.Context, l list, req protoreflect.Message, fresh *freshness, query *rows.Select) error {
	fields := req.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		f, ok := l.filters[string(fd.Name())]
		if !ok {
			continue
		}
		if !req.Has(fd) {
			if f.without != "" {
				query.Where = append(query.Where, f.without)
			}
			continue
		}
		value := req.Get(fd)
		if err := t.sound(ctx, f, fd, value); err != nil {
			return err
		}
		query.Where = append(query.Where, f.where)
		if fd.Kind() != protoreflect.BoolKind {
			query.Args = append(query.Args, rows.Arg(string(fd.Name()), value.Interface()))
		}
	}
	if l.moment == "" {
		return nil
	}
	r, err := readRange(text(req, "from"), text(req, "to"), fresh)
	if err != nil {
		return err
	}
	r = r.whole(time.Second, time.UTC)
	query.Where = append(query.Where, l.moment+" >= {from:DateTime64(6, 'UTC')}", l.moment+" < {to:DateTime64(6, 'UTC')}")
	query.Args = append(query.Args, rows.Arg("from", r.from), rows.Arg("to", r.to))
	return nil
}

// sound checks the value of a filter.
func (t *Traffic) sound(ctx context.Context, f filter, fd protoreflect.FieldDescriptor, value protoreflect.Value) error {
	if f.date {
		if _, err := time.Parse(time.DateOnly, value.String()); err != nil {
			return status.Errorf(codes.InvalidArgument, "%s: %q is no date: write YYYY-MM-DD", fd.Name(), value.String())
		}
	}
	if f.of == "" {
		return nil
	}
	p, err := t.network(ctx)
	if err != nil {
		return err
	}
	return p.check(f.of, string(fd.Name()), value.String())
}

func text(req protoreflect.Message, name protoreflect.Name) string {
	return req.Get(field(req, name)).String()
}

// timeRange is a stretch of time, its end excluded.
type timeRange struct{ from, to time.Time }

// bins are how many of them lie in the range.
func (r timeRange) bins(bin time.Duration) int { return int(r.to.Sub(r.from) / bin) }

// whole is the range rounded outwards to bins. They begin with the hours of the
// zone, which need not be UTC's: a zone may be a quarter of an hour off.
func (r timeRange) whole(bin time.Duration, zone *time.Location) timeRange {
	_, ahead := r.from.In(zone).Zone()
	shift := (time.Duration(ahead) * time.Second).Truncate(fiveMin) // the models' bins are UTC's
	from := r.from.Add(shift).Truncate(bin).Add(-shift)
	to := r.to
	if over := to.Sub(from) % bin; over > 0 {
		to = to.Add(bin - over)
	}
	return timeRange{from, to}
}

// readRange reads from and to of a request. An empty end is that of the data,
// an empty begin a day before the end.
func readRange(from, to string, fresh *freshness) (timeRange, error) {
	var r timeRange
	var err error
	newest := fresh.asOf
	if newest.IsZero() {
		// Without data every range is empty: one is as good as another.
		if newest, err = readMoment("from", from, time.Unix(0, 0)); err != nil {
			return r, err
		}
		newest = newest.Add(24 * time.Hour)
	}
	if r.to, err = readMoment("to", to, newest); err != nil {
		return r, err
	}
	if r.from, err = readMoment("from", from, r.to.Add(-24*time.Hour)); err != nil {
		return r, err
	}
	if !r.from.Before(r.to) {
		return r, status.Errorf(codes.InvalidArgument, "from: %s is not before to, %s", moment(r.from), moment(r.to))
	}
	return r, nil
}

// Years outside of which ClickHouse cannot compare times.
const firstYear, lastYear = 1970, 2105

func readMoment(name, value string, otherwise time.Time) (time.Time, error) {
	if value == "" {
		return otherwise.UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, status.Errorf(codes.InvalidArgument, "%s: %q is no time: write RFC 3339, as 2026-03-02T08:00:00Z", name, value)
	}
	if y := t.UTC().Year(); y < firstYear || y > lastYear {
		return t, status.Errorf(codes.InvalidArgument, "%s: the year %d is not between %d and %d", name, y, firstYear, lastYear)
	}
	return t.UTC(), nil
}

// binLength reads bin_min of a request.
func binLength(minutes uint32, allowed ...uint32) (time.Duration, error) {
	if minutes == 0 {
		minutes = 5
	}
	for _, a := range allowed {
		if minutes == a {
			return time.Duration(minutes) * time.Minute, nil
		}
	}
	return 0, status.Errorf(codes.InvalidArgument, "bin_min: %d is not one of %s", minutes, fmt.Sprint(allowed))
}
