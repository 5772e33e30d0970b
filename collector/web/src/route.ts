// The address is the only place where the pages keep what the reader chose:
// a link shows the same to somebody else, and the back button undoes a choice.
//
// Routers of the field match paths and leave the query to the page; here the
// path is one of ten words and the query is all that matters.
import { useEffect, useReducer } from "preact/hooks";

/** Where the reader is: the page's name and what was chosen there. */
export interface Route {
  page: string;
  params: Record<string, string>;
}

/** What goes along to every page. */
const kept = ["tz", "theme"];

const listeners = new Set<() => void>();

/** Reads an address: /corridor?road=A1 → corridor, {road: "A1"}. */
export function parse(pathname: string, search: string): Route {
  const page = pathname.replace(/^\/+|\/+$/g, "") || "now";
  return { page, params: Object.fromEntries(new URLSearchParams(search)) };
}

/** Writes an address; empty values are left out, so that defaults leave no trace. */
export function href(page: string, params: Record<string, string | number | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return "/" + (page === "now" ? "" : page) + (text && "?" + text);
}

/** The address of another page, with what goes along. */
export function link(page: string, params: Record<string, string | number | undefined> = {}): string {
  const here = current().params;
  return href(page, { ...Object.fromEntries(kept.map((k) => [k, here[k]])), ...params });
}

export function current(): Route {
  return parse(location.pathname, location.search);
}

function announce() {
  for (const l of listeners) l();
}

/** Goes somewhere; replace leaves no step for the back button. */
export function go(to: string, replace = false) {
  if (to === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  announce();
}

/** Changes what was chosen on this page; undefined takes a choice back. */
export function choose(change: Record<string, string | number | undefined>, replace = false) {
  const { page, params } = current();
  go(href(page, { ...params, ...change }), replace);
}

/** The route, rendering anew when it changes. */
export function useRoute(): Route {
  const [, render] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const listener = () => render(undefined);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return current();
}

/** Makes links inside the pages change the address without loading anew. */
export function watchLinks() {
  addEventListener("popstate", announce);
  addEventListener("click", (e) => {
    const a = (e.target as Element | null)?.closest?.("a");
    if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
    if (a.target || a.hasAttribute("download") || a.origin !== location.origin || a.hash || a.pathname.startsWith("/csv/")) return;
    e.preventDefault();
    const before = current().page;
    go(a.pathname + a.search);
    if (current().page !== before) document.getElementById("main")?.focus();
  });
}
