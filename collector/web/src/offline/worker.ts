// The service worker: it keeps the pages' own files, so that a reload without
// a connection still has pages to show. A file that has the hash of its bytes
// in its name comes from here; the page itself comes from the collector
// whenever that answers, so that a new build is there at the next load.
//
// Nothing else passes through it: no question, no answer, no CSV, no login.
// What was answered is kept elsewhere, and enforcement data nowhere (answers.ts).
//
// Workbox does the same and more in 20 kB; here are two rules.

/** What of a worker's scope is used; the library with its types excludes that of pages. */
interface Waits extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetches extends Waits {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope {
  addEventListener(type: "install" | "activate", on: (e: Waits) => void): void;
  addEventListener(type: "fetch", on: (e: Fetches) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
}

// Put in by the build: what there is, and a hash of it.
declare const __FILES__: string[];
declare const __VERSION__: string;

const scope = globalThis as unknown as Scope;
const prefix = "gantry-files-";
const index = "/index.html";
const here = prefix + __VERSION__;
/** A collector that has not answered by then is taken for one that is away. */
const patienceMs = 4_000;

scope.addEventListener("install", (e) => {
  // Hashed names are as the browser has them; the page must not be an old one.
  const files = __FILES__.map((f) => new Request(f, { cache: f.startsWith("/assets/") ? "default" : "reload" }));
  e.waitUntil(caches.open(here).then((c) => c.addAll(files)).then(() => scope.skipWaiting()));
});

scope.addEventListener("activate", (e) => {
  e.waitUntil(dropOld().then(() => scope.clients.claim()));
});

/** Drops all builds but this one and the one before: an open tab may want a part of that. */
async function dropOld() {
  const others = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== here);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}

scope.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/assets/")) e.respondWith(fileOf(e.request));
  else if (e.request.mode === "navigate" && !notPages.test(url.pathname)) e.respondWith(pageOf(e.request));
  else if (__FILES__.includes(url.pathname)) e.respondWith(newest(e.request, url.pathname));
});

/** What else the collector answers to a GET. */
const notPages = /^\/(csv|login|session|metrics|healthz|livez|gantry\.v1\.)/;

const kept = (path: string) => caches.match(path, { ignoreVary: true });

async function fileOf(request: Request): Promise<Response> {
  return (await kept(new URL(request.url).pathname)) ?? fetch(request);
}

const pageOf = (request: Request) => newest(request, index);

/** The collector's answer, else what is kept. */
async function newest(request: Request, path: string): Promise<Response> {
  const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Error("late")), patienceMs));
  try {
    const answer = await Promise.race([fetch(request), late]);
    // What stands before a collector that is away says so in this way.
    if (answer.status < 502 || answer.status > 504) return answer;
    return (await caches.open(here).then((c) => c.match(path, { ignoreVary: true }))) ?? answer;
  } catch (err) {
    const file = await caches.open(here).then((c) => c.match(path, { ignoreVary: true }));
    if (file) return file;
    throw err;
  }
}
