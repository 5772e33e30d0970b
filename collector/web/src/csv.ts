// CSV of what a table shows, made in the page so that it works without the
// collector and is the same rows. Times are UTC whatever the page shows.
import type { Basis } from "./gen/gantry/v1/query_basis_pb";

export type Cell = string | number | bigint | boolean | undefined | null;

/** Quotes after RFC 4180; a text that a spreadsheet would run as a formula gets an apostrophe. */
export function quote(cell: Cell): string {
  if (cell === undefined || cell === null || (typeof cell === "number" && Number.isNaN(cell))) return "";
  if (typeof cell !== "string") return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? "'" + cell : cell;
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

/** Rows with their header, every row ending with how new the data are. */
export function csv(header: string[], rows: Cell[][], basis?: Basis): string {
  const lines = [[...header, "as_of_utc"], ...rows.map((r) => [...r, basis?.asOf ?? ""])];
  return lines.map((l) => l.map(quote).join(",")).join("\r\n") + "\r\n";
}

/** Hands a file to the reader. */
export function save(name: string, text: string) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}
