// Lines over time or over a number, drawn by uPlot. Bins without a working
// instrument are hatched; a line is broken there and never drawn through.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { num, short } from "../format";
import { clockText, dateText, timeText, wallDate, type Zone } from "../time";
import { colour, hatch, useTheme } from "./colours";

export interface Line {
  label: string;
  values: ArrayLike<number>;
  /** Colour variable of style.css. */
  colour: string;
  width?: number;
  dash?: number[];
  points?: boolean;
}

/** A value to draw across, with its name. */
export interface Mark {
  at: number;
  label: string;
  colour: string;
}

interface Props {
  label: string;
  x: ArrayLike<number>;
  lines: Line[];
  yLabel: string;
  xLabel?: string;
  /** Given, x is seconds since 1970 shown in that zone. */
  zone?: Zone;
  /** For each x, whether nothing is known there. */
  missing?: ArrayLike<boolean>;
  across?: Mark[];
  upright?: Mark[];
  height?: number;
  yMax?: number;
  yMin?: number;
  /** Marks x where the reader stands, as a slider's value. */
  onPoint?: (x: number) => void;
}

/** Runs of true, as first and last index. */
export function runs(flags: ArrayLike<boolean>): [number, number][] {
  const out: [number, number][] = [];
  for (let i = 0; i < flags.length; i++) {
    if (!flags[i]) continue;
    const last = out.at(-1);
    if (last && last[1] === i - 1) last[1] = i;
    else out.push([i, i]);
  }
  return out;
}

function drawMissing(u: uPlot, flags: ArrayLike<boolean>, x: number[]) {
  const step = x.length > 1 ? x[1]! - x[0]! : 0;
  for (const [a, b] of runs(flags)) {
    const left = u.valToPos(x[a]!, "x", true);
    const right = u.valToPos(x[b]! + step, "x", true);
    hatch(u.ctx, left, u.bbox.top, Math.max(2, right - left), u.bbox.height, colour("hatch"), 7 * devicePixelRatio);
  }
}

function drawMarks(u: uPlot, across: Mark[], upright: Mark[]) {
  const c = u.ctx;
  c.save();
  c.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  c.lineWidth = 1.5 * devicePixelRatio;
  c.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  const line = (m: Mark, x0: number, y0: number, x1: number, y1: number, tx: number, ty: number) => {
    c.strokeStyle = c.fillStyle = colour(m.colour);
    c.beginPath();
    c.moveTo(x0, y0);
    c.lineTo(x1, y1);
    c.stroke();
    c.fillText(m.label, tx, ty);
  };
  const { left, top, width, height } = u.bbox;
  for (const m of across) {
    const y = u.valToPos(m.at, "y", true);
    if (y < top || y > top + height) continue;
    c.textAlign = "right";
    line(m, left, y, left + width, y, left + width - 4 * devicePixelRatio, y - 5 * devicePixelRatio);
  }
  upright.forEach((m, i) => {
    const x = u.valToPos(m.at, "x", true);
    if (x < left || x > left + width) return;
    const before = x > left + width * 0.75;
    c.textAlign = before ? "right" : "left";
    line(m, x, top, x, top + height, x + (before ? -5 : 5) * devicePixelRatio, top + (13 + 15 * i) * devicePixelRatio);
  });
  c.restore();
}

export function Lines(p: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [at, setAt] = useState<number | null>(null);
  const theme = useTheme();
  const height = p.height ?? 220;
  const x = useMemo(() => Array.from(p.x), [p.x]);
  const data = useMemo(() => [x, ...p.lines.map((l) => Array.from(l.values, (v) => (Number.isNaN(v) ? null : v)))] as uPlot.AlignedData, [x, p.lines]);

  useEffect(() => {
    const el = box.current;
    if (!el || x.length === 0) return;
    const ink = colour("faint");
    const grid = { stroke: colour("line"), width: 1 };
    const font = "12px system-ui, sans-serif";
    const u = new uPlot(
      {
        width: el.clientWidth,
        height,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 7 } },
        ...(p.zone ? { tzDate: (ts: number) => wallDate(new Date(ts * 1000), p.zone!) } : {}),
        scales: {
          x: { time: p.zone !== undefined },
          y: { range: (_u: uPlot, lo: number, hi: number): [number, number] => [p.yMin ?? Math.min(0, lo), Math.max(p.yMax ?? 0, (hi || 1) * 1.08)] },
        },
        axes: [
          { stroke: ink, grid, ticks: grid, font, labelFont: font, size: 34, ...(p.xLabel ? { label: p.xLabel, labelSize: 20 } : {}), ...(p.zone ? { values: hours(p.zone) } : {}) },
          { stroke: ink, grid, ticks: grid, font, labelFont: font, label: p.yLabel, labelSize: 18, size: 54, values: (_: uPlot, splits: number[]) => splits.map((v) => num(v, Number.isInteger(v) ? 0 : 1)) },
        ],
        series: [
          {},
          ...p.lines.map((l) => ({
            label: l.label,
            stroke: colour(l.colour),
            width: l.width ?? 1.5,
            ...(l.dash ? { dash: l.dash } : {}),
            points: { show: l.points ?? false, size: 5 },
            ...(l.points ? { paths: () => null, points: { show: true, size: 6, stroke: colour(l.colour), fill: colour(l.colour) } } : {}),
            spanGaps: false,
          })),
        ],
        hooks: {
          drawClear: [(u) => p.missing && drawMissing(u, p.missing, x)],
          draw: [(u) => drawMarks(u, p.across ?? [], p.upright ?? [])],
          setCursor: [(u) => setAt(u.cursor.idx ?? null)],
        },
      },
      data,
      el,
    );
    plot.current = u;
    const resize = new ResizeObserver(() => u.setSize({ width: el.clientWidth, height }));
    resize.observe(el);
    return () => {
      resize.disconnect();
      u.destroy();
      plot.current = undefined;
    };
  }, [data, theme, height, p.zone?.name, p.missing, p.across, p.upright, p.yMax, p.yLabel]);

  const key = (e: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12 }[e.key];
    const u = plot.current;
    if (!step || !u) return;
    e.preventDefault();
    const i = Math.min(x.length - 1, Math.max(0, (at ?? -1) + step));
    u.setCursor({ left: u.valToPos(x[i]!, "x"), top: u.bbox.height / devicePixelRatio / 2 });
    setAt(i);
  };

  return (
    <div class="chart">
      <ul class="legend">
        {p.lines.map((l) => (
          <li key={l.label}>
            <i class="swatch" style={{ background: `var(--${l.colour})`, height: `${Math.max(2, (l.width ?? 1.5) * 1.5)}px` }} /> {l.label}
            {at !== null && <b> {short(data[p.lines.indexOf(l) + 1]?.[at] ?? undefined)}</b>}
          </li>
        ))}
        {p.missing && runs(p.missing).length > 0 && <li><i class="swatch hatched" /> no working instrument</li>}
        <li class="readout" aria-live="polite">{at !== null && x[at] !== undefined && (p.zone ? timeText(new Date(x[at] * 1000), p.zone) : short(x[at]))}</li>
      </ul>
      <div ref={box} class="plot" style={{ height: `${height}px` }} tabIndex={0} role="img" aria-label={`${p.label}. Arrow keys read values; the button Table shows all.`} onKeyDown={key} />
    </div>
  );
}

/** Ticks as 06:00, and the date where a day begins. */
function hours(zone: Zone) {
  return (_: uPlot, splits: number[]) =>
    splits.map((s) => {
      const clock = clockText(new Date(s * 1000), zone);
      return clock === "00:00" ? dateText(new Date(s * 1000), zone).slice(5) : clock;
    });
}
