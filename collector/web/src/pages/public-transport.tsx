import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import { Bars } from "../charts/bars";
import type { PublicTransportSite } from "../gen/gantry/v1/query_screen_pb";
import type { CommuterShare, OdProfile } from "../gen/gantry/v1/query_travel_pb";
import { num, percent } from "../format";
import { Figure } from "../parts/figure";
import { Screen } from "../parts/screen";
import { Empty, Show } from "../parts/states";
import { Term } from "../parts/term";

const text = (s: PublicTransportSite) => `${s.originZone} → ${s.destinationZone}`;

const screen = { key: "public-transport", ask: (signal: AbortSignal) => query.listPublicTransportScreen({}, { signal }) };
export const early = () => [screen];

export default function PublicTransport() {
  const answer = useAnswer(screen.key, screen.ask);
  return (
    <Screen<PublicTransportSite>
      id="public_transport" question="Are additional public transport services required?" noun={["pair of zones", "pairs of zones"]} answer={answer}
      siteKey={(s) => `${s.originZone}~${s.destinationZone}`} siteText={text} csv={csvAddress("ListPublicTransportScreen", {})}
      best={(s, benefit) => `Most is to be had from ${s.originZone} to ${s.destinationZone}: ${num(s.busesPerWeekday)} buses would save about ${benefit} a weekday.`}
      emptyText="No pair of zones was looked at yet: the models need plates matched over whole weekdays."
      columns={[
        { name: "cars_per_workday", title: "Cars a weekday", value: (s) => s.carsPerWorkday, figure: true, show: (s) => num(s.carsPerWorkday) },
        { name: "buses_per_weekday", title: <Term name="buses">Buses</Term>, value: (s) => s.busesPerWeekday, figure: true },
      ]}
      evidence={(s) => <Trips site={s} />}
    />
  );
}

/** An hour of the day of a pair: what travels, and how much of it is habit. */
interface Hour {
  hour: number;
  profile: OdProfile | undefined;
  habit: CommuterShare | undefined;
}

const perDay = (h: Hour, total: number | undefined) => (h.profile && total !== undefined && h.profile.dayCount > 0n ? total / Number(h.profile.dayCount) : undefined);

function Trips({ site }: { site: PublicTransportSite }) {
  const { originZone, destinationZone } = site;
  const from = site.finding?.evaluatedFrom ?? "";
  const to = site.finding?.evaluatedTo ?? "";
  const answer = useAnswer(`od ${originZone} ${destinationZone} ${from} ${to}`, async (signal) => {
    const [profile, habit] = await Promise.all([
      all((pageToken) => query.listOdProfiles({ originZone, destinationZone, fromDate: from, toDate: to, weekdaysOnly: true, pageToken }, { signal })),
      all((pageToken) => query.listCommuterShares({ originZone, destinationZone, pageToken }, { signal })),
    ]);
    const rows: Hour[] = Array.from({ length: 24 }, (_, hour) => ({
      hour,
      profile: profile.flatMap((p) => p.profiles).find((p) => p.localHour === hour),
      habit: habit.flatMap((p) => p.shares).find((s) => s.localHour === hour),
    }));
    return { basis: profile[0]?.basis, rows };
  });
  return (
    <Show answer={answer}>
      {({ basis, rows }) =>
        rows.every((r) => !r.profile) ? (
          <Empty>No journey of this pair is known from plates.</Empty>
        ) : (
          <div class="two">
            <Figure id="persons_by_hour" title={<Term name="persons">Persons by hour of departure, mean weekday</Term>} rows={rows} rowKey={(r) => String(r.hour)} basis={basis}
              source={csvAddress("ListOdProfiles", { origin_zone: originZone, destination_zone: destinationZone, from_date: from, to_date: to, weekdays_only: "true" })}
              note="Outlined: persons imputed, because most of that hour's journeys passed no toll gantry."
              columns={[
                { name: "local_hour", title: "Hour", value: (r) => r.hour, figure: true },
                { name: "vehicles_per_day", title: "Vehicles", value: (r) => perDay(r, r.profile?.vehicleCount), figure: true },
                { name: "cars_per_day", title: "Cars", value: (r) => perDay(r, r.profile?.carCount), figure: true },
                { name: "persons_per_day", title: "Persons", value: (r) => perDay(r, r.profile?.persons), figure: true },
                { name: "journey_count", title: "Journeys known (n)", value: (r) => r.profile?.journeyCount, figure: true },
                { name: "day_count", title: "Days", value: (r) => r.profile?.dayCount, figure: true },
              ]}>
              <Bars label="Persons by hour" yLabel="persons per hour" xLabel="Hour of the local day"
                bars={rows.map((r) => ({ x: String(r.hour), value: perDay(r, r.profile?.persons), imputed: r.profile !== undefined && 2n * r.profile.measuredCount < r.profile.journeyCount }))} />
            </Figure>
            <Figure id="commuters_by_hour" title={<Term name="commuter">Share of habit, by hour</Term>} rows={rows} rowKey={(r) => String(r.hour)} basis={basis}
              source={csvAddress("ListCommuterShares", { origin_zone: originZone, destination_zone: destinationZone })}
              note="Who makes the same journey at the same time is who a bus can be planned for."
              columns={[
                { name: "local_hour", title: "Hour", value: (r) => r.hour, figure: true },
                { name: "commuter_share", title: "Share of habit", value: (r) => r.habit?.commuterShare, figure: true, show: (r) => percent(r.habit?.commuterShare) },
                { name: "journey_count", title: "Journeys (n)", value: (r) => r.habit?.journeyCount, figure: true },
                { name: "weekday_count", title: "Weekdays", value: (r) => r.habit?.weekdayCount, figure: true },
              ]}>
              <Bars label="Share of habitual journeys by hour" yLabel="percent of journeys" xLabel="Hour of the local day"
                bars={rows.map((r) => ({ x: String(r.hour), value: r.habit?.commuterShare === undefined ? undefined : r.habit.commuterShare * 100 }))} />
            </Figure>
          </div>
        )
      }
    </Show>
  );
}
