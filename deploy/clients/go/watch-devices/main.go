// Command watch-devices prints the state of devices whenever it changes, until
// it is stopped.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

func main() {
	collector := flag.String("collector", "127.0.0.1:50051", "collector's gRPC address")
	flag.Parse()
	conn, err := grpc.NewClient(*collector, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	// The devices that are named on the command line; all without one.
	stream, err := gantryv1.NewFleetServiceClient(conn).WatchDevices(context.Background(), &gantryv1.WatchDevicesRequest{DeviceIds: flag.Args()})
	for err == nil {
		var state *gantryv1.WatchDevicesResponse
		if state, err = stream.Recv(); err == nil {
			for _, d := range state.GetDevices() {
				fmt.Printf("%s %s epoch=%d seq=%d\n", state.GetAsOf(), d.GetDeviceId(), d.GetEpoch(), d.GetSeq())
			}
		}
	}
	log.Fatal(err)
}
