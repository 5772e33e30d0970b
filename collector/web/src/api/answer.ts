// What became of a question: each state is shown in its own way (parts/states).
import { Code, ConnectError } from "@connectrpc/connect";
import { useEffect, useState } from "preact/hooks";
import { eraseAnswers, readAnswer, writeAnswer, type Kept } from "../offline/answers";

/** Why there is no answer, in words for the reader. */
export interface Problem {
  kind: "denied" | "login" | "unreachable" | "missing" | "wrong" | "failed";
  text: string;
}

/** A question's answer, or why there is none. "kept" is an older answer that could not be asked anew. */
export type Answer<T> =
  | { state: "loading"; data?: undefined }
  | { state: "ready"; data: T }
  | { state: "kept"; data: T; at: number; problem: Problem }
  | { state: "failed"; data?: undefined; problem: Problem };

/** Sorts an error into what the reader can do about it. */
export function problemOf(err: unknown): Problem {
  const e = ConnectError.from(err);
  const text = e.rawMessage;
  switch (e.code) {
    case Code.PermissionDenied:
      return { kind: "denied", text };
    case Code.Unauthenticated:
      return { kind: "login", text };
    case Code.NotFound:
      return { kind: "missing", text };
    case Code.InvalidArgument:
    case Code.ResourceExhausted:
    case Code.OutOfRange:
      return { kind: "wrong", text };
    case Code.Unimplemented:
      return { kind: "failed", text: "This collector does not answer that question: " + text };
    case Code.Unavailable:
      return { kind: "unreachable", text };
    case Code.DeadlineExceeded:
      return { kind: "failed", text: "The collector took too long to answer. Try a shorter period." };
    default:
      // A fetch that never reached the server has no code of its own.
      if (e.cause instanceof TypeError || /fetch|network/i.test(text)) return { kind: "unreachable", text: "The collector cannot be reached." };
      return { kind: "failed", text };
  }
}

// Answers that were had, so that going back is at once and a lost connection
// leaves what was seen; on disk as well, for after a reload. Bounded: the
// oldest goes first.
const kept = new Map<string, Kept<unknown>>();
const keptMost = 60;

function keep(key: string, data: unknown) {
  const now = { data, at: Date.now() };
  kept.delete(key);
  kept.set(key, now);
  const oldest = kept.keys().next();
  if (kept.size > keptMost && !oldest.done) kept.delete(oldest.value);
  onceAnswered(() => void writeAnswer(key, now));
}

/** Forgets every answer: the reader logs out, or is another. */
export async function forget(): Promise<void> {
  kept.clear();
  await eraseAnswers();
}

/** The answer from before, for want of a new one: of this tab, else of the disk. */
async function keptAnswer<T>(key: string, secret: boolean, why: Problem): Promise<Kept<T> | undefined> {
  if (secret || why.kind === "denied" || why.kind === "login") return undefined;
  return (kept.get(key) as Kept<T> | undefined) ?? (why.kind === "unreachable" ? readAnswer<T>(key) : undefined);
}

/** What is asked, and the key that tells it from all else that is. */
export interface Question<T> {
  key: string;
  ask: (signal: AbortSignal) => Promise<T>;
}

// Questions that were asked before the page that shows them was there.
const begun = new Map<string, { answer: Promise<unknown>; cancel: AbortController }>();
/** Who has not come for an early answer by then has gone elsewhere. */
const earlyMs = 10_000;

/** Asks now what a page will ask once it is drawn, which takes its own time to fetch. */
export function askEarly<T>({ key, ask }: Question<T>) {
  if (begun.has(key)) return;
  const cancel = new AbortController();
  const answer = counted(ask(cancel.signal));
  answer.catch(() => undefined); // told where it is shown
  begun.set(key, { answer, cancel });
  setTimeout(() => {
    if (begun.get(key)?.cancel !== cancel) return;
    begun.delete(key);
    cancel.abort();
  }, earlyMs);
}

/** The answer of an early question, or of one that is asked now. */
function asked<T>(key: string, ask: Question<T>["ask"], signal: AbortSignal): Promise<T> {
  const early = begun.get(key);
  if (!early) return counted(ask(signal));
  begun.delete(key);
  signal.addEventListener("abort", () => early.cancel.abort());
  return early.answer as Promise<T>;
}

let waiting = 0;
let whenIdle: (() => void)[] = [];
/** So long nothing is asked before what can wait is done. */
const idleMs = 300;

/** Runs what can wait once every question is answered: it would take connections from them. */
export function onceAnswered(run: () => void) {
  whenIdle.push(run);
  settle();
}

function settle() {
  setTimeout(() => {
    if (waiting > 0) return;
    const now = whenIdle;
    whenIdle = [];
    now.forEach((run) => run());
  }, idleMs);
}

function counted<T>(answer: Promise<T>): Promise<T> {
  waiting++;
  const done = () => {
    waiting--;
    settle();
  };
  answer.then(done, done);
  return answer;
}

/** How often a collector is asked again that was away. */
const retryMs = 10_000;

interface Options {
  /** Ask again after so long, while the tab is seen; no more often than the data change. */
  refreshMs?: number;
  /** Nothing is kept, neither in memory nor on disk: for what shows single vehicles. */
  private?: boolean;
}

function start<T>(key: string, secret: boolean): Answer<T> {
  return !secret && kept.has(key) ? { state: "ready", data: kept.get(key)!.data as T } : { state: "loading" };
}

/**
 * Asks a question whenever its key changes. The question must be a function
 * of the key alone; undefined asks nothing. The request ends with the reader's interest.
 */
export function useAnswer<T>(key: string | undefined, ask: (signal: AbortSignal) => Promise<T>, options: Options = {}): Answer<T> {
  const secret = options.private ?? false;
  const [held, hold] = useState<{ key: string | undefined; answer: Answer<T> }>({ key: undefined, answer: { state: "loading" } });
  const [round, again] = useState(0);

  useEffect(() => {
    if (key === undefined) return;
    const cancel = new AbortController();
    asked(key, ask, cancel.signal).then(
      (data) => {
        if (cancel.signal.aborted) return;
        if (!secret) keep(key, data);
        hold({ key, answer: { state: "ready", data } });
      },
      async (err: unknown) => {
        if (cancel.signal.aborted) return;
        const problem = problemOf(err);
        const old = await keptAnswer<T>(key, secret, problem);
        if (cancel.signal.aborted) return;
        hold({ key, answer: old ? { state: "kept", ...old, problem } : { state: "failed", problem } });
      },
    );
    return () => cancel.abort();
    // ask is a function of key.
  }, [key, round]);

  useEffect(() => {
    if (key === undefined || !options.refreshMs) return;
    const timer = setInterval(() => document.hidden || again((n) => n + 1), options.refreshMs);
    return () => clearInterval(timer);
  }, [key, options.refreshMs]);

  const away = held.key === key && "problem" in held.answer && held.answer.problem.kind === "unreachable";
  useEffect(() => {
    if (!away) return;
    const timer = setInterval(() => document.hidden || again((n) => n + 1), retryMs);
    return () => clearInterval(timer);
  }, [away]);

  useEffect(() => {
    const online = () => again((n) => n + 1);
    addEventListener("online", online);
    return () => removeEventListener("online", online);
  }, []);

  return held.key === key ? held.answer : key === undefined ? { state: "loading" } : start<T>(key, secret);
}
