// The page of a question: its answer, the ranked list of sites, and the
// evidence of the site that was chosen.
import type { ComponentChildren } from "preact";
import type { Answer } from "../api/answer";
import type { Basis } from "../gen/gantry/v1/query_basis_pb";
import type { Finding } from "../gen/gantry/v1/query_screen_pb";
import { Verdict } from "../gen/gantry/v1/query_screen_pb";
import { num, short, unitText } from "../format";
import { choose, useRoute } from "../route";
import { PageHead } from "./controls";
import { BasisLine, dayMs, Empty, Show } from "./states";
import { Table, type Column } from "./table";
import { Term } from "./term";
import { FindingFacts, Interval, savingText, scaleOf, tallyText, VerdictBadge, verdictText } from "./verdict";

/** A site of any of the four lists. */
export interface Site {
  rank: number;
  finding?: Finding;
}

interface Props<S extends Site> {
  id: string;
  question: string;
  answer: Answer<{ basis?: Basis; sites: S[] }>;
  /** One site and several, as "link", "links". */
  noun: [string, string];
  siteKey: (s: S) => string;
  siteText: (s: S) => string;
  columns: Column<S>[];
  evidence: (s: S) => ComponentChildren;
  /** What the best site would bring, as a sentence. */
  best: (s: S, benefit: string) => string;
  csv: string;
  emptyText: string;
}

export function Screen<S extends Site>(p: Props<S>) {
  const { params } = useRoute();
  const sites = p.answer.data?.sites ?? [];
  const findings = sites.map((s) => s.finding);
  const best = sites.find((s) => s.finding?.verdict === Verdict.YES);
  const chosen = sites.find((s) => p.siteKey(s) === params.site) ?? sites[0];
  return (
    <>
      <PageHead
        question={p.question}
        verdict={p.answer.data && sites.length > 0 && (
          <>{tallyText(findings, ...p.noun)}{best && ` ${p.best(best, `${savingText(best.finding)} ${unitText(best.finding?.savingUnit ?? "")}`)}`}</>
        )}
      />
      <Show answer={p.answer}>
        {(data) => (
          <>
            <BasisLine basis={data.basis} intervalMs={dayMs} />
            {sites.length === 0 ? (
              <Empty>{p.emptyText}</Empty>
            ) : (
              <>
                <section class="card">
                  <h2>All {p.noun[1]}, the most promising first</h2>
                  <p class="note">The square is the value, the bar its 95 % interval, the upright line the threshold. Press a row for its evidence.</p>
                  <Table id={p.id} caption={p.question} rows={sites} rowKey={p.siteKey} basis={data.basis} source={p.csv}
                    chosen={chosen && p.siteKey(chosen)} onChoose={(s) => choose({ site: p.siteKey(s) })} columns={columns(p, scaleOf(findings))} />
                </section>
                {chosen && (
                  <section class="evidence" aria-label="Evidence" id="evidence">
                    <h2>Evidence: {p.siteText(chosen)}</h2>
                    {chosen.finding && <div class="card"><FindingFacts finding={chosen.finding} /></div>}
                    {p.evidence(chosen)}
                  </section>
                )}
              </>
            )}
          </>
        )}
      </Show>
    </>
  );
}

const perWeekday = (sites: Site[]) => sites.some((s) => s.finding?.unit.endsWith("per weekday"));

/** A unit as short as a column of a table allows. */
function brief(unit: string): string {
  return unit.replace(/ per weekday$/, "").replace("vehicle-hours", "veh-h").replace("person-hours", "pers-h").replace(/^vehicles over the .*/, "vehicles");
}

function columns<S extends Site>(p: Props<S>, scale: [number, number]): Column<S>[] {
  const f = (s: S) => s.finding;
  const unit = (s: S) => unitText(f(s)?.unit ?? "");
  return [
    { name: "rank", title: "#", value: (s) => s.rank, figure: true },
    { name: "site", title: p.noun[0][0]!.toUpperCase() + p.noun[0].slice(1), value: p.siteText, show: (s) => <button type="button" class="cell-link nowrap" onClick={() => choose({ site: p.siteKey(s) })}>{p.siteText(s)}</button> },
    { name: "verdict", title: <Term name="verdict" />, value: (s) => verdictText[f(s)?.verdict ?? Verdict.UNSPECIFIED], show: (s) => <VerdictBadge verdict={f(s)?.verdict ?? Verdict.UNSPECIFIED} /> },
    { name: "measure", title: "Measure", value: (s) => f(s)?.measure, hidden: true },
    { name: "uncertainty_low", title: "Low", value: (s) => f(s)?.uncertaintyLow, hidden: true },
    { name: "uncertainty_high", title: "High", value: (s) => f(s)?.uncertaintyHigh, hidden: true },
    { name: "value", title: <Term name="interval">{perWeekday(p.answer.data?.sites ?? []) ? "Value and interval, a weekday" : "Value and interval"}</Term>, value: (s) => f(s)?.value, figure: true, show: (s) => f(s) && <span class="measured">{short(f(s)?.value)} <span class="faint">{f(s)?.value !== undefined && brief(unit(s))}</span> <Interval finding={f(s)!} scale={scale} /></span> },
    { name: "threshold", title: "Threshold", value: (s) => f(s)?.threshold, figure: true, show: (s) => short(f(s)?.threshold) },
    { name: "unit", title: "Unit", value: (s) => f(s)?.unit, hidden: true },
    { name: "threshold_source", title: "Threshold's source", value: (s) => f(s)?.thresholdSource, hidden: true },
    { name: "n", title: <>n, {f(p.answer.data?.sites[0] ?? ({} as S))?.nUnit}</>, value: (s) => f(s)?.n, figure: true, show: (s) => num(f(s)?.n) },
    { name: "n_unit", title: "Unit", value: (s) => f(s)?.nUnit, hidden: true },
    ...p.columns,
    { name: "predicted_saving_per_weekday", title: <Term name="saving">Benefit a weekday</Term>, value: (s) => f(s)?.predictedSavingPerWeekday, figure: true, show: (s) => <>{savingText(f(s))} {f(s)?.predictedSavingPerWeekday !== undefined && <span class="faint">{brief(unitText(f(s)?.savingUnit ?? ""))}</span>}</> },
    { name: "saving_unit", title: "Unit", value: (s) => f(s)?.savingUnit, hidden: true },
    { name: "caveat", title: "Caveat", value: (s) => f(s)?.caveat, hidden: true },
    { name: "evaluated_from", title: "From", value: (s) => f(s)?.evaluatedFrom, hidden: true },
    { name: "evaluated_to", title: "To", value: (s) => f(s)?.evaluatedTo, hidden: true },
  ];
}
