package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gantry-dev/gantry/deploy/local/state"
)

// warehouse is the HTTP interface of the running ClickHouse.
type warehouse struct {
	address  string
	user     string
	password string
	client   *http.Client
}

// openWarehouse is the ClickHouse of the stack in dir, as operator.
func openWarehouse(dir string, s *state.State) (*warehouse, error) {
	const user = "operator"
	password, err := state.Password(dir, user)
	if err != nil {
		return nil, err
	}
	return &warehouse{
		address: "http://" + loopback(s.Ports.ClickHouseHTTP) + "/",
		user:    user, password: password, client: &http.Client{},
	}, nil
}

// query runs one statement and copies its result, in format, to out. An error
// of the server comes back as it says it.
func (w *warehouse) query(ctx context.Context, statement, format string, out io.Writer) error {
	settings := url.Values{
		"default_format": {format},
		// Errors that come up after the first rows are told apart from rows.
		"wait_end_of_query":             {"1"},
		"output_format_pretty_color":    {"0"},
		"output_format_pretty_max_rows": {"10000"},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.address+"?"+settings.Encode(), strings.NewReader(statement))
	if err != nil {
		return err
	}
	request.Header.Set("X-ClickHouse-User", w.user)
	request.Header.Set("X-ClickHouse-Key", w.password)
	response, err := w.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		const most = 64 << 10
		says, _ := io.ReadAll(io.LimitReader(response.Body, most))
		return fmt.Errorf("%s", strings.TrimSpace(string(says)))
	}
	_, err = io.Copy(out, response.Body)
	return err
}

// figures are what the status screen reads from ClickHouse.
type figures struct {
	// Rows is the physical rows of raw.readings.
	Rows int64 `json:"rows"`
	// NewestUS is the time of the newest reading, microseconds since 1970 UTC;
	// 0 if there is none of the last hour.
	NewestUS int64 `json:"newest_us"`
	// Devices of the network, and device days that have ended before Today.
	Devices int64 `json:"devices"`
	Ended   int64 `json:"ended"`
}

// epochDayBits is how far an epoch's day number is shifted (design §3).
const epochDayBits = 17

// look reads the figures. The hour bounds the search for the newest reading to
// a partition or two; today is a UTC day number.
func (w *warehouse) look(ctx context.Context, firstDay, today int64) (figures, error) {
	statement := fmt.Sprintf(`select
    (select count() from raw.readings) as rows,
    (select toInt64(toUnixTimestamp64Micro(max(observed_at))) from raw.readings
        where observed_at > now64(6) - interval 1 hour and observed_at < now64(6) + interval 1 hour) as newest_us,
    (select toInt64(uniqExact(device_id)) from raw.devices) as devices,
    (select toInt64(uniqExact(device_id, bitShiftRight(epoch, %[1]d))) from raw.epoch_ends
        where bitShiftRight(epoch, %[1]d) >= %[2]d and bitShiftRight(epoch, %[1]d) < %[3]d) as ended
settings output_format_json_quote_64bit_integers = 0`, epochDayBits, firstDay, today)
	var text strings.Builder
	if err := w.query(ctx, statement, "JSONEachRow", &text); err != nil {
		return figures{}, err
	}
	var f figures
	if err := json.Unmarshal([]byte(text.String()), &f); err != nil {
		return figures{}, fmt.Errorf("figures of ClickHouse: %w", err)
	}
	return f, nil
}
