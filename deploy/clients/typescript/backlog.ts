// One epoch of a device: its readings that are not durable yet, and what of
// them is under way. It does no I/O; the wire is send-readings.ts.
import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ConnectRequestSchema,
  type Ack,
  type ConnectRequest,
  type ConnectResponse,
  type HelloSchema,
  type Lease,
  type Position,
  type Welcome,
  type Window,
} from "./gen/gantry/v1/ingest_pb.js";
import { ReadingSchema, type Reading } from "./gen/gantry/v1/reading_pb.js";

/** The collector has readings of this epoch that this device never made. */
export class Foreign extends Error {
  constructor() {
    super("the collector has readings of this epoch that this device never made: does another program send for it?");
  }
}

export class Backlog {
  /** Every position up to this one is durable. */
  durable = 0n;
  /** Those after it. */
  readings: Reading[] = [];
  /** The last reading is the epoch's end. */
  closed = false;
  /** The end is durable too. */
  finished = false;

  /** Of a stream: send nothing more over it. */
  draining = false;
  /** Bytes of the batches that are sent and not answered. */
  flight: number[] = [];
  private carried = false;
  private next = 1n;
  private number = 0n;
  private rewound = false;
  private after = 0;
  private limits?: Welcome;
  private window?: Window;

  constructor(
    readonly device: string,
    readonly epoch: number,
  ) {}

  /** Appends a reading; its position is the one after the last. */
  add(reading: Reading) {
    this.readings.push(reading);
  }

  /** Appends the end of the epoch, which takes a position like a reading. */
  close() {
    const lastSeq = this.durable + BigInt(this.readings.length);
    this.add(create(ReadingSchema, { measurement: { case: "epochEnd", value: { lastSeq } } }));
    this.closed = true;
  }

  /**
   * Opens a stream. A collector may know of less than was acknowledged, since
   * its notes lag a few seconds: so say what it acknowledged.
   */
  hello(agentId: string): MessageInitShape<typeof HelloSchema> {
    const acknowledged = this.durable > 0n ? [{ deviceId: this.device, epoch: this.epoch, seq: this.durable }] : [];
    return { agentId, version: "example", staticDevices: [this.device], acknowledged };
  }

  /** Takes in what the collector says. */
  take({ message }: ConnectResponse) {
    switch (message.case) {
      case "welcome":
        this.flight = [];
        this.number = 0n;
        this.carried = this.draining = this.rewound = false;
        this.limits = message.value;
        this.window = message.value.flow?.live;
        this.lease(message.value.lease);
        break;
      case "lease":
        this.lease(message.value);
        break;
      case "flow":
        this.window = message.value.live;
        break;
      case "drain":
        this.draining = true;
        break;
      case "ack":
        this.ack(message.value);
    }
  }

  /** Goes on at the durable position, or stops. */
  private lease(lease?: Lease) {
    if (lease?.revoked.includes(this.device)) this.carried = false;
    for (const granted of lease?.granted ?? []) {
      if (granted.deviceId !== this.device) continue;
      this.carried = true;
      this.advance(granted.durable);
      this.next = this.durable + 1n;
    }
  }

  /** Forgets what is durable and goes back to what is wanted again. */
  private ack(ack: Ack) {
    while (this.flight.length > 0 && this.number - BigInt(this.flight.length) < ack.batchNumber) this.flight.shift();
    this.advance(ack.durable);
    for (const r of ack.resends) {
      if (r.deviceId !== this.device || r.epoch !== this.epoch) continue;
      this.next = r.fromSeq > this.durable ? r.fromSeq : this.durable + 1n;
      this.rewound = true; // wait until all that is under way is answered, and
      this.after = performance.now() + r.afterMs; // until then
    }
  }

  /** Takes durable positions in. */
  private advance(positions: Position[]) {
    for (const p of positions) {
      if (p.deviceId !== this.device || p.epoch !== this.epoch || p.seq <= this.durable) continue;
      const n = Number(p.seq - this.durable);
      if (n > this.readings.length) throw new Foreign();
      this.readings.splice(0, n);
      this.durable = p.seq;
      if (this.next <= p.seq) this.next = p.seq + 1n;
    }
    this.finished = this.closed && this.readings.length === 0;
  }

  /** Makes the next batch; undefined while there is nothing to send or no room. */
  batch(): ConnectRequest | undefined {
    if (this.rewound && this.flight.length === 0 && performance.now() >= this.after) this.rewound = false;
    const { limits, window } = this;
    if (!limits || !window || !this.carried || this.draining || this.rewound || this.flight.length >= window.batches) return;
    const skip = Number(this.next - this.durable - 1n);
    let todo = this.readings.slice(skip, skip + Math.min(500, limits.maxBatchReadings));
    while (todo.length > 0) {
      const devices = [{ deviceId: this.device, epoch: this.epoch, firstSeq: this.next, readings: todo }];
      const message = create(ConnectRequestSchema, { message: { case: "batch", value: { number: this.number + 1n, devices } } });
      const size = toBinary(ConnectRequestSchema, message).length;
      if (size > limits.maxBatchBytes && todo.length > 1) {
        todo = todo.slice(0, todo.length / 2);
        continue;
      }
      const underWay = this.flight.reduce((sum, n) => sum + n, 0);
      if (this.flight.length > 0 && BigInt(underWay + size) > window.bytes) return;
      this.number++;
      this.next += BigInt(todo.length);
      this.flight.push(size);
      return message;
    }
    return;
  }
}
