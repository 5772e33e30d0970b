package main

import (
	"testing"
	"time"

	"github.com/gantry-dev/gantry/collector/kafka/kafkatest"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// TestQueryRole: without ingest and ClickHouse the fleet is still shown.
func TestQueryRole(t *testing.T) {
	broker := kafkatest.Fake(t)
	applyNetwork(t, broker)
	c, _ := start(t, settings{ServeFlags: serveFlags(broker), grpc: &GRPCFlags{GRPCAddr: "127.0.0.1:0", Reflection: true, LeaseTTL: 3 * time.Second}})
	client := gantryv1.NewFleetServiceClient(dial(t, c))
	resp, err := client.ListDevices(t.Context(), &gantryv1.ListDevicesRequest{})
	if err != nil || len(resp.Devices) != 1 || resp.Devices[0].DeviceId != "d1" {
		t.Errorf("got %v, %v", resp, err)
	}
}
