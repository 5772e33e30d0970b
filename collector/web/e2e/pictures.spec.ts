// The README's pictures: make screenshots.
import { fileURLToPath } from "node:url";
import { cut, firstDate, open, test, token } from "./stage";

const folder = fileURLToPath(new URL("../../../.github/pictures/", import.meta.url));
const lastWholeDay = new Date(cut.getTime() - 86_400_000).toISOString().slice(0, 10);

const shots: [name: string, path: string][] = [
  ["now", ""],
  ["corridor", `corridor?road=M1&direction=north&date=${lastWholeDay}`],
  ["station", `station?station=north-09&date=${lastWholeDay}`],
  ["road-upgrade", "upgrade"],
  ["public-transport", "public-transport"],
  ["flexi-time", "flexi-time"],
  ["speed-cameras", "speed-cameras"],
  ["enforcement", "enforcement?over=20"],
  ["fleet", "fleet"],
  ["data-quality", "quality"],
];

for (const [name, path] of shots) {
  test(`@picture ${name}`, async ({ page }) => {
    test.skip(!process.env.GANTRY_SCREENSHOTS, `make screenshots draws it; ${firstDate} is too short a history`);
    if (name === "enforcement") {
      await page.addInitScript((t) => {
        sessionStorage.setItem("gantry.token", t);
        sessionStorage.setItem("gantry.purpose", "picture for the README");
      }, token);
    }
    await open(page, path);
    await page.waitForTimeout(300); // charts that measured their width draw once more
    await page.screenshot({ path: `${folder}page-${name}.png`, fullPage: name !== "enforcement" && name !== "fleet" });
  });
}
