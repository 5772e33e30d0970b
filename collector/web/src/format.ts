// Figures as text. What is not known is a dash with words for screen readers,
// never a zero.

/** What stands for a figure that is not known. */
export const unknown = "–";

/** A figure with thousands apart and so many decimals, or a dash. */
export function num(value: number | bigint | undefined | null, decimals = 0): string {
  if (value === undefined || value === null || Number.isNaN(value)) return unknown;
  const text = Number(value).toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replaceAll(",", "\u202f");
  return text.replace("-", "−");
}

/** A figure with as many decimals as its size asks for. */
export function short(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return unknown;
  const size = Math.abs(value);
  return num(value, size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2);
}

/** 0.123 → 12.3 % */
export function percent(share: number | undefined, decimals = 1): string {
  return share === undefined || Number.isNaN(share) ? unknown : num(share * 100, decimals) + "\u202f%";
}

/** 14200 → 14.2 */
export function km(metres: number): string {
  return num(metres / 1000, 1);
}

/** 1 day, 2 days */
export function plural(n: number | bigint, one: string, many = one + "s"): string {
  return `${num(n)} ${Number(n) === 1 ? one : many}`;
}

/** The unit of a proto field's suffix, as people write it. */
export function unitText(unit: string): string {
  return { vehicle_h: "vehicle-hours", person_h: "person-hours", km_h: "km/h", kmh: "km/h", percent: "%", share: "", veh_h: "veh/h" }[unit] ?? unit.replaceAll("_", " ");
}
