// Flow by density, lane by lane, with the capacity that was fitted.
import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import { Lines } from "../charts/lines";
import type { FundamentalPoint } from "../gen/gantry/v1/query_station_pb";
import type { RoadStation } from "../gen/gantry/v1/query_network_pb";
import { num, percent } from "../format";
import { Figure } from "./figure";
import { Empty, Show } from "./states";
import { Term } from "./term";

/** One line per lane over the densities that any lane had; NaN where a lane had none. */
export function byLane(points: FundamentalPoint[]): { density: number[]; lanes: { lane: number; flow: number[] }[] } {
  const density = [...new Set(points.map((p) => p.densityVehKm))].sort((a, b) => a - b);
  const lanes = [...new Set(points.map((p) => p.lane))].sort((a, b) => a - b);
  const at = new Map(points.map((p) => [`${p.lane} ${p.densityVehKm}`, p.meanFlowPceH]));
  return { density: density.map((d) => d + 1), lanes: lanes.map((lane) => ({ lane, flow: density.map((d) => at.get(`${lane} ${d}`) ?? NaN) })) };
}

/** The question of a station's diagram. */
export const diagramAt = (stationId: string) => ({
  key: `fundamental ${stationId}`,
  ask: async (signal: AbortSignal) => {
    const [points, capacity] = await Promise.all([
      all((pageToken) => query.listFundamentalDiagram({ stationId, pageToken }, { signal })),
      query.listStationCapacities({ stationId }, { signal }),
    ]);
    return { basis: points[0]?.basis, points: points.flatMap((p) => p.points), capacity: capacity.capacities[0] };
  },
});

export function Fundamental({ station }: { station: RoadStation }) {
  const id = station.stationId;
  const asked = diagramAt(id);
  const answer = useAnswer(asked.key, asked.ask);
  const shape = useMemo(() => byLane(answer.data?.points ?? []), [answer.data]);
  const lines = useMemo(() => shape.lanes.map((l, i) => ({ label: `lane ${l.lane}`, values: l.flow, colour: `series-${i % 4}`, points: true })), [shape]);
  const capacity = answer.data?.capacity;
  const across = useMemo(
    () => (capacity ? [{ at: capacity.capacityPceHLane, label: `capacity ${num(capacity.capacityPceHLane)} ${capacity.isFitted ? "(fitted here)" : "(published default)"}`, colour: "ink" }] : []),
    [capacity],
  );
  return (
    <Show answer={answer}>
      {({ basis, points }) =>
        points.length === 0 ? (
          <Empty>There is no fundamental diagram of this station: it needs a working counter and speeds.</Empty>
        ) : (
          <Figure id="fundamental" title={<Term name="fundamental">Flow by density, per lane</Term>} rows={points} rowKey={(p) => `${p.lane} ${p.densityVehKm}`} basis={basis} source={csvAddress("ListFundamentalDiagram", { station_id: id })}
            note={capacity && (
              <><Term name="capacity">Capacity</Term> {num(capacity.capacityPceHLane)} pc/h and lane{capacity.isFitted ? `, fitted here; ${percent(capacity.capacityDropShare, 0)} lost once broken down` : ": the published default, for no queue here proves another"}. <Term name="freeFlow">Free flow</Term> {num(capacity.freeSpeedKmh)} km/h.</>
            )}
            columns={[
              { name: "lane", title: "Lane", value: (p) => p.lane, figure: true },
              { name: "density_veh_km", title: "Density from, veh/km", value: (p) => p.densityVehKm, figure: true },
              { name: "mean_flow_pce_h", title: "Mean flow, pc/h", value: (p) => p.meanFlowPceH, figure: true },
              { name: "mean_flow_veh_h", title: "Mean flow, veh/h", value: (p) => p.meanFlowVehH, figure: true },
              { name: "max_flow_pce_h", title: "Largest flow, pc/h", value: (p) => p.maxFlowPceH, figure: true },
              { name: "speed_kmh", title: "Speed, km/h", value: (p) => p.speedKmh, figure: true },
              { name: "bin_count", title: "5-minute bins (n)", value: (p) => p.binCount, figure: true },
            ]}>
            <Lines label="Mean flow by density, per lane" x={shape.density} lines={lines} yLabel="pc/h" xLabel="Density, veh/km and lane" across={across} height={250} yMax={capacity?.capacityPceHLane ?? 0} />
          </Figure>
        )
      }
    </Show>
  );
}
