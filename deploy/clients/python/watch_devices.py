"""Prints the state of devices whenever it changes, until it is stopped."""

import argparse
import pathlib
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent / "gen"))
from gantry.v1 import fleet_pb2, fleet_pb2_grpc  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collector", default="127.0.0.1:50051", help="collector's gRPC address")
    parser.add_argument("device", nargs="*", help="devices; all without one")
    args = parser.parse_args()
    with grpc.insecure_channel(args.collector) as channel:
        fleet = fleet_pb2_grpc.FleetServiceStub(channel)
        for state in fleet.WatchDevices(fleet_pb2.WatchDevicesRequest(device_ids=args.device)):
            for d in state.devices:
                print(state.as_of, d.device_id, f"epoch={d.epoch}", f"seq={d.seq}", flush=True)


if __name__ == "__main__":
    main()
