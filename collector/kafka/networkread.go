package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// ReadNetwork reads what the network topic holds now.
func ReadNetwork(ctx context.Context, cfg ClientConfig) (*NetworkSnapshot, error) {
	client, err := NewClient(cfg, networkFromStart())
	if err != nil {
		return nil, err
	}
	defer client.Close()
	state, err := readNetwork(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("read what the network topic holds: %w", err)
	}
	return state.snapshot(0), nil
}

// RetireDevices takes devices out of the network topic, with all their
// versions: readings of them are refused from then on, and nobody is leased
// them. What was stored of them stays, and so do their rows in raw.devices.
func RetireDevices(ctx context.Context, cfg ClientConfig, ids []string) (WriteResult, error) {
	client, err := NewClient(cfg, networkFromStart())
	if err != nil {
		return WriteResult{}, err
	}
	defer client.Close()
	state, err := readNetwork(ctx, client)
	if err != nil {
		return WriteResult{}, fmt.Errorf("read what the network topic holds: %w", err)
	}
	records, err := state.without(ids)
	if err != nil {
		return WriteResult{}, err
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return WriteResult{}, fmt.Errorf("write the network topic: %w; retire them again", err)
	}
	return WriteResult{Removed: len(records) - 1}, nil
}

// without gives the records that take devices out of the state. The header
// comes last, for the topic never ends in a tombstone; see difference.
func (s *networkState) without(ids []string) ([]*kgo.Record, error) {
	left := map[string]bool{}
	for _, id := range ids {
		left[id] = true
	}
	var records []*kgo.Record
	var header *kgo.Record
	remaining := 0
	for _, key := range slices.Sorted(maps.Keys(s.records)) {
		record := s.records[key]
		if record.GetNetwork() != nil {
			header = networkRecord(key, record)
		}
		d := record.GetDevice()
		if d == nil {
			continue
		}
		if !slices.Contains(ids, d.GetDeviceId()) {
			remaining++
			continue
		}
		delete(left, d.GetDeviceId())
		records = append(records, networkRecord(key, nil))
	}
	switch {
	case len(left) > 0:
		return nil, fmt.Errorf("the network has no device %s: nothing was retired", strings.Join(slices.Sorted(maps.Keys(left)), ", "))
	case remaining == 0:
		return nil, errors.New("these are all devices of the network, and collectors take none without any: nothing was retired")
	case header == nil:
		return nil, errors.New("the network topic has devices and no network: apply its file again")
	}
	return append(records, header), nil
}
