import { beforeEach, describe, expect, it } from "vitest";
import { choose, current, go, href, link, parse } from "./route";

beforeEach(() => history.replaceState(null, "", "/"));

describe("addresses", () => {
  it("say the page and what was chosen", () => {
    expect(parse("/", "")).toEqual({ page: "now", params: {} });
    expect(parse("/station/", "?station=north-09&tz=utc")).toEqual({ page: "station", params: { station: "north-09", tz: "utc" } });
  });
  it("leave defaults out, and read back what they wrote", () => {
    expect(href("now", { a: undefined, b: "" })).toBe("/");
    const to = href("corridor", { road: "A 1&2", bin: 15 });
    const u = new URL(to, "http://x");
    expect(parse(u.pathname, u.search)).toEqual({ page: "corridor", params: { road: "A 1&2", bin: "15" } });
  });
  it("keep zone and theme from page to page, and nothing else", () => {
    history.replaceState(null, "", "/station?station=a&tz=utc&theme=dark");
    expect(link("fleet", { day: "2026-01-05" })).toBe("/fleet?tz=utc&theme=dark&day=2026-01-05");
  });
  it("change by choices, which can be taken back", () => {
    go("/corridor?road=M1&bin=15");
    const steps = history.length;
    choose({ bin: undefined, date: "2026-01-05" });
    expect(location.pathname + location.search).toBe("/corridor?road=M1&date=2026-01-05");
    choose({ date: "2026-01-06" }, true);
    expect(current().params.date).toBe("2026-01-06");
    expect(history.length).toBeLessThanOrEqual(steps + 1);
  });
});
