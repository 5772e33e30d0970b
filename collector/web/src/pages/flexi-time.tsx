import { useMemo } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import { Lines } from "../charts/lines";
import type { FlexiTimePoint, FlexiTimeSite } from "../gen/gantry/v1/query_screen_pb";
import { num, short } from "../format";
import { Figure } from "../parts/figure";
import { Screen } from "../parts/screen";
import { Empty, Show } from "../parts/states";
import { Term } from "../parts/term";
import { choose, link, useRoute } from "../route";
import { minuteText } from "../time";

const peakText = (peak: string) => (peak === "am" ? "morning peak" : "evening peak");
const text = (s: FlexiTimeSite) => `${s.road} ${s.direction}, ${peakText(s.peak)}`;
const window = (s: FlexiTimeSite) => `${minuteText(s.windowFromMinute)}–${minuteText(s.windowToMinute)}`;

const screen = { key: "flexi-time", ask: (signal: AbortSignal) => query.listFlexiTimeScreen({}, { signal }) };
export const early = () => [screen];

export default function FlexiTime() {
  const answer = useAnswer(screen.key, screen.ask);
  return (
    <Screen<FlexiTimeSite>
      id="flexi_time" question="Should flexi time be recommended?" noun={["peak", "peaks"]} answer={answer}
      siteKey={(s) => `${s.road}~${s.direction}~${s.peak}`} siteText={text} csv={csvAddress("ListFlexiTimeScreen", {})}
      best={(s, benefit) => `Most is to be had in the ${peakText(s.peak)} on ${s.road} ${s.direction}: other hours would save about ${benefit} a weekday.`}
      emptyText="No peak was looked at yet: the models need whole weekdays with matched plates."
      columns={[{ name: "busiest_hours", title: "Busiest hours", value: window }]}
      evidence={(s) => <Curve key={`${s.road}${s.direction}${s.peak}`} site={s} />}
    />
  );
}

/** What is saved at a share between the points that were computed; straight between them, and nothing at none. */
export function savedAt(points: FlexiTimePoint[], percent: number): number | undefined {
  const known = [{ x: 0, y: 0 }, ...points.filter((p) => p.savedVehicleHPerWeekday !== undefined).map((p) => ({ x: p.shiftPercent, y: p.savedVehicleHPerWeekday! }))];
  const after = known.findIndex((p) => p.x >= percent);
  if (after < 0 || known.length < 2) return undefined;
  if (after === 0) return known[0]!.y;
  const [a, b] = [known[after - 1]!, known[after]!];
  return a.y + ((b.y - a.y) * (percent - a.x)) / (b.x - a.x);
}

function Curve({ site }: { site: FlexiTimeSite }) {
  const { params } = useRoute();
  const shift = Number(params.shift ?? 10);
  const answer = useAnswer(`flexi curve ${site.road} ${site.direction}`, async (signal) => {
    const pages = await all((pageToken) => query.listFlexiTimeCurve({ road: site.road, direction: site.direction, pageToken }, { signal }));
    return { basis: pages[0]?.basis, points: pages.flatMap((p) => p.points) };
  });
  const points = useMemo(() => answer.data?.points.filter((p) => p.peak === site.peak) ?? [], [answer.data, site.peak]);
  const x = useMemo(() => [0, ...points.map((p) => p.shiftPercent)], [points]);
  const lines = useMemo(() => [{ label: "Delay saved", values: [0, ...points.map((p) => p.savedVehicleHPerWeekday ?? NaN)], colour: "series-0", width: 2.5 }], [points]);
  const upright = useMemo(() => [{ at: shift, label: `${shift} % moved`, colour: "series-1" }], [shift]);
  const most = x.at(-1) ?? 0;
  const saved = savedAt(points, shift);
  const best = points.reduce<FlexiTimePoint | undefined>((a, b) => ((b.savedVehicleHPerWeekday ?? -Infinity) > (a?.savedVehicleHPerWeekday ?? -Infinity) ? b : a), undefined);
  return (
    <Show answer={answer}>
      {({ basis }) =>
        points.length === 0 ? (
          <Empty>Nothing was computed for this peak.</Empty>
        ) : (
          <Figure id="curve" title={<Term name="shift">Delay saved by the share of departures moved</Term>} rows={points} rowKey={(p) => String(p.shiftPercent)} basis={basis}
            source={csvAddress("ListFlexiTimeCurve", { road: site.road, direction: site.direction })}
            note={<>Departures of {window(site)} that would begin earlier or later. Beyond a share, those who move meet the queue again, and the curve falls. <a href={link("corridor", { road: site.road, direction: site.direction })}>See the queue on the time–space diagram</a></>}
            columns={[
              { name: "shift_percent", title: "Moved, %", value: (p) => p.shiftPercent, figure: true },
              { name: "saved_vehicle_h_per_weekday", title: "Saved, veh-h a weekday", value: (p) => p.savedVehicleHPerWeekday, figure: true, show: (p) => short(p.savedVehicleHPerWeekday) },
              { name: "workday_count", title: "Workdays (n)", value: (p) => p.workdayCount, figure: true },
            ]}>
            <div class="slider">
              <label for="shift">Departures moved</label>
              <input id="shift" type="range" min={0} max={most} step={1} value={shift} aria-valuetext={`${shift} percent moved, ${short(saved)} vehicle-hours saved per weekday`}
                onInput={(e) => choose({ shift: e.currentTarget.value }, true)} />
              <output for="shift">{num(shift)} % moved saves {short(saved)} vehicle-hours a weekday</output>
            </div>
            {best && <p class="note">Most is saved at {best.shiftPercent} %: {short(best.savedVehicleHPerWeekday)} vehicle-hours. Between the shares that were computed ({points.map((p) => p.shiftPercent).join(", ")} %) the line is straight.</p>}
            <Lines label="Delay saved by share of departures moved" x={x} lines={lines} yLabel="vehicle-hours a weekday" xLabel="Departures of the busiest hours moved, %" upright={upright} height={260} />
          </Figure>
        )
      }
    </Show>
  );
}
