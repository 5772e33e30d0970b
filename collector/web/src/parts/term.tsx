import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { definitions, type TermName } from "../definitions";

/** A measure's name with its definition one press away. */
export function Term({ name, children }: { name: TermName; children?: ComponentChildren }) {
  const id = useId();
  const d: { title: string; text: string; source?: string } = definitions[name];
  return (
    <span class="term">
      {children ?? d.title}
      <button type="button" class="what" popovertarget={id} aria-label={`What is ${d.title}?`}>?</button>
      <span id={id} popover="auto" class="definition">
        <strong>{d.title}</strong>
        <span>{d.text}</span>
        {d.source && <span class="faint">Source: {d.source}</span>}
      </span>
    </span>
  );
}
