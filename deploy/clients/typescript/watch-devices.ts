// Prints the state of devices whenever it changes, until it is stopped. The
// devices are named on the command line; all without one.
import { parseArgs } from "node:util";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { FleetService } from "./gen/gantry/v1/fleet_pb.js";

const { values, positionals } = parseArgs({
  options: { collector: { type: "string", default: "127.0.0.1:50051" } },
  allowPositionals: true,
});
const fleet = createClient(FleetService, createGrpcTransport({ baseUrl: `http://${values.collector}` }));
for await (const state of fleet.watchDevices({ deviceIds: positionals })) {
  for (const d of state.devices) {
    console.log(state.asOf, d.deviceId, `epoch=${d.epoch}`, `seq=${d.seq}`);
  }
}
