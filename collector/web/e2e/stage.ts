// What every test of a page is held to, and what the data are.
import { expect, test as base, type Page } from "@playwright/test";
import { readFile } from "node:fs/promises";

/** When the data end: in the morning peak of the last day. */
export const cut = new Date(process.env.GANTRY_WEB_CUT ?? "2026-01-07T08:20:00Z");
/** A whole day. */
export const firstDate = process.env.GANTRY_WEB_FIRST_DATE ?? "2026-01-05";
export const token = process.env.GANTRY_WEB_TOKEN ?? "";
/** Figures by SQL. */
export const figures = JSON.parse(process.env.GANTRY_WEB_FIGURES ?? "{}") as Record<string, number>;

export const pages = ["", "corridor", "station", "upgrade", "public-transport", "flexi-time", "speed-cameras", "enforcement", "fleet", "quality"];

interface Held {
  /** Errors that the browser's console may show, because the test brings them about. */
  allowed: RegExp[];
  /** Hosts beside the collector's that may be asked: a login service's. */
  elsewhere: string[];
}

export const test = base.extend<Held & { held: void }>({
  allowed: [[], { option: true }],
  elsewhere: [[], { option: true }],
  held: [
    async ({ page, allowed, elsewhere, baseURL }, use) => {
      const bad: string[] = [];
      page.on("request", (r) => {
        const u = new URL(r.url());
        if (u.origin !== new URL(baseURL!).origin && u.protocol !== "blob:" && !elsewhere.includes(u.host)) bad.push(`asked of another origin: ${r.url()}`);
      });
      page.on("console", (m) => {
        if (m.text() === "Service Worker registration blocked by Playwright") return; // as playwright.config.ts asks
        if (["error", "warning"].includes(m.type()) && !allowed.some((a) => a.test(m.text()))) bad.push(`console: ${m.text()}`);
      });
      page.on("pageerror", (e) => bad.push(`uncaught: ${e.message}`));
      await use();
      expect(bad).toEqual([]);
    },
    { auto: true },
  ],
  page: async ({ page }, use) => {
    // A reader who looks a minute after the newest data.
    await page.clock.setFixedTime(new Date(cut.getTime() + 70_000));
    await use(page);
  },
});

export { expect };

/** Opens a page and waits until nothing loads any more. */
export async function open(page: Page, path: string) {
  await page.goto("/" + path);
  await settled(page);
}

export async function settled(page: Page) {
  await expect(page.locator("h1")).toBeVisible();
  await expect(page.locator("[data-state=loading]")).toHaveCount(0);
}

export const answer = (page: Page) => page.getByTestId("answer");

/** Presses a CSV button and reads the file: its header and rows. */
export async function csvOf(page: Page, id: string): Promise<{ header: string[]; rows: Record<string, string>[] }> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: `Save ${id} as CSV` }).click()]);
  expect(file.suggestedFilename()).toMatch(/^gantry-.*\.csv$/);
  const [head, ...lines] = (await readFile((await file.path())!, "utf8")).trimEnd().split("\r\n").map(cells);
  const rows = lines.map((l) => Object.fromEntries(head!.map((name, i) => [name, l[i] ?? ""])));
  expect(rows.length).toBeGreaterThan(0);
  expect(head!.at(-1)).toBe("as_of_utc");
  expect(rows[0]!.as_of_utc).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  return { header: head!, rows };
}

function cells(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => m[1]?.replaceAll('""', '"') ?? m[2] ?? "");
}

/** A figure as the pages write it. */
export function written(value: number, decimals = 0): string {
  return value.toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replaceAll(",", "\u202f");
}
