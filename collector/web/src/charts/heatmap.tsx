// Speeds over time and distance: x is time, y the distance along the road in
// the direction of travel, upwards. Painted cell by cell on a canvas.
//
// Chart libraries of the field draw heatmaps as images that they smooth, or
// know no fixed classes, no hatch for what is missing, and no cell to press.
import { useEffect, useRef, useState } from "preact/hooks";
import { km, num } from "../format";
import { speedClass } from "../speed";
import { clockText, dateText, timeText, type Zone } from "../time";
import { colour, hatch, useTheme } from "./colours";

/** One station's speeds, bin by bin; NaN with missing false is an empty road. */
export interface Row {
  id: string;
  name: string;
  offset_m: number;
  speed_kmh: ArrayLike<number>;
  flow_veh_h: ArrayLike<number>;
  missing: ArrayLike<boolean>;
}

/** A queue to outline. */
export interface Outline {
  from_s: number;
  to_s: number;
  from_m: number;
  to_m: number;
  label: string;
  /** Drawn solid, with its label. */
  named?: boolean;
}

interface Props {
  label: string;
  binStart_s: number[];
  bin_s: number;
  rows: Row[];
  outlines: Outline[];
  zone: Zone;
  onChoose: (row: Row, bin: number) => void;
}

/** Where each row begins and ends: half way to its neighbours. */
export function bands(offsets_m: number[]): [number, number][] {
  return offsets_m.map((o, i) => {
    const before = offsets_m[i - 1];
    const after = offsets_m[i + 1];
    const low = before === undefined ? o - (after === undefined ? 500 : (after - o) / 2) : (before + o) / 2;
    const high = after === undefined ? o + (before === undefined ? 500 : (o - before) / 2) : (o + after) / 2;
    return [low, high];
  });
}

const edge = { left: 64, right: 12, top: 8, bottom: 40 };
const height = 440;

interface Scale {
  x: (s: number) => number;
  y: (m: number) => number;
  bands: [number, number][];
  start: number;
  end: number;
}

function scaleOf(p: Props, width: number): Scale {
  const b = bands(p.rows.map((r) => r.offset_m));
  const low = b[0]?.[0] ?? 0;
  const high = b.at(-1)?.[1] ?? 1;
  const start = p.binStart_s[0] ?? 0;
  const end = (p.binStart_s.at(-1) ?? 1) + p.bin_s;
  return {
    x: (s) => edge.left + ((s - start) / (end - start)) * (width - edge.left - edge.right),
    y: (m) => height - edge.bottom - ((m - low) / (high - low)) * (height - edge.top - edge.bottom),
    bands: b, start, end,
  };
}

function paintCells(c: CanvasRenderingContext2D, p: Props, s: Scale) {
  const nothing = colour("empty-road");
  const line = colour("hatch");
  p.rows.forEach((r, i) => {
    const top = s.y(s.bands[i]![1]);
    const tall = s.y(s.bands[i]![0]) - top;
    p.binStart_s.forEach((t, j) => {
      const left = s.x(t);
      const wide = s.x(t + p.bin_s) - left;
      if (r.missing[j]) return hatch(c, left, top, wide, tall, line);
      c.fillStyle = speedClass(r.speed_kmh[j])?.colour ?? nothing;
      c.fillRect(left, top, wide + 0.5, tall + 0.5);
    });
  });
}

function paintOutlines(c: CanvasRenderingContext2D, p: Props, s: Scale) {
  c.save();
  c.beginPath();
  c.rect(edge.left, edge.top, s.x(s.end) - edge.left, height - edge.top - edge.bottom);
  c.clip();
  for (const o of p.outlines) {
    const box = [s.x(o.from_s), s.y(o.to_m), s.x(o.to_s) - s.x(o.from_s), s.y(o.from_m) - s.y(o.to_m)] as const;
    c.strokeStyle = "#ffffff";
    c.lineWidth = 4;
    c.strokeRect(...box);
    c.strokeStyle = "#111111";
    c.lineWidth = 2;
    if (!o.named) c.setLineDash([7, 4]);
    c.strokeRect(...box);
    c.setLineDash([]);
    if (o.named) paintLabel(c, o.label, box[0], box[1]);
  }
  c.restore();
}

/** A label above a box, readable on any colour. */
function paintLabel(c: CanvasRenderingContext2D, text: string, x: number, y: number) {
  c.font = "bold 12px system-ui, sans-serif";
  c.textAlign = "left";
  c.textBaseline = y > edge.top + 18 ? "bottom" : "top";
  c.strokeStyle = "#ffffff";
  c.lineWidth = 4;
  c.strokeText(text, x, y - 3);
  c.fillStyle = "#111111";
  c.fillText(text, x, y - 3);
}

function paintAxes(c: CanvasRenderingContext2D, p: Props, s: Scale, width: number) {
  const ink = colour("faint");
  c.fillStyle = c.strokeStyle = ink;
  c.font = "12px system-ui, sans-serif";
  c.lineWidth = 1;
  const bottom = height - edge.bottom;
  c.strokeRect(edge.left, edge.top, width - edge.left - edge.right, bottom - edge.top);
  c.textBaseline = "top";
  c.textAlign = "center";
  const step = [900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].find((st) => (s.x(s.start + st) - s.x(s.start)) > 58) ?? 86400;
  const zero = (p.binStart_s.find((t) => clockText(new Date(t * 1000), p.zone) === "00:00") ?? s.start) % step;
  for (let t = Math.ceil((s.start - zero) / step) * step + zero; t <= s.end; t += step) {
    c.fillRect(s.x(t), bottom, 1, 5);
    const clock = clockText(new Date(t * 1000), p.zone);
    const text = clock === "00:00" ? dateText(new Date(t * 1000), p.zone).slice(5) : clock;
    c.fillText(text, Math.min(width - 20, Math.max(edge.left + 12, s.x(t))), bottom + 8);
  }
  c.fillText(`Time, ${p.zone.label}`, (edge.left + width) / 2, bottom + 24);
  c.textAlign = "right";
  c.textBaseline = "middle";
  let last = Infinity;
  p.rows.forEach((r) => {
    const y = s.y(r.offset_m);
    c.fillRect(edge.left - 4, y, 4, 1);
    if (last - y < 14) return;
    c.fillText(km(r.offset_m), edge.left - 8, y);
    last = y;
  });
  paintArrow(c, bottom);
}

/** The direction of travel, beside the distances. */
function paintArrow(c: CanvasRenderingContext2D, bottom: number) {
  c.save();
  c.translate(12, (edge.top + bottom) / 2);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  c.fillText("Distance along the road, km; traffic goes this way →", 0, 0);
  c.restore();
}

export function Heatmap(p: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [cell, setCell] = useState<[number, number] | null>(null);
  const theme = useTheme();

  useEffect(() => {
    const el = canvas.current?.parentElement;
    if (!el) return;
    const look = new ResizeObserver(() => setWidth(el.clientWidth));
    look.observe(el);
    setWidth(el.clientWidth);
    return () => look.disconnect();
  }, []);

  useEffect(() => {
    const el = canvas.current;
    const c = el?.getContext("2d");
    if (!el || !c || width === 0) return;
    const ratio = devicePixelRatio || 1;
    el.width = width * ratio;
    el.height = height * ratio;
    c.scale(ratio, ratio);
    const s = scaleOf(p, width);
    paintCells(c, p, s);
    paintOutlines(c, p, s);
    paintAxes(c, p, s, width);
    if (cell) {
      const [i, j] = cell;
      c.strokeStyle = colour("ink");
      c.lineWidth = 2;
      const left = s.x(p.binStart_s[j]!);
      c.strokeRect(left - 1, s.y(s.bands[i]![1]) - 1, s.x(p.binStart_s[j]! + p.bin_s) - left + 2, s.y(s.bands[i]![0]) - s.y(s.bands[i]![1]) + 2);
    }
  }, [p.rows, p.outlines, p.binStart_s, p.zone.name, width, cell, theme]);

  const find = (e: MouseEvent): [number, number] | null => {
    const s = scaleOf(p, width);
    const i = s.bands.findIndex(([low, high]) => e.offsetY <= s.y(low) && e.offsetY > s.y(high));
    const j = p.binStart_s.findIndex((t) => e.offsetX >= s.x(t) && e.offsetX < s.x(t + p.bin_s));
    return i < 0 || j < 0 ? null : [i, j];
  };
  const key = (e: KeyboardEvent) => {
    const [i, j] = cell ?? [0, 0];
    const move = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
    if (move) {
      e.preventDefault();
      setCell(cell ? [clamp(i + move[0]!, p.rows.length), clamp(j + move[1]!, p.binStart_s.length)] : [0, 0]);
    } else if (e.key === "Enter" && cell) p.onChoose(p.rows[i]!, j);
  };

  const row = cell && p.rows[cell[0]];
  return (
    <div class="chart">
      <p class="readout" aria-live="polite">
        {row && cell ? cellText(row, cell[1], p) : "Point at a cell, or use the arrow keys; press it to open the station."}
      </p>
      <div class="plot">
        <canvas ref={canvas} style={{ width: "100%", height: `${height}px`, cursor: "pointer" }} tabIndex={0} role="img" aria-label={p.label}
          onMouseMove={(e) => setCell(find(e))} onMouseLeave={() => setCell(null)} onKeyDown={key}
          onClick={(e) => { const at = find(e); if (at) p.onChoose(p.rows[at[0]]!, at[1]); }} />
      </div>
    </div>
  );
}

const clamp = (i: number, n: number) => Math.min(n - 1, Math.max(0, i));

function cellText(r: Row, j: number, p: Props): string {
  const when = timeText(new Date(p.binStart_s[j]! * 1000), p.zone);
  const v = r.speed_kmh[j];
  const speed = r.missing[j] ? "no working instrument" : v === undefined || Number.isNaN(v) ? "no vehicle" : `${num(v)} km/h`;
  const f = r.flow_veh_h[j];
  return `${r.name}, ${when}: ${speed}${f !== undefined && !Number.isNaN(f) ? `, ${num(f)} veh/h` : ""}`;
}
