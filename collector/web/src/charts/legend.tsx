import { speedClasses } from "../speed";

/** The fixed speed classes, with what hatched and grey mean. */
export function SpeedLegend({ empty = true }: { empty?: boolean }) {
  return (
    <ul class="legend speeds" aria-label="Speed classes, km/h">
      {speedClasses.map((c) => <li key={c.label}><i class="swatch box" style={{ background: c.colour }} /> {c.label}</li>)}
      <li>km/h</li>
      <li><i class="swatch box hatched" /> not known</li>
      {empty && <li><i class="swatch box none" /> no vehicle</li>}
    </ul>
  );
}
