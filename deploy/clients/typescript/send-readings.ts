// Stands between an instrument and a collector: reads one JSON reading a line
// from standard input, as
//
//   {"lane": 1, "observedAtUs": "1772784000000000", "counter": {"vehicleClass": "VEHICLE_CLASS_CAR", "lengthCm": 430, "occupiedMs": 180}}
//
// gives each the next position of an epoch that begins now, and sends them
// until every one is durable. The input's end is the epoch's end. What
// backlog.ts decides is the protocol; this file is the wire.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { create, fromJsonString, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Backlog, Foreign } from "./backlog.js";
import { ConnectRequestSchema, IngestService, type ConnectRequest, type ConnectResponse } from "./gen/gantry/v1/ingest_pb.js";
import { ReadingSchema } from "./gen/gantry/v1/reading_pb.js";

/** Bounds memory: with more the instrument is not read. */
const maxBacklog = 100_000;
/** Readings are gathered for so long. */
const gatherMs = 200;

const { values } = parseArgs({
  options: {
    collector: { type: "string", default: "127.0.0.1:50051" },
    device: { type: "string", default: "" },
    "token-file": { type: "string" },
  },
});
const headers: Record<string, string> = {};
if (values["token-file"]) headers.authorization = `Bearer ${readFileSync(values["token-file"], "utf8").trim()}`;
// The day and the second at which the counter began name the epoch: a device
// that starts again begins a new one, and needs no disk.
const now = Math.floor(Date.now() / 1000);
const backlog = new Backlog(values.device, Math.floor(now / 86400) * 2 ** 17 + (now % 86400));

const instrument = createInterface({ input: process.stdin });
instrument.on("line", (line) => {
  try {
    backlog.add(fromJsonString(ReadingSchema, line));
  } catch (problem) {
    console.error(`a line is left out, for it is no reading: ${problem}`);
  }
  if (backlog.readings.length >= maxBacklog) instrument.pause();
});
instrument.on("close", () => backlog.close());

/** One stream, from Hello to its end. */
class Stream {
  welcomed = false;
  /** Before connecting again, after a Drain. */
  leaveAloneMs = 0;
  private heartbeatMs = 15_000;
  private sentAt = 0;
  private closed = false;
  private outbox: ConnectRequest[] = [];
  private wake = () => {};
  private readonly abort = new AbortController();
  private silence = setTimeout(() => {}, 0);

  /** Runs it to its end. */
  async run() {
    this.listen(15_000);
    const tick = setInterval(() => this.send(), gatherMs);
    this.say({ case: "hello", value: backlog.hello(`example-${backlog.device}`) });
    try {
      // A transport for each stream: the next may go to another collector.
      const transport = createGrpcTransport({ baseUrl: `http://${values.collector}` });
      const answers = createClient(IngestService, transport).connect(this.requests(), { headers, signal: this.abort.signal });
      for await (const answer of answers) this.take(answer);
    } finally {
      clearInterval(tick);
      clearTimeout(this.silence);
      this.close();
    }
  }

  /** Ends the stream when nothing comes for so long. */
  private listen(ms: number) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.abort.abort(new Error("the collector has gone silent")), ms);
  }

  private take(answer: ConnectResponse) {
    const { message } = answer;
    if (message.case === "welcome") {
      this.welcomed = true;
      this.heartbeatMs = message.value.heartbeatMs;
    } else if (message.case === "drain") {
      this.leaveAloneMs = message.value.reconnectAfterMs;
    } else if (message.case === "ack") {
      for (const r of message.value.rejects) console.error(`reading ${r.seq} was refused and is not sent again: ${r.reason}`);
    }
    this.listen(3 * this.heartbeatMs);
    backlog.take(answer);
    if (backlog.readings.length < maxBacklog) instrument.resume();
  }

  /** Sends what the window allows, a heartbeat when there is nothing, and ends the stream when all is said. */
  private send() {
    if (!this.welcomed || this.closed) return;
    for (let m = backlog.batch(); m; m = backlog.batch()) this.say(m.message);
    if ((backlog.draining || backlog.finished) && backlog.flight.length === 0) this.close();
    else if (performance.now() - this.sentAt >= this.heartbeatMs) {
      this.say({ case: "heartbeat", value: { sentAtUs: BigInt(Date.now()) * 1000n } });
    }
  }

  private say(message: MessageInitShape<typeof ConnectRequestSchema>["message"]) {
    this.sentAt = performance.now();
    this.outbox.push(create(ConnectRequestSchema, { message }));
    this.wake();
  }

  private close() {
    this.closed = true;
    this.wake();
  }

  /** What the library sends, until the stream is closed. */
  private async *requests() {
    for (;;) {
      const next = this.outbox.shift();
      if (next) yield next;
      else if (this.closed) return;
      else await new Promise<void>((wake) => (this.wake = wake));
    }
  }
}

// Connect again and again, each time later, and not all at once with others.
const [first, longest] = [250, 10_000];
for (let pause = first; !backlog.finished; pause = Math.min(2 * pause, longest)) {
  const stream = new Stream();
  let reason: unknown = "the collector closed it";
  try {
    await stream.run();
  } catch (problem) {
    if (problem instanceof Foreign) throw problem;
    reason = problem;
  }
  if (backlog.finished) break;
  if (stream.welcomed) pause = first;
  const wait = Math.max(stream.leaveAloneMs, pause * (0.5 + Math.random() / 2));
  console.error(`the stream ended: ${reason}; connecting again in ${Math.round(wait)} ms`);
  await sleep(wait);
}
console.log(backlog.device, `epoch=${backlog.epoch}`, `seq=${backlog.durable}`);
process.exit(); // idle connections would hold it for minutes
