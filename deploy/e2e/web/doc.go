// Package web opens the dashboard in a real browser, on the collector's
// real program with a real ClickHouse, and goes the ways that planners,
// enforcement and operators go. The ways themselves are in collector/web/e2e,
// in TypeScript, for Playwright; here is what they need.
package web
