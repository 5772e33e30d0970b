// How fast vehicles drive at a station, with V85 and the limit.
import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import { Bars } from "../charts/bars";
import type { SpeedBin } from "../gen/gantry/v1/query_station_pb";
import { num, percent } from "../format";
import { Figure } from "./figure";
import { Empty, Show } from "./states";
import { Term } from "./term";

/** Speeds in steps, all lanes and classes together, from the first to the last that anybody drove. */
export function steps(bins: SpeedBin[], step_kmh: number): { from_kmh: number; vehicles: number; free: number; over: number }[] {
  const of = new Map<number, { vehicles: number; free: number; over: number }>();
  for (const b of bins) {
    const from = Math.floor(b.speedKmh / step_kmh) * step_kmh;
    const at = of.get(from) ?? { vehicles: 0, free: 0, over: 0 };
    of.set(from, { vehicles: at.vehicles + Number(b.vehicleCount), free: at.free + Number(b.freeCount), over: at.over + Number(b.freeOverLimitCount) });
  }
  if (of.size === 0) return [];
  const [low, high] = [Math.min(...of.keys()), Math.max(...of.keys())];
  const out = [];
  for (let v = low; v <= high; v += step_kmh) out.push({ from_kmh: v, ...(of.get(v) ?? { vehicles: 0, free: 0, over: 0 }) });
  return out;
}

const step_kmh = 5;

/** The question of a station's speeds. */
export const speedsAt = (stationId: string) => ({
  key: `distribution ${stationId}`,
  ask: async (signal: AbortSignal) => {
    const pages = await all((pageToken) => query.listSpeedDistribution({ stationId, pageToken, pageSize: 10_000 }, { signal }));
    return { basis: pages[0]?.basis, v85: pages[0]?.v85Kmh, rows: steps(pages.flatMap((p) => p.bins), step_kmh) };
  },
});

export function SpeedDistribution({ stationId, limit_kmh }: { stationId: string; limit_kmh: number }) {
  const asked = speedsAt(stationId);
  const answer = useAnswer(asked.key, asked.ask);
  return (
    <Show answer={answer}>
      {({ basis, v85, rows }) => {
        const free = rows.reduce((s, r) => s + r.free, 0);
        const over = rows.reduce((s, r) => s + r.over, 0);
        const first = rows[0]?.from_kmh ?? 0;
        return rows.length === 0 ? (
          <Empty>No speed was measured here.</Empty>
        ) : (
          <Figure id="speeds" title={<Term name="v85">Speeds with a free road</Term>} rows={rows} rowKey={(r) => String(r.from_kmh)} basis={basis}
            source={csvAddress("ListSpeedDistribution", { station_id: stationId })}
            note={<>n = {num(free)} vehicles with a free road; {percent(free > 0 ? over / free : undefined, 0)} over the limit. V85 {num(v85, 1)} km/h, limit {limit_kmh} km/h.</>}
            columns={[
              { name: "from_kmh", title: "From, km/h", value: (r) => r.from_kmh, figure: true },
              { name: "to_kmh", title: "To, km/h", value: (r) => r.from_kmh + step_kmh, figure: true },
              { name: "free_count", title: "With a free road", value: (r) => r.free, figure: true },
              { name: "free_over_limit_count", title: "Of them over the limit", value: (r) => r.over, figure: true },
              { name: "vehicle_count", title: "All vehicles", value: (r) => r.vehicles, figure: true },
            ]}>
            <Bars label={`Speeds of vehicles with a free road; V85 ${num(v85, 1)} km/h`} yLabel="vehicles" xLabel="Spot speed, km/h"
              bars={rows.map((r) => ({ x: String(r.from_kmh), value: r.free, part: r.over }))}
              upright={[
                { at: (limit_kmh - first) / step_kmh, label: `limit ${limit_kmh}` },
                ...(v85 === undefined ? [] : [{ at: (v85 - first) / step_kmh, label: `V85 ${num(v85, 1)}` }]),
              ]} />
            <ul class="legend"><li><i class="swatch box" style={{ background: "var(--series-0)" }} /> within the limit</li><li><i class="swatch box" style={{ background: "var(--series-1)" }} /> over the limit</li></ul>
          </Figure>
        );
      }}
    </Show>
  );
}
