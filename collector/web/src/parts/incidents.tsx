// Suspected incidents: queues that are not recurrent.
import { useAnswer } from "../api/answer";
import { all, csvAddress, query } from "../api/client";
import type { SuspectedIncident } from "../gen/gantry/v1/query_travel_pb";
import { km, num, plural } from "../format";
import { link } from "../route";
import { dayText, minuteText } from "../time";
import { Empty, Show } from "./states";
import { Table, type Column } from "./table";
import { Term } from "./term";

export interface Where {
  road?: string;
  direction?: string;
  fromDate: string;
  toDate: string;
}

/** The suspected incidents of some dates; undefined asks nothing. */
export function useIncidents(w: Where | undefined) {
  return useAnswer(w && `incidents ${w.road ?? ""} ${w.direction ?? ""} ${w.fromDate} ${w.toDate}`, async (signal) => {
    const pages = await all((pageToken) => query.listSuspectedIncidents({ ...w, pageToken }, { signal }));
    return { basis: pages[0]?.basis, rows: pages.flatMap((p) => p.incidents) };
  });
}

const columns: Column<SuspectedIncident>[] = [
  { name: "local_date", title: "Date", value: (i) => i.localDate, show: (i) => <a class="nowrap" href={link("corridor", { road: i.road, direction: i.direction, date: i.localDate })}>{dayText(i.localDate)}</a> },
  { name: "road", title: "Road", value: (i) => `${i.road} ${i.direction}`, show: (i) => <span class="nowrap">{i.road} {i.direction}</span> },
  { name: "link_id", title: "Link", value: (i) => i.linkId, show: (i) => <span class="nowrap">{i.linkId}</span> },
  { name: "first_minute", title: "From", value: (i) => i.firstMinute, figure: true, show: (i) => minuteText(i.firstMinute) },
  { name: "last_minute", title: "To", value: (i) => i.lastMinute, figure: true, show: (i) => minuteText(i.lastMinute) },
  { name: "queue_length_m", title: "Longest, km", value: (i) => i.queueLengthM, figure: true, show: (i) => km(i.queueLengthM) },
  { name: "delay_vehicle_h", title: <Term name="delay">Delay, veh-h</Term>, value: (i) => i.delayVehicleH, figure: true, show: (i) => num(i.delayVehicleH) },
  { name: "queue_day_count", title: "Other days with a queue then", value: (i) => i.queueDayCount, figure: true },
  { name: "compared_day_count", title: "of days (n)", value: (i) => i.comparedDayCount, figure: true },
];

/** The list of them; when says of which days, as in a sentence. */
export function Incidents({ answer, where, when }: { answer: ReturnType<typeof useIncidents>; where: Where; when: string }) {
  return (
    <section class="card">
      <h2><Term name="incident">Suspected incidents {when}</Term></h2>
      <Show answer={answer} lines={2}>
        {({ basis, rows }) => rows.length === 0
          ? <Empty>None: every queue is one of other days too, or fewer than four days can be compared.</Empty>
          : <>
              <p class="note">{plural(rows.length, "queue")} at a place and time of day at which there hardly ever is one. What happened is not known.</p>
              <Table id="incidents" caption={`Suspected incidents ${when}`} rows={rows} rowKey={(i) => i.localDate + i.linkId + i.downStationId} columns={columns} basis={basis} rowsShown={10}
                source={csvAddress("ListSuspectedIncidents", { road: where.road, direction: where.direction, from_date: where.fromDate, to_date: where.toDate })} />
            </>}
      </Show>
    </section>
  );
}
