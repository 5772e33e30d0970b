// The network cable pulled: what was seen is still there after a reload, with
// its age, and says so; what shows single vehicles is not, and was never kept.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Page } from "@playwright/test";
import { answer, expect, open, settled, test as base, token } from "./stage";

/** The cable between the browser and the collector. */
class Cable {
  private server: Server | undefined;
  private ends = new Set<Socket>();
  private constructor(private to: URL, private port = 0) {}

  static async lay(to: string): Promise<Cable> {
    const cable = new Cable(new URL(to));
    await cable.plug();
    return cable;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async plug() {
    this.server = createServer((near) => {
      const far = connect(Number(this.to.port), this.to.hostname);
      for (const [end, other] of [[near, far], [far, near]] as const) {
        this.ends.add(end);
        end.on("error", () => other.destroy()).on("close", () => (this.ends.delete(end), other.destroy()));
        end.pipe(other);
      }
    });
    await new Promise<void>((done) => this.server!.listen(this.port, "127.0.0.1", done));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async pull() {
    const closed = new Promise<void>((done) => this.server!.close(() => done()));
    this.ends.forEach((end) => end.destroy());
    await closed;
  }
}

const test = base.extend<{ cable: Cable }>({
  cable: async ({}, use) => {
    const cable = await Cable.lay(process.env.GANTRY_WEB_URL!);
    await use(cable);
    await cable.pull().catch(() => undefined);
  },
  baseURL: async ({ cable }, use) => use(cable.url),
  serviceWorkers: "allow",
  allowed: [/ERR_|Failed to (load resource|fetch)|Failed to convert value/],
});

/** All that is on disk: paths of the caches, and answers by their key as text. */
async function onDisk(page: Page): Promise<{ files: string[]; answers: Record<string, string> }> {
  return page.evaluate(async () => {
    const files: string[] = [];
    for (const name of await caches.keys()) for (const r of await (await caches.open(name)).keys()) files.push(new URL(r.url).pathname);
    const db = await new Promise<IDBDatabase>((done, fail) => {
      const opening = indexedDB.open("gantry");
      opening.onsuccess = () => done(opening.result);
      opening.onerror = () => fail(opening.error);
    });
    const answers: Record<string, string> = {};
    if (db.objectStoreNames.contains("answers")) {
      await new Promise<void>((done) => {
        const walk = db.transaction("answers").objectStore("answers").openCursor();
        walk.onsuccess = () => {
          const c = walk.result;
          if (!c) return done();
          answers[String(c.key)] = JSON.stringify(c.value, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v instanceof Map ? [...v.entries()] : v));
          c.continue();
        };
      });
    }
    db.close();
    return { files, answers };
  });
}

/** Waits until the browser keeps the pages and the answers of the one that is open. */
async function kept(page: Page, ...keys: string[]) {
  await page.evaluate(async () => { await navigator.serviceWorker.ready; });
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  for (const key of ["network", ...keys]) await expect.poll(async () => Object.keys((await onDisk(page)).answers).some((k) => k.endsWith(` ${key}`)), key).toBe(true);
}

test("a reload with the cable pulled shows the last page, its age, and why", async ({ page, context, cable }) => {
  await open(page, "upgrade");
  const was = await answer(page).innerText();
  const rows = await page.getByRole("row").count();
  await kept(page, "upgrade");
  await cable.pull();
  await context.setOffline(true);
  await page.reload();
  await settled(page);
  await expect(answer(page)).toHaveText(was);
  expect(await page.getByRole("row").count()).toBe(rows);
  await expect(page.locator("[data-state=kept]").first()).toContainText(/Shown from memory.*cannot be reached.*answered .* ago/);
  await expect(page.locator(".age").first()).toContainText(/Data as of .* ago/);
  await expect(page.getByText("Offline: pages show what they have; live data wait.")).toBeVisible();

  // Another page of the same visit: there, but for what is live.
  await page.getByRole("link", { name: "Now", exact: true }).click();
  await expect(page.locator("[data-state=error]").first()).toContainText("No connection to the collector");

  await cable.plug();
  await context.setOffline(false);
  await expect(page.locator("[data-state=error], [data-state=kept]")).toHaveCount(0, { timeout: 20_000 });
});

test("violations are never put on disk", async ({ page, context, cable }) => {
  await page.addInitScript((t) => {
    sessionStorage.setItem("gantry.token", t);
    sessionStorage.setItem("gantry.purpose", "test of the caches");
  }, token);
  await open(page, "enforcement");
  await kept(page);
  await page.reload(); // now with the worker
  await settled(page);
  await page.getByRole("button", { name: "Evidence", exact: true }).first().click();
  const evidence = page.getByRole("region", { name: "Evidence" });
  await expect(evidence).toContainText(/Plate.*% sure/);
  const plate = await evidence.locator("dd strong").first().innerText();
  await page.waitForTimeout(1000); // what is written is written when nothing is asked
  const disk = await onDisk(page);
  expect(disk.files.length).toBeGreaterThan(10);
  for (const path of disk.files) expect(path).toMatch(/^\/(assets\/[\w.-]+|index\.html|gantry\.svg)$/);
  expect(Object.keys(disk.answers).join()).not.toMatch(/violations|sections|evidence/);
  const text = JSON.stringify(disk.answers);
  expect(text).toContain("RoadStation"); // the walk sees what is there
  for (const word of ["iolation", "overKmh", "caches", plate]) expect(text, word).not.toContain(word);

  await cable.pull();
  await context.setOffline(true);
  await page.reload();
  await settled(page);
  await expect(page.locator("[data-state=error]")).toContainText("No connection to the collector");
  await expect(page.getByRole("region", { name: /Violations/ })).toHaveCount(0);
});

test("a new build is there at the next load, an old one only without a connection", async ({ page, context, cable }) => {
  await open(page, "upgrade");
  await kept(page);
  await page.evaluate(async () => {
    const files = await caches.open((await caches.keys())[0]!);
    await files.put("/index.html", new Response("<h1>the build before</h1>", { headers: { "content-type": "text/html" } }));
  });
  await page.reload();
  await expect(page.locator("h1")).toHaveText("Is a road upgrade required?");
  await cable.pull();
  await context.setOffline(true);
  await page.reload();
  await expect(page.locator("h1")).toHaveText("the build before");
});
