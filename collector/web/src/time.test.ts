import { describe, expect, it } from "vitest";
import { addDays, ageText, clockText, dates, dateText, dayText, freshness, instant, minuteText, timeText, utc, zoneOf } from "./time";

const adelaide = zoneOf("Australia/Adelaide");
const berlin = zoneOf("Europe/Berlin");

describe("instant", () => {
  it("finds a local minute, whatever the zone", () => {
    expect(instant("2026-03-06", 0, utc).toISOString()).toBe("2026-03-06T00:00:00.000Z");
    expect(instant("2026-03-06", 425, adelaide).toISOString()).toBe("2026-03-05T20:35:00.000Z");
    expect(instant("2026-07-01", 0, zoneOf("+04:15")).toISOString()).toBe("2026-06-30T19:45:00.000Z");
  });
  it("gives days of 23 and 25 hours when clocks change", () => {
    const hours = (date: string) => (instant(addDays(date, 1), 0, berlin).getTime() - instant(date, 0, berlin).getTime()) / 3_600_000;
    expect(hours("2026-03-28")).toBe(24);
    expect(hours("2026-03-29")).toBe(23);
    expect(hours("2026-10-25")).toBe(25);
    expect(clockText(instant("2026-03-29", 4 * 60, berlin), berlin)).toBe("04:00");
    expect(clockText(instant("2026-10-25", 4 * 60, berlin), berlin)).toBe("04:00");
  });
  it("is undone by what is shown, for every hour of a year", () => {
    for (const date of dates("2026-01-01", "2026-12-31")) {
      for (const minute of [0, 180, 425, 1435]) {
        const at = instant(date, minute, berlin);
        expect(`${dateText(at, berlin)} ${clockText(at, berlin)}`).toBe(`${date} ${minuteText(minute)}`);
      }
    }
  });
});

describe("texts", () => {
  it("name the weekday and the zone's time", () => {
    const at = new Date("2026-03-05T23:30:00Z");
    expect(timeText(at, utc)).toBe("Thu 2026-03-05 23:30");
    expect(timeText(at, adelaide)).toBe("Fri 2026-03-06 10:00");
    expect(dayText("2026-03-06")).toBe("Fri 2026-03-06");
    expect(dayText("")).toBe("");
  });
  it("fall back to UTC for a zone that nobody knows", () => expect(zoneOf("Nowhere/City")).toBe(utc));
  it("tell an age in the unit that matters", () => {
    expect([5_000, 130_000, 3 * 3_600_000, 50 * 3_600_000].map(ageText)).toEqual(["5 s", "2 min", "3 h", "2 days"]);
  });
});

it("data are late above two intervals and stale above five", () => {
  expect([120_000, 120_001, 300_000, 300_001].map((a) => freshness(a, 60_000))).toEqual(["fresh", "late", "late", "stale"]);
});
