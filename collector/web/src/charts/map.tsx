// The network as its own drawing: no map from elsewhere is needed to see where
// on the road something is. Each direction is drawn beside the middle of the
// road, on the side that it is driven on.
import { useMemo } from "preact/hooks";
import type { LiveStation } from "../gen/gantry/v1/query_live_pb";
import type { RoadStation } from "../gen/gantry/v1/query_network_pb";
import { num } from "../format";
import { stationText, type Network } from "../network";
import { link } from "../route";
import { speedClass } from "../speed";

type Point = readonly [number, number];

/** A drawing of the plane: where points come to lie, how high it is, and where north is. */
export interface Projection {
  to: (p: Point) => Point;
  height: number;
  /** Direction of north on the drawing, radians clockwise from up. */
  north: number;
}

/**
 * Longitudes and latitudes onto a plane. North is up; only a network that is
 * long and thin is turned so that it lies flat, the west to the left.
 */
export function projection(points: Point[], width: number, pad: number): Projection {
  const lat0 = ((points.reduce((s, p) => s + p[1], 0) / points.length) * Math.PI) / 180;
  const flat = ([lon, lat]: Point): Point => [lon * Math.cos(lat0), -lat];
  const spread = points.map(flat);
  const mean = [0, 1].map((k) => spread.reduce((s, p) => s + p[k]!, 0) / spread.length);
  const moment = (i: number, j: number) => spread.reduce((s, p) => s + (p[i]! - mean[i]!) * (p[j]! - mean[j]!), 0);
  const [xx, yy, xy] = [moment(0, 0), moment(1, 1), moment(0, 1)];
  const root = Math.hypot(xx - yy, 2 * xy);
  const thin = xx + yy - root < 0.02 * (xx + yy + root);
  const angle = thin ? Math.atan2(2 * xy, xx - yy) / 2 : 0;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turn = ([x, y]: Point): Point => [x * cos + y * sin, -x * sin + y * cos];
  const turned = spread.map(turn);
  const [x, y] = [turned.map((p) => p[0]), turned.map((p) => p[1])];
  const [x0, y0] = [Math.min(...x), Math.min(...y)];
  const [w, h] = [Math.max(...x) - x0, Math.max(...y) - y0];
  const most = 460;
  const scale = Math.min((width - 2 * pad) / (w || 1e-9), (most - 2 * pad) / (h || 1e-9));
  const height = Math.max(190, Math.min(most, h * scale + 2 * pad));
  return {
    to: (p) => {
      const [px, py] = turn(flat(p));
      return [(width - w * scale) / 2 + (px - x0) * scale, (height - h * scale) / 2 + (py - y0) * scale];
    },
    height,
    north: -angle,
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
  const drawn = useMemo(() => draw(network), [network]);
  return (
    <svg class="map" viewBox={`0 0 ${width} ${drawn.height}`} role="group" aria-label="Map of the network, coloured by speed class">
      <defs>
        <pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-line" width="1.6" height="6" /></pattern>
      </defs>
      {drawn.links.filter((l) => l.ramp).map((l) => <path key={l.id} class="road ramp" d={path(l.line)} />)}
      {drawn.links.filter((l) => !l.ramp).map((l) => (
        <g key={l.id}>
          <path class="road" d={path(l.line)} />
          <path class="road inner" d={path(l.line)} />
          {l.parts.length === 0 && <path class="road unseen-road" d={path(l.line)} />}
          {l.parts.map((s) => <path key={s.id} class="speed" d={path(s.line)} stroke={speedClass(live.get(s.id)?.speedKmh)?.colour ?? "url(#hatched)"} />)}
          <path class="chevron" d="M-3 -4L3 0L-3 4" transform={heading(l.line)} />
        </g>
      ))}
      {network.stations.map((s) => {
        const [cx, cy] = place(network, drawn, s.stationId);
        const text = stationLabel(s, live.get(s.stationId));
        return (
          <a key={s.stationId} href={link("station", { station: s.stationId })} aria-label={text}>
            <circle class="station" cx={cx} cy={cy} r="6.5" fill={speedClass(live.get(s.stationId)?.speedKmh)?.colour ?? "url(#hatched)"} />
            <title>{text}</title>
          </a>
        );
      })}
      {drawn.zones.map((z) => <text key={z.id} class="zone" x={z.at[0]} y={z.at[1]} text-anchor={z.anchor}>{z.id}</text>)}
      <g transform={`translate(${width - 22} 24) rotate(${(drawn.north * 180) / Math.PI})`}><path class="north" d="M0 14V-12M-5 -5L0 -13L5 -5" /></g>
      <text class="north-text" x={width - 40} y={28} text-anchor="end">north</text>
      <text class="way" x="4" y="16">Arrows show the direction of travel. Press a station to open it.</text>
    </svg>
  );
}

/** The network on paper: links with the parts that stations speak for, and zones. */
function draw(network: Network) {
  const nodes = new Map(network.nodes.map((n) => [n.nodeId, [n.longitudeDeg, n.latitudeDeg] as Point]));
  const points: Point[] = [...network.stations.map((s) => [s.longitudeDeg, s.latitudeDeg] as Point), ...nodes.values(), ...network.links.flatMap((l) => pairs(l.pointsDeg))];
  const { to, height, north } = projection(points, width, 60);
  const lines = new Map<string, Point[]>();
  const links = network.links.flatMap((l) => {
    const raw = l.pointsDeg.length >= 4 ? pairs(l.pointsDeg) : [nodes.get(l.fromNodeId), nodes.get(l.toNodeId)].filter((p) => p !== undefined);
    if (raw.length < 2) return [];
    const ramp = l.kind === "ramp";
    const line = beside(raw.map(to), ramp ? 0 : 10);
    lines.set(l.linkId, line);
    const parts = ramp ? [] : stretches(network, l.linkId, l.offsetM, l.lengthM).map((s) => ({ id: s.id, line: [0, 0.25, 0.5, 0.75, 1].map((f) => along(line, s.from + (s.to - s.from) * f)) }));
    return [{ id: l.linkId, ramp, line, parts }];
  });
  const middle = points.map(to).reduce((s, p) => s + p[1], 0) / points.length;
  const zones = network.nodes.filter((n) => n.isZone).map((n) => {
    const [x, y] = to([n.longitudeDeg, n.latitudeDeg]);
    const anchor = x < 80 ? "start" : x > width - 80 ? "end" : "middle";
    return { id: n.nodeId, at: [anchor === "start" ? 6 : anchor === "end" ? width - 6 : x, y > middle ? y + 42 : y - 30] as Point, anchor } as const;
  });
  return { to, height, north, lines, links, zones };
}

/** Puts a mark on the middle of a line, turned along it. */
function heading(line: Point[]): string {
  const [x, y] = along(line, 0.5);
  const [a, b] = [along(line, 0.45), along(line, 0.55)];
  return `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${((Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI).toFixed(1)})`;
}

function stationLabel(s: RoadStation, l: LiveStation | undefined): string {
  const speed = l?.speedKmh !== undefined ? `${num(l.speedKmh)} km/h` : "speed not known";
  const flow = l?.flowVehH !== undefined ? `${num(l.flowVehH)} veh/h` : "flow not known";
  return `${stationText(s, s.stationId)}: ${speed}, ${flow}`;
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
