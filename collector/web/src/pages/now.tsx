import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import { joinEarly, useLive, type Live } from "../api/live";
import { SpeedLegend } from "../charts/legend";
import { NetworkMap } from "../charts/map";
import { BinState } from "../gen/gantry/v1/query_basis_pb";
import type { LiveStation } from "../gen/gantry/v1/query_live_pb";
import type { RoadStation, GetNetworkResponse } from "../gen/gantry/v1/query_network_pb";
import { num, percent, plural } from "../format";
import { stationText, useNetwork, useZone } from "../network";
import { Kpi, PageHead } from "../parts/controls";
import { BasisLine, dayMs, Empty, Loading, minuteMs, Refusal, Show } from "../parts/states";
import { Table, type Column } from "../parts/table";
import { Term } from "../parts/term";
import { link } from "../route";
import { fluency } from "../speed";
import { addDays, clockText, dayText } from "../time";
import { Incidents, useIncidents } from "../parts/incidents";
import { queueColumns } from "../parts/queues";

/** A station with what it sees now and its speed on an empty road. */
export interface Seen {
  station: RoadStation;
  live: LiveStation | undefined;
  free_kmh: number | undefined;
}

/** Speed by free-flow speed, or undefined. */
export const ratio = (s: Seen) => (s.live?.speedKmh !== undefined && s.free_kmh ? s.live.speedKmh / s.free_kmh : undefined);

const slowBelow = 0.75;

/** What the newest minutes amount to. */
export function sum(seen: Seen[]) {
  const known = seen.filter((s) => s.live && (s.live.countState === BinState.MEASURED || s.live.countState === BinState.EMPTY));
  const speeds = seen.filter((s) => s.live?.speedKmh !== undefined && s.live.speedCount > 0n);
  const n = speeds.reduce((t, s) => t + Number(s.live!.speedCount), 0);
  const pace = speeds.reduce((t, s) => t + Number(s.live!.speedCount) / s.live!.speedKmh!, 0);
  return {
    reporting: known.length,
    speed_kmh: pace > 0 ? n / pace : undefined,
    busiest: known.reduce<Seen | undefined>((a, s) => ((s.live?.flowVehH ?? -1) > (a?.live?.flowVehH ?? -1) ? s : a), undefined),
    slow: seen.filter((s) => (ratio(s) ?? 1) < slowBelow).sort((a, b) => ratio(a)! - ratio(b)!),
  };
}

const free = { key: "capacities", ask: async (signal: AbortSignal) => (await all((pageToken) => query.listStationCapacities({ pageToken }, { signal }))).flatMap((p) => p.capacities) };
export function early() {
  joinEarly();
  return [free];
}

export default function Now() {
  const network = useNetwork();
  const live = useLive();
  const capacities = useAnswer(free.key, free.ask);
  const seen = useMemo(() => {
    const speeds = new Map(capacities.data?.map((c) => [c.stationId, c.freeSpeedKmh]));
    return network.stations.map((station) => ({ station, live: live.stations.get(station.stationId), free_kmh: speeds.get(station.stationId) }));
  }, [network, live, capacities.data]);
  const total = sum(seen);

  return (
    <>
      <PageHead question="Where is traffic slow now?" verdict={live.stations.size > 0 && headline(seen, total)} />
      {live.stations.size === 0 ? <NoLive live={live} /> : (
        <>
          <LiveLine live={live} />
          <Kpis seen={seen} total={total} live={live} />
          <section class="card">
            <h2>The network by speed class</h2>
            <SpeedLegend />
            <NetworkMap network={network} live={live.stations} />
          </section>
          <section class="card">
            <h2><Term name="fluency">Stations, the slowest against their free flow first</Term></h2>
            <Table id="stations" caption="Stations now" rows={[...seen].sort((a, b) => (ratio(a) ?? 9) - (ratio(b) ?? 9))} rowKey={(s) => s.station.stationId} basis={live.basis} rowsShown={10}
              columns={columns(live)} source={csvAddress("ListLiveStations", {})} />
          </section>
        </>
      )}
      <Queues about={network.about} />
      <LastIncidents about={network.about} />
    </>
  );
}

function headline(seen: Seen[], total: ReturnType<typeof sum>) {
  const worst = total.slow[0];
  if (total.reporting === 0) return "Not known: no station has reported.";
  if (!worst) return "Nowhere: traffic flows freely at every station that reports.";
  return `At ${num(total.slow.length)} of ${plural(seen.length, "station")}; slowest is ${stationText(worst.station, "")} at ${num(worst.live?.speedKmh)} km/h, ${percent(ratio(worst), 0)} of free flow.`;
}

function NoLive({ live }: { live: Live }) {
  if (live.state === "lost" && live.problem) return <Refusal problem={live.problem} />;
  if (live.state === "live") return <Empty>No reading has come yet. As soon as devices report, they are here.</Empty>;
  return <Loading lines={8} />;
}

function LiveLine({ live }: { live: Live }) {
  const text = { live: "Live: figures follow the data, minute by minute", paused: "Paused while the tab is hidden", connecting: "Connecting", lost: "Connection lost; trying again", idle: "" }[live.state];
  return (
    <>
      <BasisLine basis={live.basis} intervalMs={minuteMs} />
      <p class="unseen" role="status" data-live={live.state}>{text}</p>
      {live.state === "lost" && (
        <p class="notice late" data-state="kept"><span><strong>The live stream is lost.</strong> {live.problem?.text} What you see is the last that came; it is asked for again by itself.</span></p>
      )}
    </>
  );
}

function Kpis({ seen, total, live }: { seen: Seen[]; total: ReturnType<typeof sum>; live: Live }) {
  const zone = useZone();
  const missing = seen.length - total.reporting;
  return (
    <dl class="kpis">
      <Kpi name="Stations reporting" value={`${num(total.reporting)} of ${num(seen.length)}`} tone={missing > 0 ? "warn" : ""} note={missing > 0 ? `${plural(missing, "station")} silent` : "all of them"} />
      <Kpi name={<Term name="fluency">Slow stations</Term>} value={num(total.slow.length)} tone={total.slow.length > 0 ? "warn" : ""} note="below 75 % of free flow" />
      <Kpi name={<Term name="spaceMeanSpeed">Mean speed</Term>} value={num(total.speed_kmh)} unit="km/h" note="harmonic, over vehicles" />
      <Kpi name={<Term name="flow">Highest flow</Term>} value={num(total.busiest?.live?.flowVehH)} unit="veh/h" note={total.busiest && stationText(total.busiest.station, "")} />
      <Kpi name="Minutes shown" value={live.windowTo ? `${clockText(new Date(live.windowFrom), zone)}–${clockText(new Date(live.windowTo), zone)}` : "–"} note={zone.label} />
    </dl>
  );
}

const stateText: Record<BinState, string> = {
  [BinState.UNSPECIFIED]: "not known",
  [BinState.MEASURED]: "measured",
  [BinState.EMPTY]: "no vehicle",
  [BinState.MISSING]: "silent",
};

function columns(live: Live): Column<Seen>[] {
  const l = (s: Seen) => s.live;
  return [
    { name: "station_id", title: "Station", value: (s) => s.station.stationId, show: (s) => <a class="nowrap" href={link("station", { station: s.station.stationId })}>{stationText(s.station, "")}</a> },
    { name: "speed_kmh", title: <Term name="spaceMeanSpeed">Speed, km/h</Term>, value: (s) => l(s)?.speedKmh, figure: true },
    { name: "free_flow_kmh", title: <Term name="freeFlow">Free flow, km/h</Term>, value: (s) => s.free_kmh, figure: true },
    { name: "speed_by_free_flow", title: "Of free flow", value: ratio, figure: true, show: (s) => percent(ratio(s), 0) },
    { name: "fluency", title: <Term name="fluency" />, value: (s) => fluency(l(s)?.speedKmh, s.free_kmh) },
    { name: "flow_veh_h", title: <Term name="flow">Flow, veh/h</Term>, value: (s) => l(s)?.flowVehH, figure: true },
    { name: "heavy_count", title: "Heavy vehicles", value: (s) => l(s)?.heavyCount, figure: true },
    { name: "speed_count", title: "n (speeds)", value: (s) => l(s)?.speedCount, figure: true },
    { name: "count_state", title: "Counter", value: (s) => stateText[l(s)?.countState ?? BinState.MISSING] },
    { name: "window_from_utc", title: "From", value: () => live.windowFrom, hidden: true },
    { name: "window_to_utc", title: "To", value: () => live.windowTo, hidden: true },
  ];
}

const weekDays = 7;

function LastIncidents({ about }: { about: GetNetworkResponse }) {
  const last = about.lastDate;
  const where = { fromDate: last && addDays(last, 1 - weekDays), toDate: last };
  const answer = useIncidents(last ? where : undefined);
  return last ? <Incidents answer={answer} where={where} when={`of the week until ${dayText(last)}`} /> : null;
}

function Queues({ about }: { about: GetNetworkResponse }) {
  const date = about.lastDate;
  const answer = useAnswer(date ? `queues ${date}` : undefined, async (signal) => {
    const pages = await all((pageToken) => query.listBottlenecks({ fromDate: date, toDate: date, pageToken }, { signal }));
    return { basis: pages[0]?.basis, rows: pages.flatMap((p) => p.bottlenecks).sort((a, b) => b.delayVehicleH - a.delayVehicleH) };
  }, { refreshMs: 3 * minuteMs });
  if (!date) return null;
  return (
    <section class="card">
      <h2><Term name="bottleneck">Queues of {dayText(date)}</Term></h2>
      <p class="note">The models' last date.</p>
      <Show answer={answer} lines={2}>
        {({ basis, rows }) => (
          <>
            <BasisLine basis={basis} intervalMs={dayMs} />
            {rows.length === 0 ? <Empty>No bottleneck was active.</Empty> : <Table id="queues_today" caption={`Queues of ${date}`} rows={rows} rowKey={(b) => b.linkId + b.downStationId} columns={queueColumns} basis={basis} />}
          </>
        )}
      </Show>
    </section>
  );
}
