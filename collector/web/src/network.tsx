// The network that all pages are about: asked for once, known everywhere.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { GetNetworkResponse, RoadLink, RoadNode, RoadStation } from "./gen/gantry/v1/query_network_pb";
import { all, query } from "./api/client";
import { useRoute } from "./route";
import { utc, zoneOf, type Zone } from "./time";

/** The network with its stations and links. */
export interface Network {
  about: GetNetworkResponse;
  stations: RoadStation[];
  links: RoadLink[];
  nodes: RoadNode[];
  byId: Map<string, RoadStation>;
}

export async function askNetwork(signal: AbortSignal): Promise<Network> {
  const [about, stations, links, nodes] = await Promise.all([
    query.getNetwork({}, { signal }),
    all((pageToken) => query.listStations({ pageToken, pageSize: 10_000 }, { signal })),
    all((pageToken) => query.listLinks({ pageToken, pageSize: 10_000 }, { signal })),
    all((pageToken) => query.listNodes({ pageToken, pageSize: 10_000 }, { signal })),
  ]);
  const list = stations.flatMap((p) => p.stations).sort(alongRoad);
  return { about, stations: list, links: links.flatMap((p) => p.links), nodes: nodes.flatMap((p) => p.nodes), byId: new Map(list.map((s) => [s.stationId, s])) };
}

/** Roads one after the other, each direction by distance. */
export function alongRoad(a: RoadStation, b: RoadStation): number {
  return a.road.localeCompare(b.road) || a.direction.localeCompare(b.direction) || a.offsetM - b.offsetM;
}

export const NetworkContext = createContext<Network | undefined>(undefined);

/** The network; pages are shown only when there is one. */
export function useNetwork(): Network {
  const n = useContext(NetworkContext);
  if (!n) throw new Error("used outside of the shell");
  return n;
}

/** The zone that the reader chose: the network's, or UTC. */
export function useZone(): Zone {
  const n = useContext(NetworkContext);
  const { params } = useRoute();
  return params.tz === "utc" || !n ? utc : zoneOf(n.about.zone);
}

/** The network's own zone, which dates and hours are of. */
export function useLocalZone(): Zone {
  return zoneOf(useNetwork().about.zone);
}

/** Road and direction as one choice: "A1 north". */
export interface Carriageway {
  road: string;
  direction: string;
}

export function carriageways(n: Network): Carriageway[] {
  const seen = new Map<string, Carriageway>();
  for (const s of n.stations) seen.set(`${s.road} ${s.direction}`, { road: s.road, direction: s.direction });
  return [...seen.values()];
}

/** A station as people say it: "A1 north, km 14.2". */
export function stationText(s: RoadStation | undefined, id: string): string {
  return s ? `${s.road} ${s.direction}, km ${(s.offsetM / 1000).toFixed(1)}` : id;
}

/** A stretch of road as people say it. */
export function stretchText(road: string, direction: string, from_m: number, to_m: number): string {
  return `${road} ${direction}, km ${(from_m / 1000).toFixed(1)}–${(to_m / 1000).toFixed(1)}`;
}
