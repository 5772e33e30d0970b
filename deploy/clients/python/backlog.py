"""One epoch of a device: its readings that are not durable yet, and what of
them is under way. It does no I/O; the wire is send_readings.py."""

import time

from gantry.v1 import ingest_pb2, reading_pb2


class Foreign(Exception):
    """The collector has readings of this epoch that this device never made:
    another program sends for it."""


class Backlog:
    """What to send next, by what the collector said."""

    def __init__(self, device: str, epoch: int) -> None:
        self.device, self.epoch = device, epoch
        self.durable = 0  # every position up to this one is durable
        self.readings: list[reading_pb2.Reading] = []  # those after it
        self.closed = False  # the last reading is the epoch's end
        self.finished = False  # the end is durable too
        self._begin()

    def _begin(self) -> None:
        """Forgets all that belongs to a stream."""
        self.carried = False  # the collector has given the device to this stream
        self.draining = False  # send nothing more over this stream
        self.next = self.durable + 1  # position to send next
        self.number = 0  # of the batch sent last
        self.flight: list[int] = []  # bytes of the batches that are sent and not answered
        self.rewound = False  # wait until those are answered
        self.after = 0.0  # and until then

    def add(self, reading: reading_pb2.Reading) -> None:
        """Appends a reading; its position is the one after the last."""
        self.readings.append(reading)

    def close(self) -> None:
        """Appends the end of the epoch, which takes a position like a reading."""
        last = self.durable + len(self.readings)
        self.add(reading_pb2.Reading(epoch_end=reading_pb2.EpochEnd(last_seq=last)))
        self.closed = True

    def hello(self, agent: str) -> ingest_pb2.Hello:
        """Opens a stream. A collector may know of less than was acknowledged,
        since its notes lag a few seconds: so say what it acknowledged."""
        hello = ingest_pb2.Hello(agent_id=agent, version="example", static_devices=[self.device])
        if self.durable > 0:
            hello.acknowledged.add(device_id=self.device, epoch=self.epoch, seq=self.durable)
        return hello

    def take(self, message: ingest_pb2.ConnectResponse) -> None:
        """Takes in what the collector says."""
        kind = message.WhichOneof("message")
        if kind == "welcome":
            self._begin()
            self.limits, self.window = message.welcome, message.welcome.flow.live
            self._lease(message.welcome.lease)
        elif kind == "lease":
            self._lease(message.lease)
        elif kind == "flow":
            self.window = message.flow.live
        elif kind == "drain":
            self.draining = True
        elif kind == "ack":
            self._ack(message.ack)

    def _lease(self, lease: ingest_pb2.Lease) -> None:
        """Goes on at the durable position, or stops."""
        if self.device in lease.revoked:
            self.carried = False
        for granted in lease.granted:
            if granted.device_id == self.device:
                self.carried = True
                self._advance(granted.durable)
                self.next = self.durable + 1

    def _ack(self, ack: ingest_pb2.Ack) -> None:
        """Forgets what is durable and goes back to what is wanted again."""
        while self.flight and self.number - len(self.flight) < ack.batch_number:
            self.flight.pop(0)
        self._advance(ack.durable)
        for resend in ack.resends:
            if resend.device_id == self.device and resend.epoch == self.epoch:
                self.next, self.rewound = max(resend.from_seq, self.durable + 1), True
                self.after = time.monotonic() + resend.after_ms / 1000

    def _advance(self, positions) -> None:
        """Takes durable positions in."""
        for p in positions:
            if p.device_id != self.device or p.epoch != self.epoch or p.seq <= self.durable:
                continue
            if p.seq - self.durable > len(self.readings):
                raise Foreign(Foreign.__doc__)
            del self.readings[: p.seq - self.durable]
            self.durable = p.seq
            self.next = max(self.next, p.seq + 1)
        self.finished = self.closed and not self.readings

    def batch(self) -> ingest_pb2.ConnectRequest | None:
        """Makes the next batch, or None while there is nothing to send or no room."""
        if self.rewound and not self.flight and time.monotonic() >= self.after:
            self.rewound = False
        if not self.carried or self.draining or self.rewound or len(self.flight) >= self.window.batches:
            return None
        skip = self.next - self.durable - 1
        todo = self.readings[skip : skip + min(500, self.limits.max_batch_readings)]
        while todo:
            message = ingest_pb2.ConnectRequest(batch=ingest_pb2.Batch(number=self.number + 1))
            message.batch.devices.add(device_id=self.device, epoch=self.epoch, first_seq=self.next, readings=todo)
            size = message.ByteSize()
            if size > self.limits.max_batch_bytes and len(todo) > 1:
                todo = todo[: len(todo) // 2]
                continue
            if self.flight and sum(self.flight) + size > self.window.bytes:
                return None
            self.number += 1
            self.next += len(todo)
            self.flight.append(size)
            return message
        return None
