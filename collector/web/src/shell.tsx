// What stands around every page: navigation, zone and theme, and whether there
// is a connection.
import { useEffect, useState } from "preact/hooks";
import { askEarly, onceAnswered, useAnswer } from "./api/answer";
import { askNetwork, NetworkContext } from "./network";
import { pages, type Page, type Part } from "./pages";
import { Loading, Refusal } from "./parts/states";
import { choose, current, link, useRoute } from "./route";
import { session, Who } from "./session";

const loaded = new Map<string, Part>();

async function load(p: Page): Promise<Part> {
  const part = loaded.get(p.name) ?? (await p.load());
  loaded.set(p.name, part);
  return part;
}

const network = { key: "network", ask: askNetwork };

/** Asks for the network, the page and what the page will ask all at once, and not one after the other. */
export function begin() {
  askEarly(network);
  askEarly(session);
  const { page: name, params } = current();
  const page = pages.find((p) => p.name === name);
  if (page) load(page).then((part) => part.early?.(params).forEach(askEarly), () => undefined); // the shell says what failed
}

/** Fetches the pages that were not opened yet, once there is nothing else to do. */
function loadRest() {
  onceAnswered(() => pages.forEach((p) => void load(p).catch(() => undefined)));
}

function usePage(name: string) {
  const page = pages.find((p) => p.name === name);
  const [, render] = useState(0);
  const [failed, setFailed] = useState("");
  useEffect(() => {
    setFailed("");
    document.title = page ? `${page.title} · Gantry` : "Gantry";
    if (!page) return;
    load(page).then(() => (render((n) => n + 1), loadRest()), () => setFailed(name));
  }, [name]);
  return { page, Part: loaded.get(name)?.default, failed: failed === name };
}

export function Shell() {
  const { page: name, params } = useRoute();
  const { page, Part, failed } = usePage(name);
  const answer = useAnswer(network.key, network.ask, { refreshMs: 10 * 60_000 });

  useEffect(() => {
    const theme = params.theme;
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  }, [params.theme]);

  return (
    <NetworkContext.Provider value={answer.data}>
      <a class="skip" href="#main">To the page</a>
      <div class="frame">
        <Side here={name} />
        <div class="body">
          <Top network={answer.data?.about.name ?? ""} zone={answer.data?.about.zone ?? ""} />
          <main id="main" tabIndex={-1}>
            {!page ? (
              <Refusal problem={{ kind: "missing", text: `There is no page ${name}. The pages are in the list at the left.` }} />
            ) : failed ? (
              <Refusal problem={{ kind: "unreachable", text: `The page ${page.title} could not be loaded.` }} />
            ) : answer.state === "failed" ? (
              <Refusal problem={answer.problem} />
            ) : !Part || answer.state === "loading" ? (
              <Loading lines={10} />
            ) : (
              <Part key={name} />
            )}
          </main>
        </div>
      </div>
    </NetworkContext.Provider>
  );
}

function Side({ here }: { here: string }) {
  const groups = [...new Set(pages.map((p) => p.group))];
  const { params } = useRoute();
  // Road, station and date go along where the other page knows them.
  const along = { road: params.road, direction: params.direction, station: params.station, date: params.date };
  return (
    <nav class="side" aria-label="Pages">
      <a class="brand" href={link("now")}><img src="/gantry.svg" alt="" width="26" height="26" /> Gantry</a>
      {groups.map((g) => (
        <div class="group" key={g}>
          <h2>{g}</h2>
          <ul>
            {pages.filter((p) => p.group === g).map((p) => (
              <li key={p.name}>
                <a href={link(p.name, g === "Traffic" && p.name !== "now" ? along : {})} aria-current={p.name === here ? "page" : undefined}>{p.title}</a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function Top({ network, zone }: { network: string; zone: string }) {
  const { params } = useRoute();
  const online = useOnline();
  return (
    <header class="top">
      <p class="network">{network && <>Network <strong>{network}</strong></>}</p>
      <Who />
      {!online && <p class="offline" role="status">Offline: pages show what they have; live data wait.</p>}
      <div class="pick" role="group" aria-label="Times are shown in">
        <button type="button" aria-pressed={params.tz !== "utc"} onClick={() => choose({ tz: undefined }, true)} title="The network's own zone">Local{zone && ` (${zone})`}</button>
        <button type="button" aria-pressed={params.tz === "utc"} onClick={() => choose({ tz: "utc" }, true)}>UTC</button>
      </div>
      <div class="pick" role="group" aria-label="Colours">
        {[["", "Auto"], ["light", "Light"], ["dark", "Dark"]].map(([value, text]) => (
          <button type="button" key={text} aria-pressed={(params.theme ?? "") === value} onClick={() => choose({ theme: value }, true)}>{text}</button>
        ))}
      </div>
    </header>
  );
}

function useOnline(): boolean {
  const [online, set] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => set(navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  return online;
}
