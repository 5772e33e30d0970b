package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// epochDayBits is how far an epoch's day number is shifted (proto, Reading).
const epochDayBits = 17

// warehouse asks the ClickHouse of a stack as operator over HTTP.
type warehouse struct{ url, password string }

// openWarehouse needs the folder's secrets to exist.
func openWarehouse(dir string, port int) (*warehouse, error) {
	password, err := state.Password(dir, "operator")
	return &warehouse{"http://" + loopback(port) + "/", password}, err
}

// numbers runs a statement that gives one row of integers.
func (w *warehouse) numbers(ctx context.Context, statement string) ([]int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, strings.NewReader(statement))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-ClickHouse-User", "operator")
	request.Header.Set("X-ClickHouse-Key", w.password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	const most = 4 << 10
	text, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("clickhouse: %s", strings.TrimSpace(string(text)))
	}
	return parseRow(string(text))
}

func parseRow(text string) ([]int64, error) {
	var row []int64
	for _, f := range strings.Fields(text) {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("clickhouse: %w", err)
		}
		row = append(row, n)
	}
	return row, nil
}

// history is how far a stack has come.
type history struct {
	// Rows is the physical rows of raw.readings; Live those observed since the
	// start of the stack.
	Rows, Live int64
	// Ended is the device days that are complete in raw, of Total.
	Ended, Total int64
}

// complete tells whether every day before today is in raw.
func (h history) complete() bool { return h.Total > 0 && h.Ended >= h.Total }

// look counts. Days are UTC day numbers, today is not part of the history.
func (w *warehouse) look(ctx context.Context, since time.Time, firstDay, today int64) (history, error) {
	n, err := w.numbers(ctx, fmt.Sprintf(`select
    (select count() from raw.readings),
    (select count() from raw.readings where observed_at >= fromUnixTimestamp64Micro(%[4]d)),
    (select uniqExact(device_id, bitShiftRight(epoch, %[1]d)) from raw.epoch_ends
        where bitShiftRight(epoch, %[1]d) >= %[2]d and bitShiftRight(epoch, %[1]d) < %[3]d),
    (select uniqExact(device_id) from raw.devices)`, epochDayBits, firstDay, today, since.UnixMicro()))
	if err != nil {
		return history{}, err
	}
	return history{Rows: n[0], Live: n[1], Ended: n[2], Total: n[3] * (today - firstDay)}, nil
}

// behind counts the devices that have no reading of the time since.
func (w *warehouse) behind(ctx context.Context, since time.Time) (int64, error) {
	n, err := w.numbers(ctx, fmt.Sprintf(`select
    (select uniqExact(device_id) from raw.devices)
    - (select uniqExact(device_id) from raw.readings where observed_at >= fromUnixTimestamp64Micro(%d))`, since.UnixMicro()))
	if err != nil {
		return 0, err
	}
	return n[0], nil
}

// newest is the time of the newest reading of the last minute; the zero time
// when there is none.
func (w *warehouse) newest(ctx context.Context, now time.Time) (time.Time, error) {
	n, err := w.numbers(ctx, fmt.Sprintf(`select count(), toUnixTimestamp64Micro(max(observed_at)) from raw.readings
where observed_at >= fromUnixTimestamp64Micro(%d)`, now.Add(-time.Minute).UnixMicro()))
	if err != nil || n[0] == 0 {
		return time.Time{}, err
	}
	return time.UnixMicro(n[1]), nil
}

// computed is when one of the last live minutes was last computed; the zero
// time when there is none.
func (w *warehouse) computed(ctx context.Context, now time.Time) (time.Time, error) {
	n, err := w.numbers(ctx, fmt.Sprintf(`select count(), toUnixTimestamp64Milli(max(computed_at)) from live.station_minute_versions
where minute >= fromUnixTimestamp(%d)`, now.Add(-10*time.Minute).Unix()))
	if err != nil || n[0] == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(n[1]), nil
}
