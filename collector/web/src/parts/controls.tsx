// What the reader chooses; each choice goes into the address.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { carriageways, stationText, useNetwork } from "../network";
import { choose, useRoute } from "../route";
import { addDays, dates, dayText } from "../time";

interface Choice {
  value: string;
  text: string;
}

export function Select({ label, value, choices, onChange }: { label: string; value: string; choices: Choice[]; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <label class="control" for={id}>
      <span>{label}</span>
      <select id={id} value={value} onChange={(e) => onChange(e.currentTarget.value)}>
        {choices.map((c) => <option key={c.value} value={c.value}>{c.text}</option>)}
      </select>
    </label>
  );
}

/** One of a few, as buttons. */
export function Pick({ label, value, choices, onChange }: { label: string; value: string; choices: Choice[]; onChange: (value: string) => void }) {
  return (
    <div class="control" role="group" aria-label={label}>
      <span>{label}</span>
      <span class="pick">
        {choices.map((c) => (
          <button type="button" key={c.value} aria-pressed={c.value === value} onClick={() => onChange(c.value)}>{c.text}</button>
        ))}
      </span>
    </div>
  );
}

/** Road and direction; "all" where a page can show all. */
export function useCarriageway() {
  const n = useNetwork();
  const { params } = useRoute();
  const list = carriageways(n);
  return list.find((c) => c.road === params.road && c.direction === params.direction) ?? list[0] ?? { road: "", direction: "" };
}

export function CarriagewaySelect() {
  const n = useNetwork();
  const c = useCarriageway();
  return (
    <Select label="Road" value={`${c.road}\t${c.direction}`}
      choices={carriageways(n).map((c) => ({ value: `${c.road}\t${c.direction}`, text: `${c.road} ${c.direction}` }))}
      onChange={(v) => { const [road, direction] = v.split("\t"); choose({ road, direction, site: undefined }); }} />
  );
}

export function useStation() {
  const n = useNetwork();
  const { params } = useRoute();
  return params.station ? n.byId.get(params.station) : n.stations[0];
}

export function StationSelect({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  const n = useNetwork();
  return <Select label="Station" value={value} choices={n.stations.map((s) => ({ value: s.stationId, text: `${stationText(s, s.stationId)} (${s.stationId})` }))} onChange={onChange} />;
}

/** The date that the page is about; the last whole one unless chosen. */
export function useDate(): string {
  const { about } = useNetwork();
  const { params } = useRoute();
  return params.date || about.lastDate;
}

/** Chooses the date; shown is the one that a page shows when it takes another than the last. */
export function DateSelect({ shown }: { shown?: string }) {
  const { about } = useNetwork();
  const chosen = useDate();
  const date = shown ?? chosen;
  const all = dates(about.firstDate, about.lastDate).reverse();
  const step = (days: number) => choose({ date: addDays(date, days) });
  return (
    <div class="control">
      <Select label="Date" value={date} choices={(all.includes(date) ? all : [date, ...all]).map((d) => ({ value: d, text: dayText(d) }))} onChange={(d) => choose({ date: d })} />
      <span class="pick">
        <button type="button" aria-label="Day before" disabled={date <= about.firstDate} onClick={() => step(-1)}>‹</button>
        <button type="button" aria-label="Day after" disabled={date >= about.lastDate} onClick={() => step(1)}>›</button>
      </span>
    </div>
  );
}

/** The head of every page: its question, its answer, and what to choose. */
export function PageHead({ question, verdict, children }: { question: string; verdict?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <header class="pagehead">
      <h1>{question}</h1>
      {verdict && <p class="answer" data-testid="answer">{verdict}</p>}
      {children && <div class="controls">{children}</div>}
    </header>
  );
}

/** A number with its name. */
export function Kpi({ name, value, unit, note, tone }: { name: ComponentChildren; value: ComponentChildren; unit?: string; note?: ComponentChildren; tone?: string }) {
  return (
    <div class={`kpi ${tone ?? ""}`}>
      <dt>{name}</dt>
      <dd><span class="value">{value}</span>{unit && <span class="unit"> {unit}</span>}{note && <span class="kpinote">{note}</span>}</dd>
    </div>
  );
}
