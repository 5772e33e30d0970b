// Bars by hour, date or speed, with lines across and upright. Plain SVG: a few
// dozen rectangles need no library, and screen readers get the table.
import { useEffect, useRef, useState } from "preact/hooks";
import { short } from "../format";

export interface Bar {
  x: string;
  /** Undefined is not known, and hatched. */
  value: number | undefined;
  /** Part of the bar that is drawn in the second colour, from above. */
  part?: number;
  /** Drawn as an outline: imputed, not measured. */
  imputed?: boolean;
}

interface Props {
  label: string;
  bars: Bar[];
  yLabel: string;
  xLabel: string;
  /** Upright lines at a bar's begin. */
  upright?: { at: number; label: string; tone?: string }[];
  height?: number;
}

/** A round number at or above. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((m) => m * size >= value * 0.9999) ?? 10;
  return Number((step * size).toPrecision(3)); // 3 × 0.1 is not 0.3
}

export function Bars(p: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [w, setWidth] = useState(560);
  const h = p.height ?? 250;
  useEffect(() => {
    const el = frame.current;
    if (!el) return;
    const look = new ResizeObserver(() => setWidth(Math.max(280, el.clientWidth)));
    look.observe(el);
    return () => look.disconnect();
  }, []);
  const box = { left: 62, right: 10, top: 22, bottom: 42 };
  const max = roundUp(Math.max(0, ...p.bars.map((b) => b.value ?? 0)));
  const step = (w - box.left - box.right) / Math.max(1, p.bars.length);
  const y = (v: number) => h - box.bottom - (v / max) * (h - box.top - box.bottom);
  // As many names as fit, in steps that are easy to read.
  const fits = Math.max(1, Math.floor((w - box.left - box.right) / 46));
  const every = [1, 2, 3, 4, 5, 6, 7, 10, 12, 14, 20, 28].find((e) => p.bars.length / e <= fits) ?? Math.ceil(p.bars.length / fits);
  return (
    <div ref={frame}>
    <svg class="bars" viewBox={`0 0 ${w} ${h}`} height={h} role="img" aria-label={p.label}>
      {[0, 0.25, 0.5, 0.75, 1].map((f) => (
        <g key={f}>
          <line class="grid" x1={box.left} x2={w - box.right} y1={y(max * f)} y2={y(max * f)} />
          <text class="tick" x={box.left - 6} y={y(max * f) + 4} text-anchor="end">{short(max * f)}</text>
        </g>
      ))}
      {p.bars.map((b, i) => {
        const x = box.left + i * step;
        const wide = Math.max(1, step - Math.min(3, step * 0.2));
        return (
          <g key={b.x}>
            {b.value === undefined ? (
              <rect x={x} y={box.top} width={wide} height={h - box.top - box.bottom} fill="url(#hatched-bars)"><title>{`${b.x}: not known`}</title></rect>
            ) : (
              <>
                <rect class={`bar ${b.imputed ? "imputed" : ""}`} x={x} y={y(b.value)} width={wide} height={Math.max(0, y(0) - y(b.value))}><title>{`${b.x}: ${short(b.value)}${b.imputed ? " (imputed)" : ""}`}</title></rect>
                {b.part !== undefined && b.part > 0 && <rect class="bar part" x={x} y={y(b.part)} width={wide} height={y(0) - y(b.part)} />}
              </>
            )}
            {i % every === 0 && <text class="tick" x={x + wide / 2} y={h - box.bottom + 15} text-anchor="middle">{b.x}</text>}
          </g>
        );
      })}
      {p.upright?.map((m, i) => {
        const x = box.left + m.at * step;
        // The left of two marks is named at its left, so that names do not cross lines.
        const before = x > w * 0.75 || p.upright!.some((o) => o.at > m.at);
        return (
          <g key={m.label} class={`mark ${m.tone ?? ""}`}>
            <line x1={x} x2={x} y1={8} y2={h - box.bottom} />
            <text x={x + (before ? -5 : 5)} y={14 + 15 * i} text-anchor={before ? "end" : "start"}>{m.label}</text>
          </g>
        );
      })}
      <text class="axis" x={(box.left + w) / 2} y={h - 6} text-anchor="middle">{p.xLabel}</text>
      <text class="axis" transform={`rotate(-90) translate(${-(h - box.bottom + box.top) / 2} 12)`} text-anchor="middle">{p.yLabel}</text>
      <defs><pattern id="hatched-bars" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-line" width="1.4" height="6" /></pattern></defs>
    </svg>
    </div>
  );
}
