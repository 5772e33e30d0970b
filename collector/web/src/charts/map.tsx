// The network as its own drawing: no map from elsewhere is needed to see where
// on the road something is. Each direction is drawn beside the middle of the
// road, on the side that it is driven on.
import { useMemo } from "preact/hooks";
import type { LiveStation } from "../gen/gantry/v1/query_live_pb";
import { num } from "../format";
import { stationText, type Network } from "../network";
import { link } from "../route";
import { speedClass } from "../speed";

type Point = readonly [number, number];

/** Longitudes and latitudes onto a plane, north up or turned so that what is long lies flat. */
export function projection(points: Point[], width: number, height: number, pad: number): (p: Point) => Point {
  const lat0 = ((points.reduce((s, p) => s + p[1], 0) / points.length) * Math.PI) / 180;
  const flat = ([lon, lat]: Point): Point => [lon * Math.cos(lat0), -lat];
  const spread = points.map(flat);
  const box = (list: Point[]) => {
    const x = list.map((p) => p[0]);
    const y = list.map((p) => p[1]);
    return { x0: Math.min(...x), y0: Math.min(...y), w: Math.max(...x) - Math.min(...x), h: Math.max(...y) - Math.min(...y) };
  };
  const upright = box(spread);
  const turned = upright.h > 1.5 * upright.w;
  const turn = ([x, y]: Point): Point => (turned ? [-y, x] : [x, y]);
  const b = box(spread.map(turn));
  const scale = Math.min((width - 2 * pad) / (b.w || 1e-9), (height - 2 * pad) / (b.h || 1e-9));
  return (p) => {
    const [x, y] = turn(flat(p));
    return [pad + (x - b.x0) * scale + (width - 2 * pad - b.w * scale) / 2, pad + (y - b.y0) * scale + (height - 2 * pad - b.h * scale) / 2];
  };
}

/** A line moved aside, to the left of its way if aside is positive. */
export function beside(line: Point[], aside: number): Point[] {
  return line.map((p, i) => {
    const a = line[Math.max(0, i - 1)]!;
    const b = line[Math.min(line.length - 1, i + 1)]!;
    const dx = b[0] - a[0];
    const dy = b[1] - a[1];
    const d = Math.hypot(dx, dy) || 1;
    return [p[0] + (dy / d) * aside, p[1] - (dx / d) * aside];
  });
}

const pairs = (flat: number[]): Point[] => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const);
const path = (line: Point[]) => "M" + line.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");

/** A point part of the way along a line. */
export function along(line: Point[], share: number): Point {
  const parts = line.slice(1).map((p, i) => Math.hypot(p[0] - line[i]![0], p[1] - line[i]![1]));
  let left = share * parts.reduce((s, d) => s + d, 0);
  for (const [i, d] of parts.entries()) {
    if (left <= d || i === parts.length - 1) {
      const f = d === 0 ? 0 : Math.min(1, left / d);
      const [a, b] = [line[i]!, line[i + 1]!];
      return [a[0] + (b[0] - a[0]) * f, a[1] + (b[1] - a[1]) * f];
    }
    left -= d;
  }
  return line[0] ?? [0, 0];
}

const width = 1000;

interface Props {
  network: Network;
  live: Map<string, LiveStation>;
}

export function NetworkMap({ network, live }: Props) {
  const nodes = useMemo(() => new Map(network.nodes.map((n) => [n.nodeId, [n.longitudeDeg, n.latitudeDeg] as Point])), [network]);
  const drawn = useMemo(() => {
    const points: Point[] = [...network.stations.map((s) => [s.longitudeDeg, s.latitudeDeg] as Point), ...nodes.values(), ...network.links.flatMap((l) => pairs(l.pointsDeg))];
    // Half as high as wide, or less for what is long.
    const height = flatness(points) < 0.35 ? 300 : 460;
    const to = projection(points, width, height, 46);
    const lines = new Map(network.links.map((l) => {
      const raw = l.pointsDeg.length >= 4 ? pairs(l.pointsDeg) : [nodes.get(l.fromNodeId), nodes.get(l.toNodeId)].filter((p) => p !== undefined);
      return [l.linkId, beside(raw.map(to), l.kind === "ramp" ? 20 : 9)];
    }));
    return { height, to, lines };
  }, [network, nodes]);

  return (
    <svg class="map" viewBox={`0 0 ${width} ${drawn.height}`} role="group" aria-label="Map of the network, coloured by speed class">
      <defs>
        <pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-line" width="1.6" height="6" /></pattern>
      </defs>
      {network.links.filter((l) => (drawn.lines.get(l.linkId)?.length ?? 0) > 1).map((l) => {
        const line = path(drawn.lines.get(l.linkId)!);
        return <path key={l.linkId} class={`road ${l.kind}`} d={line} />;
      })}
      {network.links.filter((l) => l.kind !== "ramp").map((l) => {
        const line = drawn.lines.get(l.linkId)!;
        return stretches(network, l.linkId, l.offsetM, l.lengthM).map((s) => {
          const c = speedClass(live.get(s.id)?.speedKmh)?.colour;
          const d = path([along(line, s.from), along(line, (s.from * 2 + s.to) / 3), along(line, (s.from + s.to * 2) / 3), along(line, s.to)]);
          return <path key={l.linkId + s.id} class="speed" d={d} {...(c ? { stroke: c } : { stroke: "url(#hatched)" })} />;
        });
      })}
      {network.stations.map((s) => {
        const at = place(network, drawn, s.stationId);
        const l = live.get(s.stationId);
        const text = `${stationText(s, s.stationId)}: ${l?.speedKmh !== undefined ? `${num(l.speedKmh)} km/h` : "speed not known"}, ${l?.flowVehH !== undefined ? `${num(l.flowVehH)} veh/h` : "flow not known"}`;
        return (
          <a key={s.stationId} href={link("station", { station: s.stationId })} aria-label={text}>
            <circle class="station" cx={at[0]} cy={at[1]} r="6.5" fill={speedClass(l?.speedKmh)?.colour ?? "url(#hatched)"} />
            <title>{text}</title>
          </a>
        );
      })}
      {network.nodes.filter((n) => n.isZone).map((n) => {
        const [x, y] = drawn.to([n.longitudeDeg, n.latitudeDeg]);
        return <text key={n.nodeId} class="zone" x={Math.min(width - 50, Math.max(50, x))} y={y > drawn.height / 2 ? y + 38 : y - 30} text-anchor="middle">{n.nodeId}</text>;
      })}
    </svg>
  );
}

function flatness(points: Point[]): number {
  const x = points.map((p) => p[0] * 0.8);
  const y = points.map((p) => p[1]);
  const w = Math.max(...x) - Math.min(...x);
  const h = Math.max(...y) - Math.min(...y);
  return Math.min(w, h) / Math.max(w, h, 1e-9);
}

/** Which part of a link each of its stations speaks for: half way to the next, as shares of the link. */
export function stretches(n: Network, linkId: string, offset_m: number, length_m: number): { id: string; from: number; to: number }[] {
  const here = n.stations.filter((s) => s.linkId === linkId).sort((a, b) => a.offsetM - b.offsetM);
  return here.map((s, i) => ({
    id: s.stationId,
    from: i === 0 ? 0 : ((here[i - 1]!.offsetM + s.offsetM) / 2 - offset_m) / length_m,
    to: i === here.length - 1 ? 1 : ((here[i + 1]!.offsetM + s.offsetM) / 2 - offset_m) / length_m,
  }));
}

function place(n: Network, drawn: { to: (p: Point) => Point; lines: Map<string, Point[]> }, id: string): Point {
  const s = n.byId.get(id)!;
  const l = n.links.find((l) => l.linkId === s.linkId);
  const line = l && drawn.lines.get(l.linkId);
  if (l && line && line.length > 1) return along(line, Math.min(1, Math.max(0, (s.offsetM - l.offsetM) / l.lengthM)));
  return drawn.to([s.longitudeDeg, s.latitudeDeg]);
}
