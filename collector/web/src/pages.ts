// The ten pages: each is loaded when it is first opened, and all of them once
// the browser is idle, so that a lost connection takes away none.
import type { ComponentType } from "preact";
import type { Question } from "./api/answer";

/** A page, and what it will ask whatever the network is, by its part of the address. */
export interface Part {
  default: ComponentType;
  early?: (params: Record<string, string>) => Question<unknown>[];
}

export interface Page {
  name: string;
  title: string;
  group: "Traffic" | "Questions" | "Enforcement" | "Operations";
  load: () => Promise<Part>;
}

export const pages: readonly Page[] = [
  { name: "now", title: "Now", group: "Traffic", load: () => import("./pages/now") },
  { name: "corridor", title: "Corridor", group: "Traffic", load: () => import("./pages/corridor") },
  { name: "station", title: "Station", group: "Traffic", load: () => import("./pages/station") },
  { name: "upgrade", title: "Road upgrade", group: "Questions", load: () => import("./pages/upgrade") },
  { name: "public-transport", title: "Public transport", group: "Questions", load: () => import("./pages/public-transport") },
  { name: "flexi-time", title: "Flexi time", group: "Questions", load: () => import("./pages/flexi-time") },
  { name: "speed-cameras", title: "Speed cameras", group: "Questions", load: () => import("./pages/speed-cameras") },
  { name: "enforcement", title: "Violations", group: "Enforcement", load: () => import("./pages/enforcement") },
  { name: "fleet", title: "Fleet", group: "Operations", load: () => import("./pages/fleet") },
  { name: "quality", title: "Data quality", group: "Operations", load: () => import("./pages/quality") },
];
