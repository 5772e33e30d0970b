// What can be found by program of what keeps people out: in both themes, and
// on a wide and a narrow screen.
import AxeBuilder from "@axe-core/playwright";
import { expect, firstDate, open, pages, test, token } from "./stage";

const paths: Record<string, string> = {
  corridor: `corridor?road=M1&direction=north&date=${firstDate}`,
  station: `station?station=north-09&date=${firstDate}`,
};

for (const name of pages) {
  test(`axe finds nothing on ${name || "now"} in both themes, and nothing overflows`, async ({ page }) => {
    if (name === "enforcement") {
      await page.addInitScript((t) => {
        sessionStorage.setItem("gantry.token", t);
        sessionStorage.setItem("gantry.purpose", "test");
      }, token);
    }
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await open(page, paths[name] ?? name);
    expect(await overflow(), "at 1280 pixels").toBeLessThanOrEqual(0);
    for (const theme of ["Light", "Dark"]) {
      await page.getByRole("button", { name: theme, exact: true }).click();
      await expect(page.locator("html")).toHaveAttribute("data-theme", theme.toLowerCase());
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 4).join("; ")}`), theme).toEqual([]);
    }
    await page.setViewportSize({ width: 400, height: 800 });
    await expect.poll(overflow, "at 400 pixels").toBeLessThanOrEqual(0);
  });
}
