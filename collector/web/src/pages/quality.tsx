import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import type { DbtRun, GetPipelineResponse, PipelineDay, PipelineStage } from "../gen/gantry/v1/query_health_pb";
import { num, percent, plural } from "../format";
import { useZone } from "../network";
import { Kpi, PageHead } from "../parts/controls";
import { useNow } from "../parts/now";
import { BasisLine, dayMs, Empty, minuteMs, Show } from "../parts/states";
import { Table } from "../parts/table";
import { Term } from "../parts/term";
import { ageText, dayText, secondText } from "../time";

const byDay = {
  key: "pipeline days",
  ask: async (signal: AbortSignal) => {
    const pages = await all((pageToken) => query.listPipelineDays({ pageToken }, { signal }));
    return { basis: pages[0]?.basis, days: pages.flatMap((p) => p.days) };
  },
};
const stages = { key: "pipeline", ask: (signal: AbortSignal) => query.getPipeline({}, { signal }) };
export const early = () => [byDay, stages];

export default function Quality() {
  const days = useAnswer(byDay.key, byDay.ask, { refreshMs: 3 * minuteMs });
  const pipeline = useAnswer(stages.key, stages.ask, { refreshMs: 15_000 });
  const total = days.data && sum(days.data.days);
  return (
    <>
      <PageHead question="Is every reading there, once?" verdict={total && days.data!.days.length > 0 && headline(total, pipeline.data)} />
      {total && (
        <dl class="kpis">
          <Kpi name="Emitted" value={num(total.emitted)} note="in runs that have ended" />
          <Kpi name="Received" value={num(total.received)} note="copies collapsed" />
          <Kpi name={<Term name="lost" />} value={num(total.lost)} tone={(total.lost ?? 0) > 0 ? "bad" : ""} note="of runs that have ended" />
          <Kpi name="Refused" value={num(total.rejects)} tone={total.rejects > 0 ? "warn" : ""} note="for good, with a reason" />
          <Kpi name="Counted by the models" value={num(total.vehicles)} tone={total.vehicles === total.counters ? "" : "bad"} note={total.vehicles === total.counters ? "equal to the counters' readings" : `counters sent ${num(total.counters)}`} />
        </dl>
      )}
      <Show answer={pipeline} lines={8}>
        {(p) => (
          <>
            <BasisLine basis={p.basis} intervalMs={dayMs} />
            <Stages stages={p.stages} basis={p.basis} />
            <Dbt run={p.lastDbtRun} why={p.dbtUnknown} />
          </>
        )}
      </Show>
      <Show answer={days}>
        {(d) => d.days.length === 0 ? <Empty>The models have no day yet.</Empty> : (
          <section class="card">
            <h2>Day by day</h2>
            <p class="note">Vehicles in the models must be the readings of counters. A run that has not ended has not said how many it emitted.</p>
            <Table id="days" caption="Pipeline by UTC day" rows={[...d.days].reverse()} rowKey={(r) => r.day} basis={d.basis} source={csvAddress("ListPipelineDays", {})} rowsShown={31}
              columns={[
                { name: "day", title: "UTC day", value: (r) => r.day, show: (r) => <span class="nowrap">{dayText(r.day)}</span> },
                { name: "device_count", title: "Devices", value: (r) => r.deviceCount, figure: true },
                { name: "sick_device_count", title: <Term name="deviceState">Not healthy</Term>, value: (r) => r.sickDeviceCount, figure: true },
                { name: "emitted_count", title: "Emitted", value: (r) => r.emittedCount, figure: true },
                { name: "received_count", title: "Received", value: (r) => r.receivedCount, figure: true },
                { name: "lost_count", title: <Term name="lost">Lost</Term>, value: (r) => r.lostCount, figure: true },
                { name: "reject_count", title: "Refused", value: (r) => r.rejectCount, figure: true },
                { name: "late_count", title: "Late", value: (r) => r.lateCount, figure: true },
                { name: "counter_received_count", title: "Of counters", value: (r) => r.counterReceivedCount, figure: true },
                { name: "vehicle_count", title: "Vehicles in the models", value: (r) => r.vehicleCount, figure: true, show: (r) => <span class={r.vehicleCount === r.counterReceivedCount ? "" : "badge bad"}>{num(r.vehicleCount)}</span> },
                { name: "open_epoch_count", title: "Open runs", value: (r) => r.openEpochCount, figure: true },
              ]} />
          </section>
        )}
      </Show>
    </>
  );
}

/** All days together. Lost is not known where no run has ended. */
export function sum(days: PipelineDay[]) {
  const add = (f: (d: PipelineDay) => bigint) => days.reduce((s, d) => s + Number(f(d)), 0);
  const told = days.filter((d) => d.lostCount !== undefined);
  return {
    emitted: add((d) => d.emittedCount), received: add((d) => d.receivedCount), rejects: add((d) => d.rejectCount),
    counters: add((d) => d.counterReceivedCount), vehicles: add((d) => d.vehicleCount), open: add((d) => d.openEpochCount),
    lost: told.length === 0 ? undefined : told.reduce((s, d) => s + Number(d.lostCount), 0),
    days: days.length,
  };
}

function headline(t: ReturnType<typeof sum>, p: GetPipelineResponse | undefined): string {
  const failed = p?.lastDbtRun?.failedCount ?? 0;
  const after = failed > 0 ? ` But ${plural(failed, "check")} failed in the models' last run.` : "";
  if (t.vehicles !== t.counters) return `No: the models count ${num(t.vehicles)} vehicles, counters sent ${num(t.counters)}.${after}`;
  if (t.lost === undefined) return `So far: the models count what came. What was emitted is known only when a run ends.${after}`;
  if (t.lost > 0) return `No: ${plural(t.lost, "reading")} of ${num(t.emitted)} never arrived.${after}`;
  return `Yes: of ${num(t.emitted)} readings of runs that have ended over ${plural(t.days, "day")}, none is lost and none counted twice.${after}`;
}

function Stages({ stages, basis }: { stages: PipelineStage[]; basis: GetPipelineResponse["basis"] }) {
  const zone = useZone();
  const now = useNow();
  const time = (text: string) => (text ? <span class="nowrap">{secondText(new Date(text), zone)}</span> : "–");
  return (
    <section class="card">
      <h2>From the roadside to the pages</h2>
      <Table id="stages" caption="Stages of the pipeline" rows={stages} rowKey={(s) => s.stage} basis={basis} source={csvAddress("GetPipeline", {})}
        columns={[
          { name: "stage", title: "Stage", value: (s) => s.stage },
          { name: "count", title: "Count", value: (s) => s.count, figure: true, show: (s) => (s.count === undefined ? <span class="faint">not known</span> : num(s.count)) },
          { name: "counts", title: "of what", value: (s) => s.counts },
          { name: "lag_count", title: <Term name="lag">Behind</Term>, value: (s) => s.lagCount, figure: true },
          { name: "newest_at_utc", title: `Newest reading, ${zone.label}`, value: (s) => s.newestAt, show: (s) => time(s.newestAt) },
          { name: "age_s", title: "Its age", value: (s) => (s.newestAt ? Math.round((now - Date.parse(s.newestAt)) / 1000) : undefined), figure: true, show: (s) => (s.newestAt ? ageText(now - Date.parse(s.newestAt)) : "–") },
          { name: "changed_at_utc", title: "Last changed", value: (s) => s.changedAt, show: (s) => time(s.changedAt) },
          ...(stages.some((s) => s.unknown !== "") ? [{ name: "unknown", title: "Why not known", value: (s: PipelineStage) => s.unknown }] : []),
        ]} />
    </section>
  );
}

function Dbt({ run, why }: { run: DbtRun | undefined; why: string }) {
  const zone = useZone();
  if (!run) return <section class="card"><h2>Last run of the models</h2><Empty>Not known: {why || "no run was noted."}</Empty></section>;
  const all = run.passedCount + run.warnedCount + run.failedCount + run.skippedCount;
  return (
    <section class="card">
      <h2>Last run of the models: dbt {run.command}</h2>
      <dl class="facts">
        <div><dt>Ended</dt><dd>{run.endedAt ? `${secondText(new Date(run.endedAt), zone)} ${zone.label}` : "not yet"}</dd></div>
        <div><dt>Took</dt><dd>{run.endedAt ? ageText(Date.parse(run.endedAt) - Date.parse(run.startedAt)) : "–"}</dd></div>
        <div><dt>Succeeded</dt><dd>{num(run.passedCount)} of {num(all)} ({percent(all > 0 ? run.passedCount / all : undefined, 1)})</dd></div>
        <div><dt>Failed, warned, skipped</dt><dd>{run.failedCount}, {run.warnedCount}, {run.skippedCount}</dd></div>
      </dl>
      {run.failures.length === 0 ? <Empty>No model or test failed or warned.</Empty> : (
        <Table id="failures" caption="What failed or warned" rows={run.failures} rowKey={(f) => f.name} columns={[
          { name: "status", title: "Status", value: (f) => f.status, show: (f) => <span class={`badge ${f.status === "warn" ? "late" : "bad"}`}>{f.status}</span> },
          { name: "name", title: "Name", value: (f) => f.name },
          { name: "kind", title: "Kind", value: (f) => f.kind },
          { name: "message", title: "What dbt says", value: (f) => f.message },
        ]} />
      )}
    </section>
  );
}
