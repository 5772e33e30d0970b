// The one live stream of a tab: whoever shows live data joins it. It stops
// when nobody looks, and begins anew, after a pause that grows, when it broke.
import { useEffect, useReducer } from "preact/hooks";
import type { Basis } from "../gen/gantry/v1/query_basis_pb";
import type { LiveStation, WatchLiveStationsResponse } from "../gen/gantry/v1/query_live_pb";
import { problemOf, type Problem } from "./answer";
import { query } from "./client";

export type LiveState = "idle" | "connecting" | "live" | "paused" | "lost";

/** What the stream has brought so far. */
export interface Live {
  state: LiveState;
  problem?: Problem;
  basis?: Basis;
  windowFrom: string;
  windowTo: string;
  /** Stations, all lanes together, by station_id. */
  stations: Map<string, LiveStation>;
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** Applies a message: the first has every station, later ones those that changed. */
export function apply(live: Live, m: WatchLiveStationsResponse): Live {
  const stations = new Map(live.stations);
  for (const s of m.stations) if (s.lane === 0) stations.set(s.stationId, s);
  return { state: "live", basis: m.basis ?? live.basis!, windowFrom: m.windowFrom, windowTo: m.windowTo, stations };
}

/** How long to wait before the next try. */
export function pauseMs(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, failures - 1));
}

let live: Live = { state: "idle", windowFrom: "", windowTo: "", stations: new Map() };
const readers = new Set<() => void>();
let running: AbortController | undefined;

function set(next: Live) {
  live = next;
  for (const r of readers) r();
}

const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()));
  });

async function run(signal: AbortSignal) {
  let failures = 0;
  while (!signal.aborted) {
    set({ ...live, state: live.stations.size > 0 ? live.state : "connecting" });
    try {
      for await (const m of query.watchLiveStations({}, { signal, timeoutMs: 0 })) {
        failures = 0;
        set(apply(live, m));
      }
    } catch (err) {
      if (signal.aborted) return;
      failures++;
      set({ ...live, state: "lost", problem: problemOf(err) });
    }
    if (!signal.aborted) await sleep(pauseMs(failures), signal);
  }
}

/** Starts or stops the stream by whether somebody looks. */
function settle() {
  const wanted = readers.size > 0 && !document.hidden;
  if (wanted && !running) {
    running = new AbortController();
    void run(running.signal);
  } else if (!wanted && running) {
    running.abort();
    running = undefined;
    set({ ...live, state: "paused" });
  }
}

if (typeof document !== "undefined") document.addEventListener("visibilitychange", settle);

/** Starts the stream before the page that shows it is there; without one it stops again. */
export function joinEarly() {
  const reader = () => undefined;
  readers.add(reader);
  settle();
  setTimeout(() => {
    readers.delete(reader);
    settle();
  }, 5_000);
}

/** The live stations, rendering anew when they change. */
export function useLive(): Live {
  const [, render] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const reader = () => render(undefined);
    readers.add(reader);
    settle();
    return () => {
      readers.delete(reader);
      // The next page may want it as well: look a moment later.
      setTimeout(settle, 500);
    };
  }, []);
  return live;
}
