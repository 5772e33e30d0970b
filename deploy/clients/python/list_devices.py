"""Prints every device of the network with its agent and its durable position."""

import argparse
import pathlib
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent / "gen"))
from gantry.v1 import fleet_pb2, fleet_pb2_grpc, reading_pb2  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collector", default="127.0.0.1:50051", help="collector's gRPC address")
    args = parser.parse_args()
    with grpc.insecure_channel(args.collector) as channel:
        fleet = fleet_pb2_grpc.FleetServiceStub(channel)
        page = ""
        while True:
            got = fleet.ListDevices(fleet_pb2.ListDevicesRequest(page_token=page))
            for d in got.devices:
                print(d.device_id, reading_pb2.DeviceKind.Name(d.kind), d.station_id, f"epoch={d.epoch}", f"seq={d.seq}")
            page = got.next_page_token
            if not page:
                return


if __name__ == "__main__":
    main()
