// What a browser does with the pages. deploy/e2e/web starts the collector and
// says where it is; see README.md for running against one that is there.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 40_000,
  expect: { timeout: 10_000 },
  reporter: [["line"]],
  use: {
    baseURL: process.env.GANTRY_WEB_URL ?? "http://127.0.0.1:8080",
    serviceWorkers: "block", // offline.spec.ts is about it; elsewhere each test sees the collector
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "America/Bogota", // neither UTC nor the network's: a page that took the reader's zone would show it
    launchOptions: {
      executablePath: process.env.GANTRY_WEB_CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
  },
});
