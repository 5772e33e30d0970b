// The collector's services, over Connect in binary.
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { FleetService } from "../gen/gantry/v1/fleet_pb";
import { QueryService } from "../gen/gantry/v1/query_pb";
import { token } from "./token";

const withToken: Interceptor = (next) => (req) => {
  const t = token();
  if (t !== "") req.header.set("authorization", `Bearer ${t}`);
  return next(req);
};

const transport = createConnectTransport({
  baseUrl: location.origin,
  useBinaryFormat: true,
  useHttpGet: false,
  defaultTimeoutMs: 20_000,
  interceptors: [withToken],
});

const service = createClient(QueryService, transport);

/** What shows single vehicles: its answers are private (api/answer), and kept nowhere. */
type Personal = "listViolations" | "listAverageSpeedViolations" | "getEvidence";
export const query: Omit<typeof service, Personal> = service;
export const enforcement: Pick<typeof service, Personal> = service;
export const fleet = createClient(FleetService, transport);

/** Reads a list to its end, at most so many pages; what is left out is said by the caller's count. */
export async function all<P extends { nextPageToken: string }>(page: (pageToken: string) => Promise<P>, most = 20): Promise<P[]> {
  const pages: P[] = [];
  let token = "";
  do {
    const p = await page(token);
    pages.push(p);
    token = p.nextPageToken;
  } while (token !== "" && pages.length < most);
  return pages;
}

/** Where the same rows are served as CSV, whole. */
export function csvAddress(method: string, fields: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(fields)) if (v !== undefined && v !== "") q.set(k, String(v));
  return `/csv/${method}${q.size > 0 ? "?" + q : ""}`;
}
