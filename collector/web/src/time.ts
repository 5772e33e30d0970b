// Times as people at the road read them. The server speaks UTC; a local date
// or hour is one of the network's zone, not of the reader's computer.

/** The zone that times are shown in. */
export interface Zone {
  /** IANA name, or an offset as +04:15. */
  name: string;
  /** Minutes ahead of UTC, if the name is an offset; not every browser's Intl takes one. */
  offset_min?: number;
  /** As written beside a time. */
  label: string;
}

export const utc: Zone = { name: "UTC", label: "UTC" };

/** The zone of a network; one that the browser does not know is shown as UTC. */
export function zoneOf(name: string): Zone {
  const offset = /^([+-])(\d\d):(\d\d)$/.exec(name);
  if (offset) return { name, label: name, offset_min: (offset[1] === "-" ? -1 : 1) * (60 * +offset[2]! + +offset[3]!) };
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    return { name, label: name };
  } catch {
    return utc;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let f = formats.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", weekday: "short",
      year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    });
    formats.set(zone, f);
  }
  return f;
}

interface Wall {
  weekday: string;
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
}

function wall(at: Date, zone: Zone): Wall {
  const out: Record<string, string> = {};
  const shifted = zone.offset_min === undefined ? at : new Date(at.getTime() + zone.offset_min * 60_000);
  for (const p of format(zone.offset_min === undefined ? zone.name : "UTC").formatToParts(shifted)) out[p.type] = p.value;
  return out as unknown as Wall;
}

/** 2026-03-06 */
export function dateText(at: Date, zone: Zone): string {
  const w = wall(at, zone);
  return `${w.year}-${w.month}-${w.day}`;
}

/** 07:05 */
export function clockText(at: Date, zone: Zone): string {
  const w = wall(at, zone);
  return `${w.hour}:${w.minute}`;
}

/** Fri 2026-03-06 07:05 */
export function timeText(at: Date, zone: Zone): string {
  const w = wall(at, zone);
  return `${w.weekday} ${w.year}-${w.month}-${w.day} ${w.hour}:${w.minute}`;
}

/** Fri 2026-03-06 07:05:12 */
export function secondText(at: Date, zone: Zone): string {
  return `${timeText(at, zone)}:${wall(at, zone).second}`;
}

/** Fri 2026-03-06, from a date without a time. */
export function dayText(date: string): string {
  const at = new Date(date + "T12:00:00Z");
  return Number.isNaN(at.getTime()) ? date : `${wall(at, utc).weekday} ${date}`;
}

/** 425 → 07:05 */
export function minuteText(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(Math.round(minute) % 60).padStart(2, "0")}`;
}

/** A date whose local fields, by this computer's clock, are those of the zone; what uPlot places its ticks by. */
export function wallDate(at: Date, zone: Zone): Date {
  const w = wall(at, zone);
  return new Date(+w.year, +w.month - 1, +w.day, +w.hour, +w.minute, +w.second);
}

/** How far the zone's clock is ahead of UTC, milliseconds. */
function offsetMs(at: Date, zone: Zone): number {
  const w = wall(at, zone);
  const asUTC = Date.UTC(+w.year, +w.month - 1, +w.day, +w.hour, +w.minute, +w.second);
  return asUTC - Math.floor(at.getTime() / 1000) * 1000;
}

/** When a minute of a local date is, or, in the hour that the clocks skip, what comes after. */
export function instant(date: string, minute: number, zone: Zone): Date {
  const asUTC = Date.parse(date + "T00:00:00Z") + minute * 60_000;
  const guess = asUTC - offsetMs(new Date(asUTC), zone);
  return new Date(asUTC - offsetMs(new Date(guess), zone));
}

/** The date days later. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date + "T00:00:00Z") + days * 86_400_000).toISOString().slice(0, 10);
}

/** Every date from first to last. */
export function dates(first: string, last: string): string[] {
  const out: string[] = [];
  for (let d = first; d !== "" && d <= last && out.length < 2000; d = addDays(d, 1)) out.push(d);
  return out;
}

/** "40 s", "12 min", "3 h", "5 days" */
export function ageText(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} s`;
  if (s < 100 * 60) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

/** How much an age counts, by the interval at which the data change. */
export function freshness(ageMs: number, intervalMs: number): "fresh" | "late" | "stale" {
  if (ageMs <= 2 * intervalMs) return "fresh";
  return ageMs <= 5 * intervalMs ? "late" : "stale";
}
