// One table for all: sorted by a press on a column, pages of rows, and its
// own CSV. The choice of column is kept in the address.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { csv, save, type Cell } from "../csv";
import type { Basis } from "../gen/gantry/v1/query_basis_pb";
import { num } from "../format";
import { choose, useRoute } from "../route";

/** A column: what it is called here and in the CSV, its value, and how it is shown. */
export interface Column<R> {
  name: string;
  title: ComponentChildren;
  value: (row: R) => Cell;
  show?: (row: R) => ComponentChildren;
  /** Figures stand at the right and sort the largest first. */
  figure?: boolean;
  /** In the CSV only. */
  hidden?: boolean;
}

export interface TableProps<R> {
  /** Part of the address, unique on a page. */
  id: string;
  caption: string;
  columns: Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  basis?: Basis | undefined;
  /** Rows shown at once. */
  rowsShown?: number;
  chosen?: string | undefined;
  onChoose?: (row: R) => void;
  /** Where the API serves the same. */
  source?: string;
  foot?: ComponentChildren;
}

/** Orders cells: unknown ones last, whichever way. */
export function compare(a: Cell, b: Cell, down: boolean): number {
  const none = (c: Cell) => c === undefined || c === null || (typeof c === "number" && Number.isNaN(c));
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  const order = typeof a === "string" && typeof b === "string" ? a.localeCompare(b, "en", { numeric: true }) : a! < b! ? -1 : a! > b! ? 1 : 0;
  return down ? -order : order;
}

export function Table<R>(p: TableProps<R>) {
  const { params } = useRoute();
  const chosenSort = params[`sort.${p.id}`];
  const down = chosenSort?.startsWith("-") ?? false;
  const by = p.columns.find((c) => c.name === chosenSort?.replace(/^-/, ""));
  const sorted = useMemo(
    () => (by ? [...p.rows].sort((a, b) => compare(by.value(a), by.value(b), down)) : p.rows),
    [p.rows, by?.name, down],
  );
  const all = params[`all.${p.id}`] === "1";
  const most = p.rowsShown ?? 50;
  const shown = all ? sorted : sorted.slice(0, most);
  const columns = p.columns.filter((c) => !c.hidden);

  const sort = (c: Column<R>) => {
    const first = c.figure ? `-${c.name}` : c.name;
    const second = c.figure ? c.name : `-${c.name}`;
    choose({ [`sort.${p.id}`]: chosenSort === first ? second : chosenSort === second ? undefined : first }, true);
  };

  return (
    <div class="table">
      <div class="scroll" tabIndex={0} role="region" aria-label={p.caption}>
        <table>
          <caption class="unseen">{p.caption}</caption>
          <thead>
            <tr>
              {columns.map((c) => (
                <th key={c.name} scope="col" class={c.figure ? "num" : ""} aria-sort={by?.name === c.name ? (down ? "descending" : "ascending") : undefined}>
                  <span class="head">
                    {c.title}
                    <button type="button" class="sort" onClick={() => sort(c)} aria-label={`Sort by ${c.name.replaceAll("_", " ")}`}>
                      {by?.name === c.name ? (down ? "▼" : "▲") : "↕"}
                    </button>
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((r) => {
              const key = p.rowKey(r);
              return (
                <tr key={key} class={p.onChoose ? "choosable" : ""} aria-current={p.chosen === key ? "true" : undefined} onClick={p.onChoose && (() => p.onChoose!(r))}>
                  {columns.map((c) => {
                    const v = c.value(r);
                    return (
                      <td key={c.name} class={c.figure ? "num" : ""}>
                        {c.show ? c.show(r) : typeof v === "number" || typeof v === "bigint" ? num(v) : typeof v === "boolean" ? (v ? "yes" : "no") : v === undefined || v === null || v === "" ? "–" : v}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
          {p.foot}
        </table>
      </div>
      <p class="under">
        {sorted.length > most && (
          <button type="button" onClick={() => choose({ [`all.${p.id}`]: all ? undefined : "1" }, true)}>
            {all ? `Show the first ${most}` : `Show all ${num(sorted.length)} rows`}
          </button>
        )}
        <CsvButton id={p.id} columns={p.columns} rows={sorted} basis={p.basis} />
        {p.source && <a href={p.source} class="faint">same rows from the API, whole</a>}
      </p>
    </div>
  );
}

/** Saves the rows of a table as CSV. */
export function CsvButton<R>({ id, columns, rows, basis }: { id: string; columns: Column<R>[]; rows: readonly R[]; basis?: Basis | undefined }) {
  return (
    <button
      type="button"
      class="csv"
      aria-label={`Save ${id.replaceAll("_", " ")} as CSV`}
      onClick={() => save(`gantry-${id}.csv`, csv(columns.map((c) => c.name), rows.map((r) => columns.map((c) => c.value(r))), basis))}
    >
      CSV
    </button>
  );
}
