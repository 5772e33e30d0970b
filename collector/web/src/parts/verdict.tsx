// A verdict with what it rests on: value, threshold and its source, n,
// uncertainty, benefit. The same for all four questions.
import type { Finding } from "../gen/gantry/v1/query_screen_pb";
import { Verdict } from "../gen/gantry/v1/query_screen_pb";
import { num, plural, short, unitText, unknown } from "../format";
import { dayText } from "../time";
import { Term } from "./term";

export const verdictText: Record<Verdict, string> = {
  [Verdict.UNSPECIFIED]: "not given",
  [Verdict.YES]: "yes",
  [Verdict.NO]: "no",
  [Verdict.INSUFFICIENT_EVIDENCE]: "insufficient evidence",
};

export function VerdictBadge({ verdict }: { verdict: Verdict }) {
  const tone = verdict === Verdict.YES ? "yes" : verdict === Verdict.NO ? "no" : "open";
  return <span class={`badge ${tone}`}>{verdictText[verdict]}</span>;
}

/** How many sites have which verdict. */
export function tally(findings: (Finding | undefined)[]): { yes: number; no: number; open: number } {
  const count = (v: Verdict) => findings.filter((f) => f?.verdict === v).length;
  return { yes: count(Verdict.YES), no: count(Verdict.NO), open: findings.length - count(Verdict.YES) - count(Verdict.NO) };
}

/** The scale that all sites of a list share: from the least to the most that any interval reaches. */
export function scaleOf(findings: (Finding | undefined)[]): [number, number] {
  const all = findings.flatMap((f) => (f ? [f.threshold * 1.2, f.value ?? 0, f.uncertaintyLow ?? 0, f.uncertaintyHigh ?? 0] : []));
  return [Math.min(0, ...all), Math.max(1e-9, ...all)];
}

/** Value and interval against the threshold, on the scale of the list. */
export function Interval({ finding, scale: [start, end] }: { finding: Finding; scale: [number, number] }) {
  const x = (v: number) => 6 + ((v - start) / (end - start)) * 138;
  const unit = unitText(finding.unit);
  if (finding.value === undefined) return <span class="faint">not known</span>;
  const { uncertaintyLow: low, uncertaintyHigh: high } = finding;
  const text = `${short(finding.value)} ${unit}${low !== undefined && high !== undefined ? `, 95 % interval ${short(low)} to ${short(high)}` : ""}, threshold ${short(finding.threshold)}`;
  return (
    <svg class="interval" viewBox="0 0 150 22" width="150" height="22" role="img" aria-label={text}>
      <title>{text}</title>
      <line class="zero" x1="6" x2="144" y1="11" y2="11" />
      <line class="threshold" x1={x(finding.threshold)} x2={x(finding.threshold)} y1="1" y2="21" />
      {low !== undefined && high !== undefined && (
        <>
          <line class="span" x1={x(low)} x2={x(high)} y1="11" y2="11" />
          <line class="span" x1={x(low)} x2={x(low)} y1="6" y2="16" />
          <line class="span" x1={x(high)} x2={x(high)} y1="6" y2="16" />
        </>
      )}
      <rect class="dot" x={x(finding.value) - 3.5} y="7.5" width="7" height="7" />
    </svg>
  );
}

/** [12.3, 15.6] as text, or a dash. */
export function intervalText(f: Finding | undefined): string {
  return f?.uncertaintyLow === undefined || f.uncertaintyHigh === undefined ? unknown : `${short(f.uncertaintyLow)} … ${short(f.uncertaintyHigh)}`;
}

export function savingText(f: Finding | undefined): string {
  if (f?.predictedSavingPerWeekday === undefined) return unknown;
  return `${f.isDemandCensored ? "≥ " : ""}${short(f.predictedSavingPerWeekday)}`;
}

/** Everything that a finding says, one by one. */
export function FindingFacts({ finding: f }: { finding: Finding }) {
  const unit = unitText(f.unit);
  return (
    <>
      <dl class="facts">
        <div><dt><Term name="verdict" /></dt><dd><VerdictBadge verdict={f.verdict} /></dd></div>
        <div><dt>{f.measure.charAt(0).toUpperCase() + f.measure.slice(1)}</dt><dd>{short(f.value)} {f.value !== undefined && unit}</dd></div>
        <div><dt><Term name="interval" /></dt><dd>{intervalText(f)} {unit}</dd></div>
        <div><dt>Threshold</dt><dd>{short(f.threshold)} {unit}</dd></div>
        <div><dt>Where the threshold is from</dt><dd>{f.thresholdSource || unknown}</dd></div>
        <div><dt>Sample (n)</dt><dd>{num(f.n)} {f.nUnit}</dd></div>
        <div><dt><Term name="saving" /></dt><dd>{savingText(f)} {f.predictedSavingPerWeekday !== undefined && `${unitText(f.savingUnit)} per weekday`}</dd></div>
        <div><dt>Days looked at</dt><dd>{f.evaluatedFrom ? `${dayText(f.evaluatedFrom)} to ${dayText(f.evaluatedTo)}` : unknown}</dd></div>
      </dl>
      {f.caveat && <p class="notice late"><span><strong>To know with it:</strong> {f.caveat}</span></p>}
      {f.isDemandCensored && <p class="note">More wanted to travel than the instruments saw, so the benefit is a lower bound.</p>}
    </>
  );
}

/** "2 of 12 links: yes" in words, for the head of a page. */
export function tallyText(findings: (Finding | undefined)[], one: string, many: string): string {
  const t = tally(findings);
  const rest = t.open > 0 ? ` For ${plural(t.open, one, many)} the evidence is insufficient.` : "";
  if (t.yes === 0) return t.no === 0 ? rest.trim() : `No.${rest}`;
  return `Yes, for ${num(t.yes)} of ${plural(findings.length, one, many)}.${rest}`;
}
