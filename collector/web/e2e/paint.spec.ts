// How long pages take, for make bench: a browser without cache opens each one
// again and again. No test of make test's.
import { expect, test } from "@playwright/test";
import { writeFileSync } from "node:fs";
import { pages, token } from "./stage";

const loads = Number(process.env.GANTRY_WEB_LOADS ?? 5);
/** So long nothing may load again before a page counts as shown. */
const quietMs = 400;

declare global {
  interface Window {
    /** When all answers were shown, since the page was asked for; undefined while one is missing. */
    shownAt: number | undefined;
  }
}

/** Runs in the page: notes when the last answer came, to the change of the document that showed it. */
function watch() {
  const look = () => {
    const shown = document.querySelector("h1") !== null && document.querySelector("[data-state=loading]") === null;
    window.shownAt = shown ? (window.shownAt ?? performance.now()) : undefined;
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
}

test("@paint every page", async ({ browser, baseURL }) => {
  test.skip(!process.env.GANTRY_WEB_PAINT, "make bench measures it");
  test.setTimeout(pages.length * loads * 20_000);
  const out = [];
  for (const path of pages) {
    const page = { page: path || "now", first_content_ms: [] as number[], interactive_ms: [] as number[], requests: 0 };
    for (let i = 0; i < loads; i++) {
      const context = await browser.newContext({ baseURL: baseURL!, viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
      const tab = await context.newPage();
      page.requests = 0;
      tab.on("request", () => page.requests++);
      await tab.addInitScript(watch);
      if (path === "enforcement") {
        await tab.addInitScript((t) => {
          sessionStorage.setItem("gantry.token", t);
          sessionStorage.setItem("gantry.purpose", "bench");
        }, token);
      }
      await tab.goto("/" + path);
      await tab.waitForFunction((quiet) => window.shownAt !== undefined && performance.now() - window.shownAt > quiet, quietMs);
      await expect(tab.locator("[data-state=error], [data-state=denied]")).toHaveCount(0);
      const [first, shown] = await tab.evaluate(() => [performance.getEntriesByName("first-contentful-paint")[0]!.startTime, window.shownAt!] as const);
      page.first_content_ms.push(first);
      page.interactive_ms.push(shown);
      await context.close();
    }
    out.push(page);
  }
  writeFileSync(process.env.GANTRY_WEB_PAINT!, JSON.stringify(out));
});
