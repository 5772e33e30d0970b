import { useMemo } from "preact/hooks";
import { useAnswer, type Answer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import { Heatmap, type Outline, type Row } from "../charts/heatmap";
import { SpeedLegend } from "../charts/legend";
import { BinState } from "../gen/gantry/v1/query_basis_pb";
import type { GetCorridorResponse } from "../gen/gantry/v1/query_live_pb";
import type { Bottleneck, SuspectedIncident } from "../gen/gantry/v1/query_travel_pb";
import { km, num, plural } from "../format";
import { stationText, useLocalZone, useNetwork, useZone, type Network } from "../network";
import { CarriagewaySelect, DateSelect, PageHead, Pick, useCarriageway } from "../parts/controls";
import { Figure } from "../parts/figure";
import { BasisLine, dayMs, Empty, Loading, Show } from "../parts/states";
import { Table } from "../parts/table";
import { Term } from "../parts/term";
import { choose, go, link, useRoute } from "../route";
import { addDays, dayText, instant, minuteText, timeText, type Zone } from "../time";
import { Incidents, useIncidents } from "../parts/incidents";
import { queueColumns } from "../parts/queues";

/** How far back a queue is looked for, when no date was chosen. */
const lookBackDays = 56;

const queuesOf = (road: string, direction: string, fromDate: string, toDate: string) => ({
  key: `queues ${road} ${direction} ${fromDate} ${toDate}`,
  ask: async (signal: AbortSignal) => (await all((pageToken) => query.listBottlenecks({ road, direction, fromDate, toDate, pageToken }, { signal }))).flatMap((p) => p.bottlenecks),
});

export const early = ({ road, direction, date }: Record<string, string>) => (road && direction && date ? [queuesOf(road, direction, date, date)] : []);

/** The queues of the date that was chosen; without one, of the last that has a queue, and the last of all if none has. */
function useQueues(road: string, direction: string): { queues: Answer<Bottleneck[]>; date: string } {
  const { about } = useNetwork();
  const { params } = useRoute();
  const last = params.date || about.lastDate;
  const asked = queuesOf(road, direction, params.date || !last ? last : addDays(last, -lookBackDays), last);
  const answer = useAnswer(last ? asked.key : undefined, asked.ask);
  const date = params.date || answer.data?.reduce((d, b) => (b.localDate > d ? b.localDate : d), "") || (answer.state === "loading" ? "" : last);
  const data = useMemo(() => answer.data?.filter((b) => b.localDate === date), [answer.data, date]);
  return { queues: (data ? { ...answer, data } : answer) as Answer<Bottleneck[]>, date };
}

export default function Corridor() {
  const network = useNetwork();
  const local = useLocalZone();
  const zone = useZone();
  const { road, direction } = useCarriageway();
  const { params } = useRoute();
  const { queues, date } = useQueues(road, direction);
  const binMin = Number(params.bin ?? 5);
  const from = date ? instant(date, 0, local).toISOString() : "";
  const to = date ? instant(addDays(date, 1), 0, local).toISOString() : "";
  const answer = useAnswer(date ? `corridor ${road} ${direction} ${from} ${binMin}` : undefined, (signal) => query.getCorridor({ road, direction, from, to, binMin }, { signal }), { refreshMs: 3 * 60_000 });

  const rows = useMemo(() => (answer.data ? heatRows(answer.data, network) : []), [answer.data, network]);
  const where = { road, direction, fromDate: date, toDate: date };
  const incidents = useIncidents(date ? where : undefined);
  const outlines = useMemo(() => [
    ...(queues.data ?? []).map((b) => outline(b, network, local)),
    ...(incidents.data?.rows ?? []).map((i) => ({ ...outline(i, network, local), label: "suspected incident", named: true })),
  ], [queues.data, incidents.data, network]);
  const bins = useMemo(() => answer.data?.binStartUnixS.map(Number) ?? [], [answer.data]);

  return (
    <>
      <PageHead question={`Where and when does ${road} ${direction} queue?`} verdict={queues.data && headline(queues.data, date, network)}>
        <CarriagewaySelect />
        <DateSelect shown={date} />
        <Pick label="Bins" value={String(binMin)} choices={[5, 15, 60].map((m) => ({ value: String(m), text: `${m} min` }))} onChange={(v) => choose({ bin: v === "5" ? undefined : v })} />
      </PageHead>
      {!date && queues.state === "loading" && network.about.lastDate && <Loading lines={12} />}
      {!date && !network.about.lastDate && <Empty>The models have no day yet. They are built every few minutes as history is loaded.</Empty>}
      {date && (
        <Show answer={answer} lines={12}>
          {(data) => (
            <>
              <BasisLine basis={data.basis} intervalMs={dayMs} />
              {rows.length === 0 ? <Empty>No station stands on {road} {direction}.</Empty> : (
                <Figure id="time_space" title={<Term name="spaceMeanSpeed">Speed over time and distance, {road} {direction}, {dayText(date)}</Term>} rows={cells(data)} rowKey={(c) => `${c.station} ${c.bin}`} basis={data.basis}
                  source={csvAddress("GetCorridor", { road, direction, from, to, bin_min: binMin })}
                  note="Queues of bottlenecks are outlined: a queue begins at its head and grows against the traffic, so its upper edge stays where it is and its lower edge moves down. Solid: suspected incidents."
                  columns={[
                    { name: "station_id", title: "Station", value: (c) => c.station },
                    { name: "offset_m", title: "Distance, m", value: (c) => c.offset_m, figure: true },
                    { name: "bin_start_utc", title: `Begin, ${zone.label}`, value: (c) => new Date(c.bin * 1000).toISOString(), show: (c) => timeText(new Date(c.bin * 1000), zone) },
                    { name: "speed_kmh", title: "Speed, km/h", value: (c) => c.speed, figure: true },
                    { name: "speed_state", title: "Speed is", value: (c) => c.state },
                    { name: "flow_veh_h", title: "Flow, veh/h", value: (c) => c.flow, figure: true },
                  ]}>
                  <SpeedLegend />
                  <Heatmap label={`Speeds on ${road} ${direction} by time and distance. ${queues.data ? headline(queues.data, date, network) : ""}`} rows={rows} binStart_s={bins} bin_s={data.binMin * 60} outlines={outlines} zone={zone}
                    onChoose={(r) => go(link("station", { station: r.id, date, road, direction }))} />
                </Figure>
              )}
            </>
          )}
        </Show>
      )}
      {date && (
        <section class="card">
          <h2><Term name="bottleneck">Bottlenecks of the day</Term></h2>
          <Show answer={queues} lines={2}>
            {(list) => list.length === 0 ? <Empty>No bottleneck was active on {dayText(date)}.</Empty> : <Table id="bottlenecks" caption="Bottlenecks of the day" rows={list} rowKey={(b) => b.linkId + b.downStationId} columns={queueColumns} basis={answer.data?.basis} />}
          </Show>
        </section>
      )}
      {date && <Incidents answer={incidents} where={where} when={`of ${dayText(date)}`} />}
    </>
  );
}

function headline(list: Bottleneck[], date: string, n: Network): string {
  const worst = [...list].sort((a, b) => b.delayVehicleH - a.delayVehicleH)[0];
  if (!worst) return `Nowhere on ${dayText(date)}: no bottleneck was active.`;
  const more = list.length > 1 ? ` ${plural(list.length - 1, "more queue")} below.` : "";
  return `From ${minuteText(worst.firstMinute)} to ${minuteText(worst.lastMinute)} upstream of km ${km(n.byId.get(worst.downStationId)?.offsetM ?? 0)}, up to ${km(worst.queueLengthM)} km long: ${num(worst.delayVehicleH)} vehicle-hours of delay.${more}`;
}

function heatRows(data: GetCorridorResponse, n: Network): Row[] {
  return data.stations.map((s) => ({
    id: s.stationId,
    name: stationText(n.byId.get(s.stationId), s.stationId),
    offset_m: s.offsetM,
    speed_kmh: s.speedKmh,
    flow_veh_h: s.flowVehH,
    missing: s.speedState.map((b) => b !== BinState.MEASURED && b !== BinState.EMPTY),
  }));
}

function outline(b: Bottleneck | SuspectedIncident, n: Network, local: Zone): Outline {
  const head = n.byId.get(b.downStationId)?.offsetM ?? 0;
  return {
    from_s: instant(b.localDate, b.firstMinute, local).getTime() / 1000,
    to_s: instant(b.localDate, b.lastMinute, local).getTime() / 1000,
    from_m: head - b.queueLengthM,
    to_m: head,
    label: b.linkId,
  };
}

/** The matrix as rows of a table. */
function cells(data: GetCorridorResponse) {
  return data.stations.flatMap((s) =>
    data.binStartUnixS.map((bin, j) => ({
      station: s.stationId,
      offset_m: s.offsetM,
      bin: Number(bin),
      speed: s.speedKmh[j],
      flow: s.flowVehH[j],
      state: s.speedState[j] === BinState.MEASURED ? "measured" : s.speedState[j] === BinState.EMPTY ? "no vehicle" : "missing",
    })),
  );
}
