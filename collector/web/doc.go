// Package web serves the dashboard: pages that are built from src by Vite and
// embedded in the program.
//
// A request is answered from memory in this order: a built file by its path,
// compressed as the browser takes it; else, for a path that names no file, the
// page itself, which reads the rest of the address. Data come from
// collector/query over the same origin.
//
// What always holds: nothing is asked of another origin, and a content
// security policy says so to the browser. Files whose name has a hash of their
// bytes are kept by the browser for good; the page is asked for each time. A
// program built without Node has a placeholder that says how to build the
// pages, so that `go build` works on a fresh clone.
//
// What it does not do: it knows no role and no data, and compresses nothing
// while it serves. How the pages are written stands in README.md.
package web
