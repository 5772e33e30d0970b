// Who is looking, as the collector knows them, and the ways in and out.
import { useEffect } from "preact/hooks";
import { forget, useAnswer } from "./api/answer";
import { setToken, token } from "./api/token";
import { belongTo } from "./offline/answers";
import { useRoute } from "./route";

/** The answer of /session; README of collector/access. */
export interface Session {
  name: string;
  via: "nothing" | "loopback" | "token" | "session" | "proxy" | "certificate";
  roles: string[];
  login?: string;
}

async function askSession(signal: AbortSignal): Promise<Session> {
  const headers: HeadersInit = token() === "" ? {} : { authorization: `Bearer ${token()}` };
  const r = await fetch("/session", { signal, headers });
  if (!r.ok) throw new Error(await r.text());
  return (await r.json()) as Session;
}

export const session = { key: "session", ask: askSession };

/** Who is looking; undefined until that is known, and without a connection. */
export function useSession(): Session | undefined {
  return useAnswer(session.key, session.ask, { private: true }).data;
}

/** Where to log in and come back from, if this collector has a login service. */
export function useLogin(): string {
  const path = useSession()?.login ?? "";
  useRoute();
  // Only a path of this origin: the page goes nowhere else by itself.
  return /^\/(?!\/)/.test(path) ? `${path}?next=${encodeURIComponent(location.pathname + location.search)}` : "";
}

/** Looks with another token of this tab, or with none. */
export async function become(text: string): Promise<void> {
  setToken(text);
  await forget();
  location.reload();
}

async function logOut(): Promise<void> {
  await fetch("/session", { method: "DELETE" });
  await become("");
}

/** Roles without those that another one brings along. */
export function rolesText(roles: string[]): string {
  const more = roles.some((r) => r === "enforcement" || r === "operator");
  const told = roles.filter((r) => r !== "agent" && !(r === "viewer" && roles.length > 1 && roles.some((o) => o !== "agent" && o !== "viewer")) && !(r === "planner" && more));
  return told.join(", ") || "no role";
}

/** What people call themselves, without the identifier that the login service adds. */
export const shortName = (name: string) => name.replace(/ \([^)]*\)$/, "");

/** Name and role in the head of the page, with the way in or out. */
export function Who() {
  const who = useSession();
  const login = useLogin();
  useEffect(() => {
    if (who) void belongTo(`${who.via} ${who.name}`);
  }, [who?.via, who?.name]);
  if (!who) return null;
  return (
    <p class="who" data-via={who.via}>
      {who.via === "loopback" ? <span title="Without login, as this collector has none">On this machine: <strong>{rolesText(who.roles)}</strong></span>
        : who.via === "nothing" ? <span>Not logged in</span>
        : <span title={who.name}><strong>{shortName(who.name)}</strong>, {rolesText(who.roles)}</span>}
      {who.via === "session" && <button type="button" onClick={() => void logOut()}>Log out</button>}
      {who.via === "token" && <button type="button" onClick={() => void become("")} title="The token of this tab">Log out</button>}
      {who.via === "nothing" && login !== "" && <a href={login} target="_self">Log in</a>}
    </p>
  );
}
