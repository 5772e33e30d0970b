"""Stands between an instrument and a collector: reads one JSON reading a line
from standard input, as

    {"lane": 1, "observedAtUs": "1772784000000000", "counter": {"vehicleClass": "VEHICLE_CLASS_CAR", "lengthCm": 430, "occupiedMs": 180}}

gives each the next position of an epoch that begins now, and sends them until
every one is durable. The input's end is the epoch's end. What backlog.py
decides is the protocol; this file is the wire.
"""

import argparse
import asyncio
import pathlib
import random
import sys
import threading
import time

import grpc
from google.protobuf import json_format

sys.path.insert(0, str(pathlib.Path(__file__).parent / "gen"))
from backlog import Backlog  # noqa: E402
from gantry.v1 import ingest_pb2, ingest_pb2_grpc, reading_pb2  # noqa: E402

MAX_BACKLOG = 100_000
"""Bounds memory: with more the instrument is not read."""

GATHER_S = 0.2
"""Readings are gathered for so long."""


class Sender:
    """Keeps one stream open until the backlog is finished."""

    def __init__(self, backlog: Backlog, metadata: list[tuple[str, str]]) -> None:
        self.backlog, self.metadata = backlog, metadata
        self.agent = "example-" + backlog.device
        self.lines: asyncio.Queue[reading_pb2.Reading | None] = asyncio.Queue(1000)

    def read(self, instrument, loop: asyncio.AbstractEventLoop) -> None:
        """Gives the readings of an instrument, and None at its end; runs in a thread."""
        for line in instrument:
            try:
                reading = json_format.Parse(line, reading_pb2.Reading())
            except json_format.ParseError as problem:
                print("a line is left out, for it is no reading:", problem, file=sys.stderr)
                continue
            asyncio.run_coroutine_threadsafe(self.lines.put(reading), loop).result()
        asyncio.run_coroutine_threadsafe(self.lines.put(None), loop).result()

    async def run(self, collector: str) -> None:
        """Connects again and again, each time later, and not all at once with
        other devices."""
        first, longest = 0.25, 10.0
        pause = first
        while not self.backlog.finished:
            # A channel for each stream: the next may go to another collector.
            async with grpc.aio.insecure_channel(collector) as channel:
                stream = Stream(self, ingest_pb2_grpc.IngestServiceStub(channel).Connect(metadata=self.metadata))
                reason = await stream.run()
            if self.backlog.finished:
                return
            if stream.welcomed:
                pause = first
            wait = max(stream.leave_alone_s, pause * random.uniform(0.5, 1))
            print(f"the stream ended: {reason}; connecting again in {wait:.2f} s", file=sys.stderr)
            await asyncio.sleep(wait)
            pause = min(2 * pause, longest)


class Stream:
    """One stream, from Hello to its end."""

    def __init__(self, sender: Sender, call) -> None:
        self.sender, self.backlog, self.call = sender, sender.backlog, call
        self.welcomed = self.closed = False
        self.heartbeat_s = 15.0
        self.silent_after_s = 15.0
        self.sent_at = 0.0
        self.leave_alone_s = 0.0  # before connecting again, after a Drain

    async def run(self) -> str:
        """Runs it and says why it ended."""
        sending = asyncio.create_task(self.send_forever())
        try:
            while True:
                message = await asyncio.wait_for(self.call.read(), self.silent_after_s)
                if message is grpc.aio.EOF:
                    return "the collector closed it"
                self.take(message)
        except asyncio.TimeoutError:
            return "the collector has gone silent"
        except grpc.aio.AioRpcError as problem:
            return f"{problem.code().name}: {problem.details()}"
        finally:
            sending.cancel()
            self.call.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def take(self, message: ingest_pb2.ConnectResponse) -> None:
        """Takes in a message of the collector."""
        if message.HasField("welcome"):
            self.welcomed = True
            self.heartbeat_s = message.welcome.heartbeat_ms / 1000
            self.silent_after_s = 3 * self.heartbeat_s
        if message.HasField("drain"):
            self.leave_alone_s = message.drain.reconnect_after_ms / 1000
        for reject in message.ack.rejects:
            print(f"reading {reject.seq} was refused and is not sent again: {reject.reason}", file=sys.stderr)
        self.backlog.take(message)

    async def send_forever(self) -> None:
        """Says Hello, and then what there is."""
        await self.say(ingest_pb2.ConnectRequest(hello=self.backlog.hello(self.sender.agent)))
        while True:
            self.gather()
            await self.send()
            await asyncio.sleep(GATHER_S)

    def gather(self) -> None:
        """Takes what the instrument has given meanwhile."""
        while len(self.backlog.readings) < MAX_BACKLOG and not self.sender.lines.empty():
            reading = self.sender.lines.get_nowait()
            if reading is None:
                self.backlog.close()
            else:
                self.backlog.add(reading)

    async def send(self) -> None:
        """Sends what the window allows, a heartbeat when there is nothing, and
        ends the stream when all is said."""
        if not self.welcomed or self.closed:
            return
        while (message := self.backlog.batch()) is not None:
            await self.say(message)
        if (self.backlog.draining or self.backlog.finished) and not self.backlog.flight:
            self.closed = True
            await self.call.done_writing()
        elif time.monotonic() - self.sent_at >= self.heartbeat_s:
            await self.say(ingest_pb2.ConnectRequest(heartbeat=ingest_pb2.Heartbeat(sent_at_us=time.time_ns() // 1000)))

    async def say(self, message: ingest_pb2.ConnectRequest) -> None:
        await self.call.write(message)
        self.sent_at = time.monotonic()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--collector", default="127.0.0.1:50051", help="collector's gRPC address")
    parser.add_argument("--device", required=True, help="device, as the network names it")
    parser.add_argument("--token-file", type=pathlib.Path, help="file with the agent's token; none without it")
    args = parser.parse_args()
    # The day and the second at which the counter began name the epoch: a
    # device that starts again begins a new one, and needs no disk.
    now = int(time.time())
    backlog = Backlog(args.device, (now // 86400) << 17 | now % 86400)
    metadata = [("authorization", "Bearer " + args.token_file.read_text().strip())] if args.token_file else []
    sender = Sender(backlog, metadata)
    loop = asyncio.get_running_loop()
    threading.Thread(target=sender.read, args=(sys.stdin, loop), daemon=True).start()
    await sender.run(args.collector)
    print(backlog.device, f"epoch={backlog.epoch}", f"seq={backlog.durable}")


if __name__ == "__main__":
    asyncio.run(main())
