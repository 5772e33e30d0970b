import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { all, csvAddress, fleet, query } from "../api/client";
import type { DeviceState } from "../gen/gantry/v1/fleet_pb";
import type { DeviceDay } from "../gen/gantry/v1/query_health_pb";
import { num, percent, plural } from "../format";
import { stationText, useNetwork, useZone } from "../network";
import { Kpi, PageHead, Pick, Select } from "../parts/controls";
import { BasisLine, dayMs, Empty, minuteMs, Show } from "../parts/states";
import { Table } from "../parts/table";
import { Term } from "../parts/term";
import { choose, link, useRoute } from "../route";
import { addDays, ageText, dates, dayText, secondText } from "../time";

/** A device: its day in the models, and what the collector knows of it now. */
interface Row {
  id: string;
  day: DeviceDay | undefined;
  now: DeviceState | undefined;
}

const healthy = "healthy";
const carriedOut = (r: Row) => r.now?.agentId || undefined;

const healthOf = (day: string) => ({
  key: `health ${day}`,
  ask: async (signal: AbortSignal) => {
    const pages = await all((pageToken) => query.listDeviceHealth({ fromDay: day, toDay: day, pageToken, pageSize: 10_000 }, { signal }));
    return { basis: pages[0]?.basis, days: pages.flatMap((p) => p.days) };
  },
});
const devices = { key: "devices", ask: async (signal: AbortSignal) => (await all((pageToken) => fleet.listDevices({ pageToken }, { signal }))).flatMap((p) => p.devices) };
const allAgents = { key: "agents", ask: async (signal: AbortSignal) => (await all((pageToken) => fleet.listAgents({ pageToken }, { signal }))).flatMap((p) => p.agents) };
export const early = (params: Record<string, string>) => [healthOf(params.day ?? ""), devices, allAgents];

export default function Fleet() {
  const { about } = useNetwork();
  const { params } = useRoute();
  // The last day may not be over: what should have come is not known yet.
  const day = params.day ?? "";
  const asked = healthOf(day);
  const health = useAnswer(asked.key, asked.ask, { refreshMs: 3 * minuteMs });
  const carried = useAnswer(devices.key, devices.ask, { refreshMs: 10_000 });
  const agents = useAnswer(allAgents.key, allAgents.ask, { refreshMs: 10_000 });
  const rows = useMemo(() => join(health.data?.days ?? [], carried.data ?? []), [health.data, carried.data]);
  const shownDay = health.data?.days[0]?.day ?? day;
  const sick = rows.filter((r) => r.day && r.day.state !== healthy);
  const shown = params.only === "sick" ? sick : rows;
  return (
    <>
      <PageHead question="Does every device do its work?" verdict={health.data && health.data.days.length > 0 && headline(rows, sick, shownDay)}>
        <Select label="UTC day" value={shownDay} choices={daysUp(about.firstDate, about.lastDate, shownDay).map((d) => ({ value: d, text: dayText(d) }))} onChange={(v) => choose({ day: v })} />
        <Pick label="Show" value={params.only === "sick" ? "sick" : "all"} choices={[{ value: "all", text: "all" }, { value: "sick", text: "not healthy" }]} onChange={(v) => choose({ only: v === "all" ? undefined : v })} />
      </PageHead>
      <Show answer={health}>
        {(data) => (
          <>
            <BasisLine basis={data.basis} intervalMs={dayMs} />
            <dl class="kpis">
              <Kpi name={<Term name="deviceState">Healthy devices</Term>} value={`${num(rows.length - sick.length)} of ${num(rows.length)}`} tone={sick.length > 0 ? "warn" : ""} />
              <Kpi name="Readings of the day" value={num(rows.reduce((s, r) => s + Number(r.day?.receivedCount ?? 0n), 0))} />
              <Kpi name={<Term name="lost" />} value={num(lost(rows))} tone={(lost(rows) ?? 0) > 0 ? "bad" : ""} note="of runs that have ended" />
              <Kpi name="Agents connected" value={agents.data ? num(agents.data.length) : "–"} note={agents.state === "failed" ? "not known here" : carried.data ? `${plural(carried.data.filter((d) => d.agentId !== "").length, "device")} carried` : ""} />
            </dl>
            {carried.state === "failed" && <p class="note" data-state="partial">Who carries what is not known: {carried.problem.text}</p>}
            {shown.length === 0 ? <Empty>{rows.length === 0 ? "No device has a day in the models yet." : "Every device is healthy."}</Empty> : <DeviceTable rows={shown} basis={data.basis} day={shownDay} />}
          </>
        )}
      </Show>
    </>
  );
}

function lost(rows: Row[]): number | undefined {
  const known = rows.filter((r) => r.day?.lostCount !== undefined);
  return known.length === 0 ? undefined : known.reduce((s, r) => s + Number(r.day!.lostCount), 0);
}

function daysUp(first: string, last: string, shown: string): string[] {
  const list = first ? dates(first, addDays(last, 1)).reverse() : [];
  return shown === "" || list.includes(shown) ? list : [shown, ...list];
}

function headline(rows: Row[], sick: Row[], day: string): string {
  if (sick.length === 0) return `Yes: all ${num(rows.length)} devices were healthy on ${dayText(day)}.`;
  const kinds = new Map<string, number>();
  for (const r of sick) kinds.set(r.day!.state, (kinds.get(r.day!.state) ?? 0) + 1);
  return `${num(sick.length)} of ${plural(rows.length, "device")} ${sick.length === 1 ? "was" : "were"} not healthy on ${dayText(day)}: ${[...kinds].map(([k, n]) => `${n} ${k.replaceAll("_", " ")}`).join(", ")}.`;
}

/** Devices of the models and of the collector, those that are not healthy first. */
export function join(days: DeviceDay[], states: DeviceState[]): Row[] {
  const of = new Map<string, Row>();
  for (const d of days) of.set(d.deviceId, { id: d.deviceId, day: d, now: undefined });
  for (const s of states) of.set(s.deviceId, { id: s.deviceId, day: of.get(s.deviceId)?.day, now: s });
  const order = (r: Row) => (r.day && r.day.state !== healthy ? 0 : 1);
  return [...of.values()].sort((a, b) => order(a) - order(b) || a.id.localeCompare(b.id, "en", { numeric: true }));
}

function DeviceTable({ rows, basis, day }: { rows: Row[]; basis: Parameters<typeof BasisLine>[0]["basis"]; day: string }) {
  const zone = useZone();
  const n = useNetwork();
  const station = (r: Row) => r.day?.stationId ?? r.now?.stationId ?? "";
  return (
    <section class="card">
      <h2>Devices, those that are not healthy first</h2>
      <Table id="devices" caption="Devices" rows={rows} rowKey={(r) => r.id} basis={basis} rowsShown={60} source={csvAddress("ListDeviceHealth", { from_day: day, to_day: day })}
        columns={[
          { name: "device_id", title: "Device", value: (r) => r.id, show: (r) => <span class="nowrap">{r.id}</span> },
          { name: "kind", title: "Kind", value: (r) => r.day?.kind },
          { name: "station_id", title: "Station", value: station, show: (r) => <a class="nowrap" href={link("station", { station: station(r) })}>{stationText(n.byId.get(station(r)), station(r))}</a> },
          { name: "state", title: <Term name="deviceState">State</Term>, value: (r) => r.day?.state, show: (r) => <span class={`badge ${r.day?.state === healthy ? "no" : r.day ? "late" : "open"}`}>{r.day?.state.replaceAll("_", " ") ?? "not known"}</span> },
          { name: "detail", title: "What is wrong", value: (r) => r.day?.detail },
          { name: "received_count", title: "Readings", value: (r) => r.day?.receivedCount, figure: true },
          { name: "expected_count", title: "Expected", value: (r) => (r.day && r.day.expectedCount > 0n ? r.day.expectedCount : undefined), figure: true },
          { name: "completeness", title: <Term name="completeness" />, value: (r) => r.day?.completeness, figure: true, show: (r) => percent(r.day?.completeness, 2) },
          { name: "lost_count", title: <Term name="lost">Lost</Term>, value: (r) => r.day?.lostCount, figure: true },
          { name: "clock_ahead_s", title: "Clock ahead, s", value: (r) => r.day?.clockAheadS, figure: true, show: (r) => num(r.day?.clockAheadS, 1) },
          { name: "last_observed_at_utc", title: `Last reading, ${zone.label}`, value: (r) => r.now?.lastObservedAt, show: (r) => (r.now?.lastObservedAt ? secondText(new Date(r.now.lastObservedAt), zone) : "–") },
          { name: "lag_ms", title: <Term name="lag" />, value: (r) => (r.now?.lastObservedAt ? r.now.lagMs : undefined), figure: true, show: (r) => (r.now?.lastObservedAt ? ageText(Number(r.now.lagMs)) : "–") },
          { name: "agent_id", title: "Agent", value: carriedOut },
        ]} />
    </section>
  );
}
