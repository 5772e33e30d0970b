// The frame of every chart: its name, what is shown, and the same as a table
// and a CSV.
import type { ComponentChildren } from "preact";
import type { Basis } from "../gen/gantry/v1/query_basis_pb";
import { choose, useRoute } from "../route";
import { CsvButton, Table, type Column } from "./table";

interface Props<R> {
  id: string;
  title: ComponentChildren;
  note?: ComponentChildren;
  columns: Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string;
  basis?: Basis | undefined;
  source?: string;
  children: ComponentChildren;
}

export function Figure<R>(p: Props<R>) {
  const { params } = useRoute();
  const table = params[`table.${p.id}`] === "1";
  return (
    <figure class="figure" id={`figure-${p.id}`}>
      <figcaption>
        <h2>{p.title}</h2>
        <span class="actions">
          <button type="button" aria-pressed={table} onClick={() => choose({ [`table.${p.id}`]: table ? undefined : "1" }, true)}>
            {table ? "Chart" : "Table"}
          </button>
          {!table && <CsvButton id={p.id} columns={p.columns} rows={p.rows} basis={p.basis} />}
        </span>
      </figcaption>
      {p.note && <p class="note">{p.note}</p>}
      {table ? (
        <Table id={p.id} caption={`Table of ${p.id.replaceAll("_", " ")}`} columns={p.columns} rows={p.rows} rowKey={p.rowKey} basis={p.basis} {...(p.source ? { source: p.source } : {})} />
      ) : (
        p.children
      )}
    </figure>
  );
}
