// Command list-devices prints every device of the network with its agent and
// its durable position.
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
	fleet := gantryv1.NewFleetServiceClient(conn)
	for page := ""; ; {
		got, err := fleet.ListDevices(context.Background(), &gantryv1.ListDevicesRequest{PageToken: page})
		if err != nil {
			log.Fatal(err)
		}
		for _, d := range got.GetDevices() {
			fmt.Printf("%s %s %s epoch=%d seq=%d\n", d.GetDeviceId(), d.GetKind(), d.GetStationId(), d.GetEpoch(), d.GetSeq())
		}
		if page = got.GetNextPageToken(); page == "" {
			return
		}
	}
}
