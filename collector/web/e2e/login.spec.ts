// In by the login service, out again, and in as another, at a collector where
// nobody looks without having logged in.
import type { Page } from "@playwright/test";
import { answer, expect, open, test as base } from "./stage";

const issuer = process.env.GANTRY_WEB_ISSUER ?? "";

const test = base.extend({
  baseURL: async ({}, use) => use(process.env.GANTRY_WEB_LOGIN_URL),
  elsewhere: [issuer],
  allowed: [/401|403/],
});

const who = (page: Page) => page.locator(".who");

async function answersOnDisk(page: Page): Promise<string[]> {
  return page.evaluate(() => new Promise<string[]>((done) => {
    const opening = indexedDB.open("gantry");
    opening.onsuccess = () => {
      const db = opening.result;
      const end = (keys: string[]) => (db.close(), done(keys));
      if (!db.objectStoreNames.contains("answers")) return end([]);
      const keys = db.transaction("answers").objectStore("answers").getAllKeys();
      keys.onsuccess = () => end(keys.result.map(String).filter((k) => k !== "who"));
    };
  }));
}

test("name and role are told; each sees what their role may, and nothing after logging out", async ({ page }) => {
  await page.goto("/upgrade");
  await expect(page.locator("[data-state=denied]")).toContainText("You are not logged in");
  await expect(who(page)).toContainText("Not logged in");
  await who(page).getByRole("link", { name: "Log in" }).click();

  // The provider let the planner in, and the browser is back where it was.
  await expect(answer(page)).toContainText(/links/);
  expect(new URL(page.url()).pathname).toBe("/upgrade");
  await expect(who(page)).toContainText("anna@gantry.example, planner");
  await expect.poll(() => answersOnDisk(page).then((keys) => keys.some((k) => k.endsWith(" upgrade")))).toBe(true);
  await page.getByRole("link", { name: "Violations" }).click();
  await page.getByLabel(/Why you ask/).fill("test of the login");
  await page.getByRole("button", { name: "Show violations" }).click();
  await expect(page.locator("[data-state=denied]")).toContainText("You may not see this");

  await who(page).getByRole("button", { name: "Log out" }).click();
  await expect(who(page)).toContainText("Not logged in");
  await expect(page.locator("[data-state=denied]")).toContainText("You are not logged in");
  expect(await answersOnDisk(page)).toEqual([]);

  // By the link in the page itself.
  await page.locator("[data-state=denied]").getByRole("link", { name: "Log in" }).click();
  await expect(who(page)).toContainText("boris@gantry.example, enforcement");
  expect(new URL(page.url()).pathname).toBe("/enforcement");
  await expect(answer(page)).toContainText(/violations/);
  await who(page).getByRole("button", { name: "Log out" }).click();
  await expect(page.getByRole("region", { name: /Violations/ })).toHaveCount(0);

  // Known to the provider, and of no use here.
  await who(page).getByRole("link", { name: "Log in" }).click();
  await expect(who(page)).toContainText("carla@gantry.example, no role");
  await expect(page.locator("[data-state=denied]")).toBeVisible();
});

base("without a login service the pages say on which grounds they are shown", async ({ page }) => {
  await open(page, "upgrade");
  await expect(who(page)).toContainText("On this machine: planner");
  await expect(who(page).getByRole("button")).toHaveCount(0);
});
