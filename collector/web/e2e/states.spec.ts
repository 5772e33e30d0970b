// What is said when data are old, missing or out of reach, and what a page
// keeps of itself.
import { answer, cut, expect, firstDate, open, settled, test } from "./stage";

test("stale data are called stale, by their own time", async ({ page }) => {
  for (const [minutes, want] of [[1.5, "fresh"], [3, "late"], [10, "stale"]] as const) {
    await page.clock.setFixedTime(new Date(cut.getTime() + minutes * 60_000));
    await open(page, "");
    await expect(page.locator("[data-freshness]").first()).toHaveAttribute("data-freshness", want);
  }
  await expect(page.locator(".age.stale").first()).toContainText(/10 min ago, stale/);
});

test("a day without data is empty and not zero", async ({ page }) => {
  await open(page, "station?station=north-09&date=2026-01-01");
  await expect(answer(page)).toHaveText(/^Not known for Thu 2026-01-01/);
  await expect(page.locator("#figure-flow").getByText("no working instrument")).toBeVisible();
  await open(page, "corridor?road=M1&direction=north&date=2026-01-01");
  await expect(page.locator("[data-state=empty]").first()).toContainText("No bottleneck was active");
});

test.describe("a wrong address", () => {
  test.use({ allowed: [/404/] });

  test("what does not exist is said", async ({ page }) => {
    await page.goto("/station?station=nowhere");
    await expect(page.locator("[data-state=error]")).toContainText("There is no station nowhere");
    await page.goto("/treasure");
    await expect(page.locator("[data-state=error]")).toContainText("There is no page treasure");
  });
});

test.describe("without a connection", () => {
  test.use({ allowed: [/ERR_INTERNET_DISCONNECTED|ERR_FAILED|Failed to load resource/] });

  test("pages that were open stay, others say so, and all come back", async ({ page, context }) => {
    const fetched: string[] = [];
    page.on("requestfinished", (r) => fetched.push(r.url()));
    await open(page, "upgrade");
    const was = await answer(page).innerText();
    // The other pages are fetched once the browser is idle.
    await expect.poll(() => fetched.some((url) => url.includes("/assets/fleet-"))).toBe(true);
    await context.setOffline(true);
    await expect(page.getByText("Offline: pages show what they have")).toBeVisible();
    await page.getByRole("link", { name: "Fleet" }).click();
    await expect(page.locator("[data-state=error]")).toContainText("No connection to the collector");
    await page.getByRole("link", { name: "Road upgrade" }).click();
    await expect(page.locator("[data-state=kept]").first()).toContainText("Shown from memory");
    await expect(answer(page)).toHaveText(was);
    await context.setOffline(false);
    await expect(page.locator("[data-state=kept]")).toHaveCount(0);
  });
});

test.describe("a collector in trouble", () => {
  test.use({ allowed: [/Failed to load resource/] });

  test("an error names itself and takes nothing else down", async ({ page }) => {
    await page.route("**/ListLiveStations", (r) => r.abort());
    await page.route("**/ListStationCapacities", (r) => r.fulfill({ status: 500, contentType: "text/plain", body: "broken" }));
    await page.route("**/ListBottlenecks", (r) => r.fulfill({ status: 503, contentType: "application/json", body: '{"code":"unavailable","message":"ClickHouse is away"}' }));
    await open(page, "");
    await expect(page.locator("[data-state=error]")).toContainText("ClickHouse is away");
    await expect(page.getByText("24 of 24").first()).toBeVisible();
  });
});

test("loading is seen while it lasts", async ({ page }) => {
  let go = () => {};
  const gate = new Promise<void>((done) => (go = done));
  await page.route("**/ListUpgradeScreen", async (r) => { await gate; await r.continue(); });
  await page.goto("/upgrade");
  await expect(page.locator("[data-state=loading]")).toBeVisible();
  go();
  await expect(page.locator("[data-state=loading]")).toHaveCount(0);
  await expect(answer(page)).toBeVisible();
});

test("one live stream per tab, and none while it is hidden", async ({ page }) => {
  let open_ = 0;
  page.on("request", (r) => r.url().endsWith("/WatchLiveStations") && open_++);
  const ended = (r: { url(): string }) => r.url().endsWith("/WatchLiveStations") && open_--;
  page.on("requestfailed", ended);
  page.on("requestfinished", ended);
  await open(page, "");
  await expect.poll(() => open_).toBe(1);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expect.poll(() => open_).toBe(0);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => false });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expect.poll(() => open_).toBe(1);
  await page.getByRole("link", { name: "Fleet" }).click();
  await settled(page);
  await expect.poll(() => open_).toBe(0);
});

test("times are the network's, or UTC, and never the reader's", async ({ page }) => {
  await open(page, `corridor?road=M1&direction=north&date=${firstDate}&tz=utc`);
  await expect(page.getByText(/Data as of .* UTC/).first()).toContainText(cut.toISOString().slice(11, 16));
  await page.getByRole("button", { name: /^Local/ }).click();
  await expect(page).not.toHaveURL(/tz=/);
});

test("a definition is one press away, by keyboard too", async ({ page }) => {
  await open(page, "speed-cameras");
  await page.getByRole("button", { name: "What is V85?" }).first().focus();
  await page.keyboard.press("Enter");
  await expect(page.locator(":popover-open")).toContainText("85 of 100 drivers");
  await page.keyboard.press("Escape");
  await expect(page.locator(":popover-open")).toHaveCount(0);
});

test("print leaves out what is pressed and keeps the answer", async ({ page }) => {
  await open(page, "upgrade");
  await page.emulateMedia({ media: "print" });
  await expect(page.getByRole("navigation")).toBeHidden();
  await expect(page.locator(".actions").first()).toBeHidden();
  await expect(answer(page)).toBeVisible();
});
