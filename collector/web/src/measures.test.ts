import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { problemOf } from "./api/answer";
import { apply, pauseMs, type Live } from "./api/live";
import { roundUp } from "./charts/bars";
import { bands } from "./charts/heatmap";
import { runs } from "./charts/lines";
import { along, beside, projection } from "./charts/map";
import { csv, quote } from "./csv";
import { num, percent, short } from "./format";
import { BasisSchema, BinState } from "./gen/gantry/v1/query_basis_pb";
import { DeviceDaySchema, PipelineDaySchema } from "./gen/gantry/v1/query_health_pb";
import { LiveStationSchema, WatchLiveStationsResponseSchema } from "./gen/gantry/v1/query_live_pb";
import { RoadStationSchema } from "./gen/gantry/v1/query_network_pb";
import { FindingSchema, FlexiTimePointSchema, Verdict } from "./gen/gantry/v1/query_screen_pb";
import { GetStationSeriesResponseSchema, SpeedBinSchema, SpeedComplianceSchema } from "./gen/gantry/v1/query_station_pb";
import { join } from "./pages/fleet";
import { savedAt } from "./pages/flexi-time";
import { ratio, sum as now } from "./pages/now";
import { sum as readings } from "./pages/quality";
import { byHour } from "./pages/speed-cameras";
import { against } from "./pages/station";
import { steps } from "./parts/distribution";
import { compare } from "./parts/table";
import { scaleOf, tallyText } from "./parts/verdict";
import { fluency, speedClass } from "./speed";

describe("speed classes", () => {
  it("are fixed, and nothing is no class", () => {
    expect([0, 19.9, 20, 63.9, 64, 109.9, 110, 250].map((v) => speedClass(v)?.from_kmh)).toEqual([0, 0, 20, 50, 64, 95, 110, 110]);
    expect([undefined, NaN, -1].map((v) => speedClass(v))).toEqual([undefined, undefined, undefined]);
  });
  it("fluency is by the station's own free flow", () => {
    expect([5, 20, 60, 80, 95, 130].map((v) => fluency(v, 100))).toEqual(["stationary", "queuing", "slow", "platooning", "fluent", "fluent"]);
    expect(fluency(50, undefined)).toBeUndefined();
  });
});

describe("figures", () => {
  it("that are not known are a dash and never zero", () => {
    expect([num(undefined), num(NaN), short(undefined), percent(undefined)]).toEqual(["–", "–", "–", "–"]);
    expect(num(0)).toBe("0");
  });
  it("keep their size readable", () => expect([short(1234.5), short(12.34), short(0.567), short(-3)]).toEqual(["1\u202f235", "12.3", "0.57", "−3"]));
  it("axes end at a round number", () => expect([1134, 0.3, 56, 0].map(roundUp)).toEqual([1500, 0.3, 60, 1]));
});

describe("CSV", () => {
  const basis = create(BasisSchema, { asOf: "2026-01-05T00:00:00Z" });
  it("quotes, leaves the unknown empty and ends rows with as_of", () => {
    expect(csv(["a", "b_kmh"], [['x,"y"', NaN], ["z", 0]], basis)).toBe('a,b_kmh,as_of_utc\r\n"x,""y""",,2026-01-05T00:00:00Z\r\nz,0,2026-01-05T00:00:00Z\r\n');
  });
  it("is no formula in a spreadsheet", () => expect([quote("=1+1"), quote("-x"), quote(-1), quote("a")]).toEqual(["'=1+1", "'-x", "-1", "a"]));
});

it("tables sort the unknown last, both ways", () => {
  const sorted = (down: boolean) => [3, undefined, 10, NaN, 2].sort((a, b) => compare(a, b, down));
  expect(sorted(false).slice(0, 3)).toEqual([2, 3, 10]);
  expect(sorted(true).slice(0, 3)).toEqual([10, 3, 2]);
  expect(["n-10", "n-9"].sort((a, b) => compare(a, b, false))).toEqual(["n-9", "n-10"]);
});

describe("problems", () => {
  it("are sorted by what the reader can do", () => {
    const kind = (c: Code) => problemOf(new ConnectError("x", c)).kind;
    expect([Code.PermissionDenied, Code.Unauthenticated, Code.Unavailable, Code.NotFound, Code.ResourceExhausted, Code.Internal].map(kind)).toEqual(["denied", "login", "unreachable", "missing", "wrong", "failed"]);
    expect(problemOf(new TypeError("Failed to fetch")).kind).toBe("unreachable");
  });
});

describe("live", () => {
  const station = (id: string, speedKmh: number, lane = 0) => create(LiveStationSchema, { stationId: id, speedKmh, lane });
  it("keeps what did not change", () => {
    const none: Live = { state: "connecting", windowFrom: "", windowTo: "", stations: new Map() };
    const first = apply(none, create(WatchLiveStationsResponseSchema, { windowTo: "t1", stations: [station("a", 50), station("b", 60), station("a", 1, 2)] }));
    const second = apply(first, create(WatchLiveStationsResponseSchema, { windowTo: "t2", stations: [station("b", 20)] }));
    expect([...second.stations].map(([id, s]) => [id, s.speedKmh])).toEqual([["a", 50], ["b", 20]]);
    expect([first.windowTo, second.windowTo, second.state]).toEqual(["t1", "t2", "live"]);
    expect(first.stations.get("b")?.speedKmh).toBe(60);
  });
  it("waits longer after each failure, up to a limit", () => expect([1, 2, 3, 20].map(pauseMs)).toEqual([1000, 2000, 4000, 30000]));
  it("means speeds harmonically over vehicles, and counts the silent", () => {
    const seen = (speedKmh: number | undefined, n: number, state: BinState) => ({
      station: create(RoadStationSchema), free_kmh: 100,
      live: create(LiveStationSchema, { ...(speedKmh === undefined ? {} : { speedKmh }), speedCount: BigInt(n), countState: state }),
    });
    const s = now([seen(50, 100, BinState.MEASURED), seen(100, 100, BinState.MEASURED), seen(undefined, 0, BinState.MISSING)]);
    expect(s.speed_kmh).toBeCloseTo(200 / 3);
    expect([s.reporting, s.slow.length, ratio(s.slow[0]!)]).toEqual([2, 1, 0.5]);
  });
});

describe("verdicts", () => {
  const f = (verdict: Verdict, more = {}) => create(FindingSchema, { verdict, threshold: 50, ...more });
  it("never count the undecided as no", () => {
    expect(tallyText([f(Verdict.NO), f(Verdict.INSUFFICIENT_EVIDENCE)], "link", "links")).toBe("No. For 1 link the evidence is insufficient.");
    expect(tallyText([f(Verdict.INSUFFICIENT_EVIDENCE)], "link", "links")).toBe("For 1 link the evidence is insufficient.");
    expect(tallyText([f(Verdict.YES), f(Verdict.NO), f(Verdict.NO)], "link", "links")).toBe("Yes, for 1 of 3 links.");
  });
  it("share a scale that holds every interval and threshold", () => {
    const [low, high] = scaleOf([f(Verdict.NO, { value: -3, uncertaintyLow: -20, uncertaintyHigh: 14 }), f(Verdict.YES, { value: 90 })]);
    expect([low, high]).toEqual([-20, 90]);
  });
});

describe("flexi time", () => {
  const points = [[5, 100], [10, 300], [20, 280]].map(([shiftPercent, saved]) => create(FlexiTimePointSchema, { shiftPercent: shiftPercent!, savedVehicleHPerWeekday: saved! }));
  it("is straight between what was computed, nothing at none, and not known beyond", () => {
    expect([0, 2.5, 5, 7, 10, 15, 20, 25].map((x) => savedAt(points, x))).toEqual([0, 50, 100, 180, 300, 290, 280, undefined]);
    expect(savedAt([], 0)).toBeUndefined();
  });
});

describe("station", () => {
  it("compares only bins that both have", () => {
    const data = create(GetStationSeriesResponseSchema, { binMin: 60, series: [{ weeksBefore: 0, flowVehH: [100, NaN, 300] }, { weeksBefore: 1, flowVehH: [200, 500, NaN] }, { weeksBefore: 2, flowVehH: [NaN, NaN, NaN] }] });
    expect(against(data)).toEqual({ vehicles: 400, change: -0.5, weeks: 1 });
  });
  it("says when nothing is there to compare", () => {
    expect(against(create(GetStationSeriesResponseSchema, { binMin: 5, series: [{ flowVehH: [NaN] }] }))).toEqual({ vehicles: 0, change: undefined, weeks: 0 });
  });
  it("adds lanes and classes up into steps without holes", () => {
    const bins = [[61, 3], [64, 2], [78, 1]].map(([speedKmh, n]) => create(SpeedBinSchema, { speedKmh: speedKmh!, vehicleCount: BigInt(n!), freeCount: BigInt(n!), freeOverLimitCount: 0n }));
    expect(steps(bins, 5).map((s) => [s.from_kmh, s.free])).toEqual([[60, 5], [65, 0], [70, 0], [75, 1]]);
  });
});

it("an hour without a free vehicle has no share", () => {
  const rows = byHour([create(SpeedComplianceSchema, { localHour: 3, freeCount: 4n, freeOverLimitCount: 1n }), create(SpeedComplianceSchema, { localHour: 3, freeCount: 4n, freeOverLimitCount: 3n })]);
  expect([rows[3]!.share, rows[4]!.share]).toEqual([0.5, undefined]);
});

it("lost readings are not known while no run has ended", () => {
  const day = (more: object) => create(PipelineDaySchema, { receivedCount: 5n, ...more });
  expect(readings([day({})]).lost).toBeUndefined();
  expect(readings([day({}), day({ lostCount: 2n })]).lost).toBe(2);
});

it("sick devices come first", () => {
  const day = (deviceId: string, state: string) => create(DeviceDaySchema, { deviceId, state });
  expect(join([day("a", "healthy"), day("c", "stuck"), day("b", "stuck")], []).map((r) => r.id)).toEqual(["b", "c", "a"]);
});

describe("drawing", () => {
  it("rows of the heatmap meet half way", () => expect(bands([700, 2400, 4100])).toEqual([[-150, 1550], [1550, 3250], [3250, 4950]]));
  it("missing bins are drawn as runs", () => expect(runs([true, true, false, true])).toEqual([[0, 1], [3, 3]]));
  it("a long thin network lies flat, a square one has north up", () => {
    const thin = projection([[138.52, -34.95], [138.55, -34.9], [138.6, -34.8]], 1000, 60);
    const [a, b] = [thin.to([138.52, -34.95]), thin.to([138.6, -34.8])];
    expect(Math.abs(a[0] - b[0])).toBeGreaterThan(800);
    expect(Math.abs(a[1] - b[1])).toBeLessThan(40);
    const square = projection([[0, 0], [1, 0], [1, 1], [0, 1]], 1000, 60);
    expect(square.north).toBeCloseTo(0);
    expect(square.to([0, 1])[1]).toBeLessThan(square.to([0, 0])[1]);
  });
  it("directions lie apart, each at its left", () => {
    expect(beside([[0, 0], [10, 0]], 5)).toEqual([[0, -5], [10, -5]]);
    expect(along([[0, 0], [10, 0], [10, 10]], 0.75)).toEqual([10, 5]);
  });
});
