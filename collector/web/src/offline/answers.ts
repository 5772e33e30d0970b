// Answers on disk, so that a reload without a connection shows what was last
// seen, with its age. Kept for one person and one build, newest first, and
// never a private one: who asks says so (api/answer).
import { clear, createStore, del, entries, get, set, type UseStore } from "idb-keyval";

/** An answer and when it came, milliseconds since 1970. */
export interface Kept<T> {
  data: T;
  at: number;
}

const most = 100;
/** Another build may have another shape of answers: the entry's name has the hash of all that it loads. */
const build = new URL(import.meta.url).pathname;

// Where no worker keeps the pages, answers are of no use without them.
const possible = () => typeof indexedDB !== "undefined" && "serviceWorker" in navigator && isSecureContext;

let opened: UseStore | undefined;
const store = () => (opened ??= createStore("gantry", "answers"));

const name = (key: string) => `${build} ${key}`;

/** Keeps an answer; a browser that does not let us is no reason to fail. */
export async function writeAnswer(key: string, kept: Kept<unknown>): Promise<void> {
  if (possible()) await set(name(key), kept, store()).catch(() => undefined);
}

export async function readAnswer<T>(key: string): Promise<Kept<T> | undefined> {
  return possible() ? get<Kept<T>>(name(key), store()).catch(() => undefined) : undefined;
}

/** Whose answers these are. */
const owner = "who";

/** Forgets what another person of this browser saw. */
export async function belongTo(who: string): Promise<void> {
  if (!possible()) return;
  const before = await get<string>(owner, store()).catch(() => undefined);
  if (before === who) return;
  if (before !== undefined) await eraseAnswers();
  await set(owner, who, store()).catch(() => undefined);
}

/** Forgets all: the reader logs out, or is another. */
export async function eraseAnswers(): Promise<void> {
  if (possible()) await clear(store()).catch(() => undefined);
}

/** Drops what another build left, and what is beyond the most. */
export async function trimAnswers(): Promise<void> {
  if (!possible()) return;
  const all = await entries<string, Kept<unknown>>(store()).catch(() => []);
  const ours = all.filter(([key]) => key.startsWith(build + " ")).sort((a, b) => b[1].at - a[1].at);
  const stay = new Set([owner, ...ours.slice(0, most).map(([key]) => key)]);
  await Promise.all(all.filter(([key]) => !stay.has(key)).map(([key]) => del(key, store()).catch(() => undefined)));
}
