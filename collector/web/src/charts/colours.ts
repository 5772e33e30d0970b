import { useEffect, useReducer } from "preact/hooks";

/** The value of a colour variable as canvas takes it, in the theme in force. */
export function colour(name: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** A number that changes with the theme, for whatever is painted. */
export function useTheme(): number {
  const [round, render] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => render(undefined);
    scheme.addEventListener("change", changed);
    const attribute = new MutationObserver(changed);
    attribute.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      scheme.removeEventListener("change", changed);
      attribute.disconnect();
    };
  }, []);
  return round;
}

/** Fills a rectangle with the hatch that means "nothing is known". */
export function hatch(c: CanvasRenderingContext2D, x: number, y: number, w: number, h: number, stroke: string, gap = 6) {
  c.save();
  c.beginPath();
  c.rect(x, y, w, h);
  c.clip();
  c.beginPath();
  c.strokeStyle = stroke;
  c.lineWidth = 1;
  // Lines x + y = s of one lattice, so that neighbours join.
  for (let s = Math.ceil((x + y) / gap) * gap; s < x + y + w + h; s += gap) {
    c.moveTo(s - y - h, y + h);
    c.lineTo(s - y, y);
  }
  c.stroke();
  c.restore();
}
