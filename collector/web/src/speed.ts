// The speed classes, the same on every page and never scaled to the data, so
// that a colour means one speed. ColorBrewer's RdYlBu in eight classes stays
// in order for readers who cannot tell red from green.

/** One class: from its speed up to the next one's. */
export interface SpeedClass {
  from_kmh: number;
  label: string;
  colour: string;
}

export const speedClasses: readonly SpeedClass[] = [
  { from_kmh: 0, label: "below 20", colour: "#d73027" },
  { from_kmh: 20, label: "20–40", colour: "#f46d43" },
  { from_kmh: 40, label: "40–50", colour: "#fdae61" },
  { from_kmh: 50, label: "50–64", colour: "#fee090" },
  { from_kmh: 64, label: "64–80", colour: "#e0f3f8" },
  { from_kmh: 80, label: "80–95", colour: "#abd9e9" },
  { from_kmh: 95, label: "95–110", colour: "#74add1" },
  { from_kmh: 110, label: "110 and more", colour: "#4575b4" },
];

/** The class of a speed; undefined when the speed is not known. */
export function speedClass(speed_kmh: number | undefined): SpeedClass | undefined {
  if (speed_kmh === undefined || !(speed_kmh >= 0)) return undefined;
  return speedClasses.findLast((c) => speed_kmh >= c.from_kmh);
}

/** Bands of speed by free-flow speed, as Fintraffic publishes fluency. */
export const fluencyBands = [
  { from: 0, label: "stationary" },
  { from: 0.1, label: "queuing" },
  { from: 0.25, label: "slow" },
  { from: 0.75, label: "platooning" },
  { from: 0.9, label: "fluent" },
] as const;

/** The band of a speed; undefined when either is not known. */
export function fluency(speed_kmh: number | undefined, free_kmh: number | undefined): string | undefined {
  if (speed_kmh === undefined || !free_kmh || !(speed_kmh >= 0)) return undefined;
  return fluencyBands.findLast((b) => speed_kmh / free_kmh >= b.from)?.label;
}
