// A way per page: from the question to the evidence and the file.
import { answer, csvOf, cut, expect, figures, firstDate, open, settled, test, token, written } from "./stage";

test("Now: from slow traffic to the station", async ({ page }) => {
  await open(page, "");
  await expect(answer(page)).toContainText(/At \d+ of 24 stations; slowest is M1 north, km \d/);
  await expect(page.locator("[data-freshness]").first()).toHaveAttribute("data-freshness", "fresh");
  await expect(page.getByText("24 of 24").first()).toBeVisible();
  const { rows } = await csvOf(page, "stations");
  expect(rows).toHaveLength(24);
  const slowest = rows[0]!;
  expect(Number(slowest.speed_by_free_flow)).toBeLessThan(0.75);
  expect(slowest.window_to_utc).toContain(cut.toISOString().slice(0, 16));
  // The figure by SQL: flow is twelve times what was counted in five minutes.
  expect(Number(rows.find((r) => r.station_id === "north-09")!.flow_veh_h)).toBeCloseTo(12 * figures.live_vehicles_north_09!, 0);
  await page.locator("svg.map a").first().click();
  await settled(page);
  await expect(page).toHaveURL(/\/station\?station=/);
});

test("Corridor: from the queue to the station that tells it", async ({ page }) => {
  await open(page, `corridor?road=M1&direction=north&date=${firstDate}`);
  await expect(answer(page)).toContainText(`${written(figures.queue_delay_vehicle_h!)} vehicle-hours of delay`);
  const canvas = page.locator("canvas");
  await canvas.focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowRight");
  await expect(page.locator(".readout").first()).toContainText(/km 0\.7.*km\/h/);
  const { rows } = await csvOf(page, "time space");
  expect(rows).toHaveLength(12 * 288);
  expect(rows.filter((r) => Number(r.speed_kmh) < 40).length).toBeGreaterThan(5);
  await page.getByRole("button", { name: "Table" }).click();
  await expect(page).toHaveURL(/table\.time_space=1/);
  await expect(page.getByRole("region", { name: "Table of time space" })).toBeVisible();
  await page.getByRole("button", { name: "Chart" }).click();
  const box = (await canvas.boundingBox())!;
  await canvas.click({ position: { x: box.width / 2, y: 60 } });
  await settled(page);
  await expect(page).toHaveURL(new RegExp(`/station\\?.*date=${firstDate}`));
  await page.goBack();
  await expect(page).toHaveURL(/\/corridor\?/);
});

test("Corridor: a queue that other days do not have is a suspected incident", async ({ page }) => {
  const date = cut.toISOString().slice(0, 10); // with four workdays before it
  await open(page, `corridor?road=M1&direction=south&date=${date}`);
  const card = page.locator("section", { has: page.getByRole("heading", { name: /^Suspected incidents of/ }) });
  if (figures.suspected_incidents === 0) return void (await expect(card).toContainText("None: every queue is one of other days too"));
  await expect(card).toContainText(`${written(figures.suspected_incidents!)} queue`);
  const { rows } = await csvOf(page, "incidents");
  expect(rows).toHaveLength(figures.suspected_incidents!);
  for (const r of rows) expect([r.local_date, r.queue_day_count, r.compared_day_count]).toEqual([date, "0", "4"]);
});

test("Corridor: without a date, the last day that queued", async ({ page }) => {
  await open(page, "corridor?road=M1&direction=north");
  await expect(answer(page)).toContainText(/^From \d\d:\d\d to/);
});

test("Corridor: what no instrument saw is hatched and not zero", async ({ page }) => {
  await open(page, `corridor?road=M1&direction=north&date=${firstDate}`);
  const { rows } = await csvOf(page, "time space");
  const gap = rows.filter((r) => r.station_id === "north-05" && r.bin_start_utc! >= `${firstDate}T12:05` && r.bin_start_utc! < `${firstDate}T13:55`);
  expect(gap).toHaveLength(22);
  for (const r of gap) expect([r.speed_state, r.speed_kmh]).toEqual(["missing", ""]);
  await open(page, `station?station=north-05&date=${firstDate}`);
  await expect(page.locator("#figure-flow").getByText("no working instrument")).toBeVisible();
});

test("Station: from the day to capacity and V85", async ({ page }) => {
  await open(page, `station?station=north-09&date=${firstDate}`);
  await expect(answer(page)).toContainText(written(figures.station_vehicles!));
  await expect(page.locator("#figure-fundamental")).toContainText(/Capacity.*pc\/h and lane/);
  await expect(page.locator("#figure-speeds")).toContainText(/V85 \d+\.\d/);
  const { header, rows } = await csvOf(page, "flow");
  expect(header).toContain("flow_veh_h");
  const counted = rows.reduce((s, r) => s + Number(r.flow_veh_h) / 12, 0);
  expect(Math.abs(counted - figures.station_vehicles!)).toBeLessThan(2);
  await csvOf(page, "fundamental");
  await csvOf(page, "speeds");
  await page.getByRole("button", { name: "15 min" }).click();
  await settled(page);
  await expect(page).toHaveURL(/bin=15/);
  expect((await csvOf(page, "flow")).rows).toHaveLength(96);
  await page.getByRole("link", { name: "See it on the time–space diagram" }).click();
  await settled(page);
  await expect(page).toHaveURL(/\/corridor\?.*direction=north/);
});

test("Road upgrade: from the answer to the days it rests on", async ({ page }) => {
  await open(page, "upgrade");
  await expect(answer(page)).toContainText(/^(Yes, for \d+ of 12 links|No\.|For \d+ links? the evidence)/);
  const { rows } = await csvOf(page, "upgrade");
  expect(rows).toHaveLength(12);
  const link = rows.find((r) => r.link_id === "m1-north-6")!;
  for (const field of ["verdict", "measure", "threshold", "threshold_source", "n"]) expect(link[field], field).not.toBe("");
  expect(Number(link.value)).toBeCloseTo(figures.upgrade_value!, 6);
  await page.getByRole("button", { name: link.site! }).click();
  await expect(page).toHaveURL(/site=m1-north-6/);
  const evidence = page.getByRole("region", { name: "Evidence" });
  await expect(evidence).toContainText("Where the threshold is from");
  await expect(page.locator("#figure-queues")).toBeVisible();
  await csvOf(page, "queues");
  await evidence.getByRole("link", { name: /See the worst day/ }).click();
  await settled(page);
  await expect(page).toHaveURL(/\/corridor\?.*date=2026-/);
});

test("Public transport: from the answer to persons by hour", async ({ page }) => {
  await open(page, "public-transport");
  await expect(answer(page)).toContainText(/pairs? of zones/);
  const { rows } = await csvOf(page, "public transport");
  expect(Math.max(...rows.map((r) => Number(r.cars_per_workday)))).toBeCloseTo(figures.public_transport_cars!, 6);
  expect(Math.max(...rows.map((r) => Number(r.value)))).toBeCloseTo(figures.public_transport_value!, 6);
  await expect(page.locator("#figure-persons_by_hour svg")).toBeVisible();
  const hours = await csvOf(page, "persons by hour");
  expect(hours.rows).toHaveLength(24);
});

test("Flexi time: the slider says what a share saves", async ({ page }) => {
  await open(page, "flexi-time?site=M1~north~am");
  await expect(page.getByText(new RegExp(`^10 % moved saves ${written(figures.flexi_time_at_10!, figures.flexi_time_at_10! >= 100 ? 0 : 1)}`))).toBeVisible();
  const slider = page.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page).toHaveURL(/shift=11/);
  await expect(slider).toHaveAttribute("aria-valuetext", /^11 percent moved, .* vehicle-hours saved/);
  await csvOf(page, "curve");
  await page.reload();
  await settled(page);
  await expect(page.getByRole("slider")).toHaveValue("11");
});

test("Speed cameras: from the fastest station to its speeds", async ({ page }) => {
  await open(page, "speed-cameras");
  const { rows } = await csvOf(page, "speed cameras");
  expect(rows).toHaveLength(24);
  expect(Math.max(...rows.map((r) => Number(r.value)))).toBeCloseTo(figures.speed_camera_v85!, 6);
  await page.getByRole("row").nth(2).click();
  await expect(page).toHaveURL(/site=/);
  await expect(page.locator("#figure-speeds")).toContainText("V85");
  await csvOf(page, "over limit by hour");
  await page.getByRole("link", { name: "Open the station" }).click();
  await settled(page);
  await expect(page).toHaveURL(/\/station\?station=/);
});

test.describe("Enforcement", () => {
  test.use({ allowed: [/401/] });
  test("denied without a token, which is told, then open with one", async ({ page }) => {
    await open(page, "enforcement");
    await expect(page.locator("[data-state=empty]")).toContainText("personal data");
    await page.getByLabel(/Why you ask/).fill("test case 12");
    await page.getByRole("button", { name: "Show violations" }).click();
    const denied = page.locator("[data-state=denied]");
    await expect(denied).toContainText("How to get access");
    await expect(page.getByRole("region", { name: /Violations/ })).toHaveCount(0);
    await denied.getByLabel("Token").fill(token);
    await denied.getByRole("button", { name: "Use token" }).click();
    await expect(answer(page)).toContainText(`${written(figures.violations!)} violations in the last 24 hours of data; ${written(figures.violations!)} can be proved.`);
    const { header, rows } = await csvOf(page, "violations");
    expect(header.join()).not.toContain("plate");
    expect(Math.max(...rows.map((r) => Number(r.over_kmh)))).toBeCloseTo(figures.most_over_kmh!, 6);
    await page.getByRole("button", { name: "Evidence", exact: true }).first().click();
    await expect(page.getByRole("region", { name: "Evidence" })).toContainText(/Plate.*% sure/);
    expect(page.url()).not.toMatch(/token|test.case|plate/);
    await page.getByRole("button", { name: "over a section" }).click();
    await settled(page);
    await expect(answer(page)).toContainText(`${written(figures.section_violations!)} violations over a section`);
  });
});

test("Fleet: from the sick device to what is wrong", async ({ page }) => {
  await open(page, "fleet");
  await expect(page.locator(".kpis")).toContainText(written(figures.fleet_readings!));
  await page.getByLabel("UTC day").selectOption(firstDate);
  await settled(page);
  await expect(answer(page)).toContainText(/[23] of 48 devices were not healthy/);
  await page.getByRole("button", { name: "not healthy", exact: true }).click();
  await expect(page).toHaveURL(/only=sick/);
  const { rows } = await csvOf(page, "devices");
  expect(rows.map((r) => r.device_id)).toEqual(expect.arrayContaining(["north-05-counter", "north-05-speed"]));
  expect(rows.every((r) => r.detail !== "" && r.state !== "healthy")).toBe(true);
});

test("Data quality: what is lost is told", async ({ page }) => {
  await open(page, "quality");
  await expect(answer(page)).toContainText(`No: ${written(figures.quality_lost!)} readings`);
  await expect(page.locator(".kpis")).toContainText(written(figures.quality_received!));
  await expect(page.getByRole("heading", { name: /Last run of the models: dbt build/ })).toBeVisible();
  const { rows } = await csvOf(page, "days");
  expect(rows.reduce((s, r) => s + Number(r.received_count), 0)).toBe(figures.quality_received);
  await csvOf(page, "stages");
});
