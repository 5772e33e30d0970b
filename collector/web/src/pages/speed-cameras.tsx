import { useAnswer } from "../api/answer";
import { csvAddress, query } from "../api/client";
import { Bars } from "../charts/bars";
import type { SpeedCameraSite } from "../gen/gantry/v1/query_screen_pb";
import type { SpeedCompliance } from "../gen/gantry/v1/query_station_pb";
import { num, percent } from "../format";
import { stationText, useNetwork } from "../network";
import { Figure } from "../parts/figure";
import { Screen } from "../parts/screen";
import { Empty, Show } from "../parts/states";
import { Term } from "../parts/term";
import { SpeedDistribution } from "../parts/distribution";
import { all } from "../api/client";
import { link } from "../route";

const screen = { key: "speed-cameras", ask: (signal: AbortSignal) => query.listSpeedCameraScreen({}, { signal }) };
export const early = () => [screen];

export default function SpeedCameras() {
  const answer = useAnswer(screen.key, screen.ask);
  const n = useNetwork();
  const text = (s: SpeedCameraSite) => `${stationText(n.byId.get(s.stationId), s.stationId)} (${s.stationId})`;
  return (
    <Screen<SpeedCameraSite>
      id="speed_cameras" question="Are additional speed cameras required?" noun={["station", "stations"]} answer={answer}
      siteKey={(s) => s.stationId} siteText={text} csv={csvAddress("ListSpeedCameraScreen", {})}
      best={(s) => `The fastest is ${stationText(n.byId.get(s.stationId), s.stationId)}: ${percent(s.overLimitShare, 0)} of free drivers over the limit of ${s.limitKmh} km/h. Crashes are not known here, and a study needs them.`}
      emptyText="No station was looked at yet: the models need whole days of speeds."
      columns={[
        { name: "limit_kmh", title: "Limit, km/h", value: (s) => s.limitKmh, figure: true },
        { name: "over_limit_share", title: <Term name="overLimit">Over the limit</Term>, value: (s) => s.overLimitShare, figure: true, show: (s) => percent(s.overLimitShare, 0) },
      ]}
      evidence={(s) => (
        <>
          <p><a href={link("station", { station: s.stationId })}>Open the station</a></p>
          <div class="two">
            <SpeedDistribution stationId={s.stationId} limit_kmh={s.limitKmh} />
            <ByHour site={s} />
          </div>
        </>
      )}
    />
  );
}

/** The share over the limit by hour of the day, all lanes and classes together. */
export function byHour(rows: SpeedCompliance[]) {
  return Array.from({ length: 24 }, (_, hour) => {
    const here = rows.filter((r) => r.localHour === hour);
    const free = here.reduce((s, r) => s + Number(r.freeCount), 0);
    const over = here.reduce((s, r) => s + Number(r.freeOverLimitCount), 0);
    return { hour, free, over, share: free > 0 ? over / free : undefined };
  });
}

function ByHour({ site }: { site: SpeedCameraSite }) {
  const answer = useAnswer(`compliance ${site.stationId}`, async (signal) => {
    const pages = await all((pageToken) => query.listSpeedCompliance({ stationId: site.stationId, pageToken }, { signal }));
    return { basis: pages[0]?.basis, rows: byHour(pages.flatMap((p) => p.rows)) };
  });
  return (
    <Show answer={answer}>
      {({ basis, rows }) =>
        rows.every((r) => r.share === undefined) ? (
          <Empty>No vehicle with a free road was measured here.</Empty>
        ) : (
          <Figure id="over_limit_by_hour" title={<Term name="overLimit">Over the limit, by hour</Term>} rows={rows} rowKey={(r) => String(r.hour)} basis={basis}
            source={csvAddress("ListSpeedCompliance", { station_id: site.stationId })}
            note="Vehicles with a free road only: all lanes and classes."
            columns={[
              { name: "local_hour", title: "Hour", value: (r) => r.hour, figure: true },
              { name: "over_limit_share", title: "Over the limit", value: (r) => r.share, figure: true, show: (r) => percent(r.share) },
              { name: "free_over_limit_count", title: "Over", value: (r) => r.over, figure: true },
              { name: "free_count", title: "With a free road (n)", value: (r) => r.free, figure: true, show: (r) => num(r.free) },
            ]}>
            <Bars label="Share of vehicles over the limit by hour" yLabel="percent" xLabel="Hour of the local day" bars={rows.map((r) => ({ x: String(r.hour), value: r.share === undefined ? undefined : r.share * 100 }))} />
          </Figure>
        )
      }
    </Show>
  );
}
