// What can be found by program of what keeps people out.
import AxeBuilder from "@axe-core/playwright";
import { expect, firstDate, open, pages, settled, test, token } from "./stage";

const paths: Record<string, string> = {
  corridor: `corridor?road=M1&direction=north&date=${firstDate}`,
  station: `station?station=north-09&date=${firstDate}`,
};

for (const theme of ["light", "dark"]) {
  for (const name of pages) {
    test(`axe finds nothing on ${name || "now"}, ${theme}`, async ({ page }) => {
      if (name === "enforcement") {
        await page.addInitScript((t) => {
          sessionStorage.setItem("gantry.token", t);
          sessionStorage.setItem("gantry.purpose", "test");
        }, token);
      }
      const path = paths[name] ?? name;
      await open(page, `${path}${path.includes("?") ? "&" : "?"}theme=${theme}`);
      await settled(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 4).join("; ")}`)).toEqual([]);
    });
  }
}
