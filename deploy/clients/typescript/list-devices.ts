// Prints every device of the network with its durable position.
import { parseArgs } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { FleetService } from "./gen/gantry/v1/fleet_pb.js";
import { DeviceKindSchema } from "./gen/gantry/v1/reading_pb.js";

const { values } = parseArgs({ options: { collector: { type: "string", default: "127.0.0.1:50051" } } });
const fleet = createClient(FleetService, createGrpcTransport({ baseUrl: `http://${values.collector}` }));
let pageToken = "";
do {
  const got = await fleet.listDevices({ pageToken });
  for (const d of got.devices) {
    const kind = DeviceKindSchema.value[d.kind]?.name;
    console.log(d.deviceId, kind, d.stationId, `epoch=${d.epoch}`, `seq=${d.seq}`);
  }
  pageToken = got.nextPageToken;
} while (pageToken !== "");
