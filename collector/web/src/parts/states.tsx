// Loading, empty, stale, error and denied look different, because what to do
// next is different.
import type { ComponentChildren } from "preact";
import type { Answer, Problem } from "../api/answer";
import { token } from "../api/token";
import type { Basis } from "../gen/gantry/v1/query_basis_pb";
import { num, percent } from "../format";
import { useZone } from "../network";
import { become, useLogin } from "../session";
import { ageText, freshness, timeText } from "../time";
import { useNow } from "./now";
import { Term } from "./term";

/** Shows an answer, or in which way there is none. */
export function Show<T>({ answer, children, lines = 6 }: { answer: Answer<T>; children: (data: T) => ComponentChildren; lines?: number }) {
  switch (answer.state) {
    case "loading":
      return <Loading lines={lines} />;
    case "failed":
      return <Refusal problem={answer.problem} />;
    case "kept":
      return (
        <>
          <KeptNotice at={answer.at} problem={answer.problem} />
          {children(answer.data)}
        </>
      );
    case "ready":
      return <>{children(answer.data)}</>;
  }
}

/** Says that what is shown is from before, and from when. */
function KeptNotice({ at, problem }: { at: number; problem: Problem }) {
  const zone = useZone();
  const now = useNow();
  return (
    <p class="notice late" role="status" data-state="kept">
      <span><strong>Shown from memory.</strong> {problem.text} What you see was answered {timeText(new Date(at), zone)} {zone.label}, {ageText(now - at)} ago. It is asked for again by itself.</span>
    </p>
  );
}

export function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div class="loading" data-state="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => <div key={i} class="bar" />)}
    </div>
  );
}

/** Nothing there, although everything worked. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="notice empty" data-state="empty">{children}</div>;
}

const titles: Record<Problem["kind"], string> = {
  denied: "You may not see this",
  login: "You are not logged in",
  unreachable: "No connection to the collector",
  missing: "There is no such thing",
  wrong: "That cannot be asked",
  failed: "That did not work",
};

/** Why there is no answer, and the way on. */
export function Refusal({ problem }: { problem: Problem }) {
  const locked = problem.kind === "denied" || problem.kind === "login";
  return (
    <div class={`notice ${locked ? "denied" : "error"}`} role="alert" data-state={locked ? "denied" : "error"}>
      <h2>{titles[problem.kind]}</h2>
      <p>{problem.text}</p>
      {locked && <Access />}
      {problem.kind === "unreachable" && <p>Nothing here is fetched from elsewhere, so this is between you and the collector. Pages ask again by themselves when the connection is back.</p>}
    </div>
  );
}

/** How to get in: the login, or whom to ask and where to give the token that they hand out. */
function Access() {
  const login = useLogin();
  return (
    <>
      {login !== "" && <p><a href={login} target="_self">Log in</a>; if you are, the role is missing: whoever operates the login service gives it.</p>}
      <p>
        How to get access: ask whoever operates this collector for a token of the role that the page needs, and give it
        here. It stays in this tab until you close it. Without tokens, as on a collector of one machine, nobody sees this.
      </p>
      <form class="ask" onSubmit={(e) => {
        e.preventDefault();
        void become(String(new FormData(e.currentTarget).get("token") ?? "").trim());
      }}>
        <label for="token"><span>Token</span><input id="token" name="token" type="password" autocomplete="off" required /></label>
        <button type="submit">Use token</button>
        {token() !== "" && <button type="button" onClick={() => void become("")}>Forget the token of this tab</button>}
      </form>
    </>
  );
}

/** How new and how complete the data are. */
export function BasisLine({ basis, intervalMs }: { basis: Basis | undefined; intervalMs: number }) {
  const zone = useZone();
  const now = useNow();
  if (!basis) return null;
  const at = basis.asOf === "" ? undefined : new Date(basis.asOf);
  const age = at ? now - at.getTime() : undefined;
  const state = age === undefined ? "stale" : freshness(age, intervalMs);
  const c = basis.completeness;
  return (
    <p class="basis" data-freshness={state}>
      <span class={`age ${state}`}>
        <Term name="asOf">{at ? `Data as of ${timeText(at, zone)} ${zone.label}` : "No data yet"}</Term>
        {age !== undefined && <span> · {age < 0 ? "ahead of this computer's clock" : `${ageText(age)} ago`}{state === "stale" ? ", stale" : state === "late" ? ", late" : ""}</span>}
      </span>
      {c && c.expectedCount > 0n && (
        <span>
          <Term name="completeness">{percent(Number(c.measuredCount) / Number(c.expectedCount), 0)}</Term> of {c.of} ({num(c.measuredCount)} of {num(c.expectedCount)})
        </span>
      )}
    </p>
  );
}

export const minuteMs = 60_000;
export const dayMs = 86_400_000;
