import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import { Bars } from "../charts/bars";
import type { Bottleneck } from "../gen/gantry/v1/query_travel_pb";
import type { UpgradeSite } from "../gen/gantry/v1/query_screen_pb";
import { short } from "../format";
import { stretchText, useNetwork } from "../network";
import { Figure } from "../parts/figure";
import { Screen } from "../parts/screen";
import { Empty, Show } from "../parts/states";
import { queueColumns } from "../parts/queues";
import { Term } from "../parts/term";
import { link } from "../route";
import { dates, dayText } from "../time";

const text = (s: UpgradeSite) => stretchText(s.road, s.direction, s.fromOffsetM, s.toOffsetM);

const screen = { key: "upgrade", ask: (signal: AbortSignal) => query.listUpgradeScreen({}, { signal }) };
export const early = () => [screen];

export default function Upgrade() {
  const answer = useAnswer(screen.key, screen.ask);
  return (
    <Screen<UpgradeSite>
      id="upgrade" question="Is a road upgrade required?" noun={["link", "links"]} answer={answer}
      siteKey={(s) => s.linkId} siteText={text} csv={csvAddress("ListUpgradeScreen", {})}
      best={(s, benefit) => `Most is to be had on ${text(s)}: one more lane would save about ${benefit} a weekday.`}
      emptyText="No link was looked at yet: the models need whole weekdays. They come as days of history are loaded."
      columns={[
        { name: "link_id", title: "Link", value: (s) => s.linkId, hidden: true },
        { name: "lane_count", title: "Lanes", value: (s) => s.laneCount, figure: true },
        { name: "active_workday_count", title: <Term name="bottleneck">Days with a queue</Term>, value: (s) => s.activeWorkdayCount, figure: true },
        { name: "delay_vehicle_h_per_weekday", title: <Term name="delay">Delay, veh-h a weekday</Term>, value: (s) => s.delayVehicleHPerWeekday, figure: true, show: (s) => short(s.delayVehicleHPerWeekday) },
      ]}
      evidence={(s) => <Queues site={s} />}
    />
  );
}

/** The queues that began at the link, day by day. */
function Queues({ site }: { site: UpgradeSite }) {
  const { about } = useNetwork();
  const from = site.finding?.evaluatedFrom || about.firstDate;
  const to = site.finding?.evaluatedTo || about.lastDate;
  const answer = useAnswer(`bottlenecks ${site.linkId} ${from} ${to}`, async (signal) => {
    const pages = await all((pageToken) => query.listBottlenecks({ linkId: site.linkId, fromDate: from, toDate: to, pageToken }, { signal }));
    return { basis: pages[0]?.basis, rows: pages.flatMap((p) => p.bottlenecks).sort((a, b) => a.localDate.localeCompare(b.localDate)) };
  });
  return (
    <Show answer={answer}>
      {({ basis, rows }) =>
        rows.length === 0 ? (
          <Empty>No queue began at {text(site)} between {dayText(from)} and {dayText(to)}.</Empty>
        ) : (
          <Figure id="queues" title={<Term name="delay">Delay of the queues that began here, day by day</Term>} columns={queueColumns} rows={rows} rowKey={(b) => b.linkId + b.downStationId + b.localDate} basis={basis}
            source={csvAddress("ListBottlenecks", { link_id: site.linkId, from_date: from, to_date: to })}
            note={<>A queue on most workdays is a want of road; one on a single day is an incident. <a href={link("corridor", { road: site.road, direction: site.direction, date: worst(rows) })}>See the worst day, {dayText(worst(rows))}, on the time–space diagram</a></>}>
            <DelayBars rows={rows} from={from} to={to} />
          </Figure>
        )
      }
    </Show>
  );
}

const worst = (rows: Bottleneck[]) => rows.reduce((a, b) => (b.delayVehicleH > a.delayVehicleH ? b : a)).localDate;

function DelayBars({ rows, from, to }: { rows: Bottleneck[]; from: string; to: string }) {
  const bars = useMemo(() => {
    const byDate = new Map<string, number>();
    for (const r of rows) byDate.set(r.localDate, (byDate.get(r.localDate) ?? 0) + r.delayVehicleH);
    return dates(from, to).map((d) => ({ x: d.slice(5), value: byDate.get(d) ?? 0 }));
  }, [rows, from, to]);
  return <Bars label="Vehicle-hours of delay by date" bars={bars} yLabel="vehicle-hours" xLabel="Date (month-day)" />;
}
