import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { csvAddress, query } from "../api/client";
import { Lines, type Line } from "../charts/lines";
import { BinState, type Basis } from "../gen/gantry/v1/query_basis_pb";
import type { GetStationSeriesResponse, StationSeries } from "../gen/gantry/v1/query_station_pb";
import type { RoadStation } from "../gen/gantry/v1/query_network_pb";
import { num, percent } from "../format";
import { stationText, useLocalZone, useZone } from "../network";
import { DateSelect, Kpi, PageHead, Pick, StationSelect, useDate, useStation } from "../parts/controls";
import { SpeedDistribution, speedsAt } from "../parts/distribution";
import { Figure } from "../parts/figure";
import { diagramAt, Fundamental } from "../parts/fundamental";
import { BasisLine, dayMs, Empty, Refusal, Show } from "../parts/states";
import type { Column } from "../parts/table";
import { Term } from "../parts/term";
import { choose, link, useRoute } from "../route";
import { addDays, dayText, instant, timeText, type Zone } from "../time";
import type { TermName } from "../definitions";

const weeks = 4;

export const early = ({ station }: Record<string, string>) => (station ? [diagramAt(station), speedsAt(station)] : []);

export default function Station() {
  const station = useStation();
  const { params } = useRoute();
  const date = useDate();
  if (!station) return <Refusal problem={{ kind: "missing", text: `There is no station ${params.station ?? ""} in this network. Choose another page, or a station on Now.` }} />;
  return <StationOn key={station.stationId} station={station} date={date} binMin={Number(params.bin ?? 5)} />;
}

function StationOn({ station, date, binMin }: { station: RoadStation; date: string; binMin: number }) {
  const local = useLocalZone();
  const id = station.stationId;
  const from = date ? instant(date, 0, local).toISOString() : "";
  const to = date ? instant(addDays(date, 1), 0, local).toISOString() : "";
  const answer = useAnswer(date ? `series ${id} ${from} ${binMin}` : undefined, (signal) => query.getStationSeries({ stationId: id, from, to, binMin, weeksBefore: weeks }, { signal }), { refreshMs: 3 * 60_000 });
  const usual = useMemo(() => answer.data && against(answer.data), [answer.data]);
  return (
    <>
      <PageHead question={`How does traffic run at ${stationText(station, id)}?`} verdict={usual && headline(usual, date)}>
        <StationSelect value={id} onChange={(v) => choose({ station: v })} />
        <DateSelect />
        <Pick label="Bins" value={String(binMin)} choices={[5, 15, 60].map((m) => ({ value: String(m), text: `${m} min` }))} onChange={(v) => choose({ bin: v === "5" ? undefined : v })} />
        <a href={link("corridor", { road: station.road, direction: station.direction, date })}>See it on the time–space diagram</a>
      </PageHead>
      <dl class="kpis">
        <Kpi name="Lanes" value={station.laneCount} />
        <Kpi name="Limit" value={station.limitKmh} unit="km/h" />
        <Kpi name="Instruments" value={<small class="small">{[station.hasCounter && "counter", station.hasCamera && "camera", station.hasToll && "toll"].filter(Boolean).join(", ")}</small>} />
        {usual && <Kpi name={<Term name="flow">Vehicles of the day</Term>} value={num(usual.vehicles)} note="in measured bins" />}
        {usual && <Kpi name="Against the usual" value={usual.change === undefined ? "–" : `${usual.change >= 0 ? "+" : "−"}${num(Math.abs(usual.change) * 100, 1)} %`} note={`${usual.weeks} earlier ${usual.weeks === 1 ? "week" : "weeks"} with data`} />}
      </dl>
      {!date && <Empty>The models have no day yet.</Empty>}
      {date && (
        <Show answer={answer} lines={10}>
          {(data) => (
            <>
              <BasisLine basis={data.basis} intervalMs={dayMs} />
              <Series data={data} measure="flow" date={date} source={csvAddress("GetStationSeries", { station_id: id, from, to, bin_min: binMin, weeks_before: weeks })} />
              <div class="two">
                <Series data={data} measure="speed" date={date} limit_kmh={station.limitKmh} source={csvAddress("GetStationSeries", { station_id: id, from, to, bin_min: binMin, weeks_before: weeks })} />
                <Series data={data} measure="covered" date={date} source={csvAddress("GetStationSeries", { station_id: id, from, to, bin_min: binMin, weeks_before: weeks })} />
              </div>
            </>
          )}
        </Show>
      )}
      <div class="two">
        <Fundamental station={station} />
        <SpeedDistribution stationId={id} limit_kmh={station.limitKmh} />
      </div>
    </>
  );
}

/** The day against the mean of the same weekday, in bins that both have. */
export function against(data: GetStationSeriesResponse): { vehicles: number; change: number | undefined; weeks: number } {
  const [day, ...past] = data.series;
  const hours = data.binMin / 60;
  let vehicles = 0;
  let both = 0;
  let usual = 0;
  const seen = new Set<number>();
  day?.flowVehH.forEach((flow, i) => {
    if (Number.isNaN(flow)) return;
    vehicles += flow * hours;
    const known = past.filter((s) => !Number.isNaN(s.flowVehH[i] ?? NaN));
    if (known.length === 0) return;
    known.forEach((s) => seen.add(s.weeksBefore));
    both += flow;
    usual += known.reduce((t, s) => t + s.flowVehH[i]!, 0) / known.length;
  });
  return { vehicles, change: usual > 0 ? both / usual - 1 : undefined, weeks: seen.size };
}

function headline(u: ReturnType<typeof against>, date: string): string {
  if (u.vehicles === 0) return `Not known for ${dayText(date)}: no counter worked.`;
  const day = `${num(u.vehicles)} vehicles on ${dayText(date)}`;
  if (u.change === undefined) return `${day}; no earlier week is there to compare.`;
  if (Math.abs(u.change) < 0.05) return `As usual: ${day}, ${percent(Math.abs(u.change))} ${u.change < 0 ? "below" : "above"} the same weekday before.`;
  return `${u.change < 0 ? "Less" : "More"} than usual: ${day}, ${percent(Math.abs(u.change), 0)} ${u.change < 0 ? "below" : "above"} the same weekday before.`;
}

type MeasureName = "flow" | "speed" | "covered";

interface Measure {
  term: TermName;
  title: string;
  unit: string;
  field: string;
  values: (s: StationSeries) => number[];
  state: (s: StationSeries) => BinState[];
}

const measures: Record<MeasureName, Measure> = {
  flow: { term: "flow", title: "Flow", unit: "veh/h", field: "flow_veh_h", values: (s) => s.flowVehH, state: (s) => s.countState },
  speed: { term: "spaceMeanSpeed", title: "Speed", unit: "km/h", field: "speed_kmh", values: (s) => s.speedKmh, state: (s) => s.speedState },
  covered: { term: "occupancy", title: "Time occupancy", unit: "percent", field: "covered_percent", values: (s) => s.coveredShare.map((v) => v * 100), state: (s) => s.countState },
};

const weekText = (n: number) => (n === 1 ? "a week before" : `${n} weeks before`);

function Series({ data, measure, date, source, limit_kmh }: { data: GetStationSeriesResponse; measure: MeasureName; date: string; source: string; limit_kmh?: number }) {
  const zone = useZone();
  const m = measures[measure];
  const x = useMemo(() => data.binStartUnixS.map(Number), [data]);
  const lines = useMemo(() => seriesLines(data, m, date), [data, measure, date]);
  const missing = useMemo(() => (data.series[0] ? m.state(data.series[0]).map((s) => s !== BinState.MEASURED && s !== BinState.EMPTY) : undefined), [data, measure]);
  const across = useMemo(() => (limit_kmh ? [{ at: limit_kmh, label: `limit ${limit_kmh}`, colour: "faint" }] : []), [limit_kmh]);
  return (
    <Figure id={measure} title={<Term name={m.term}>{m.title}, {m.unit}</Term>} rows={x.map((bin, i) => ({ bin, i }))} rowKey={(r) => String(r.bin)} basis={data.basis as Basis} source={source}
      columns={seriesColumns(data, m, zone)}>
      <Lines label={`${m.title} on ${date} and in ${data.series.length - 1} weeks before`} x={x} lines={lines} zone={zone} yLabel={m.unit} {...(missing ? { missing } : {})} across={across} height={measure === "flow" ? 250 : 210} />
    </Figure>
  );
}

function seriesLines(data: GetStationSeriesResponse, m: Measure, date: string): Line[] {
  const past = data.series.filter((s) => s.weeksBefore > 0);
  const dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
  return [
    ...past.map((s) => ({ label: weekText(s.weeksBefore), values: m.values(s), colour: "past", width: 1, dash: dashes[(s.weeksBefore - 1) % dashes.length]! })),
    ...data.series.filter((s) => s.weeksBefore === 0).map((s) => ({ label: dayText(date), values: m.values(s), colour: "series-0", width: 2.5 })),
  ];
}

function seriesColumns(data: GetStationSeriesResponse, m: Measure, zone: Zone): Column<{ bin: number; i: number }>[] {
  return [
    { name: "bin_start_utc", title: `Begin, ${zone.label}`, value: (r) => new Date(r.bin * 1000).toISOString(), show: (r) => timeText(new Date(r.bin * 1000), zone) },
    ...data.series.map((s) => ({
      name: s.weeksBefore === 0 ? m.field : `${m.field}_${s.weeksBefore}_weeks_before`,
      title: s.weeksBefore === 0 ? `${m.title}, ${m.unit}` : weekText(s.weeksBefore),
      value: (r: { i: number }) => m.values(s)[r.i],
      figure: true,
      ...(measure1(m) ? { show: (r: { i: number }) => num(m.values(s)[r.i], 1) } : {}),
    })),
  ];
}

const measure1 = (m: Measure) => m.unit !== "veh/h";
