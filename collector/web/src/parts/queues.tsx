// Queues of bottlenecks as rows of a table.
import type { Bottleneck } from "../gen/gantry/v1/query_travel_pb";
import { km, num } from "../format";
import { link } from "../route";
import { dayText, minuteText } from "../time";
import type { Column } from "./table";
import { Term } from "./term";

export const queueColumns: Column<Bottleneck>[] = [
  { name: "local_date", title: "Date", value: (b) => b.localDate, show: (b) => <a class="nowrap" href={link("corridor", { road: b.road, direction: b.direction, date: b.localDate })}>{dayText(b.localDate)}</a> },
  { name: "link_id", title: "Link", value: (b) => b.linkId, show: (b) => <span class="nowrap">{b.linkId}</span> },
  { name: "down_station_id", title: "Told at station", value: (b) => b.downStationId, show: (b) => <a class="nowrap" href={link("station", { station: b.downStationId, date: b.localDate })}>{b.downStationId}</a> },
  { name: "first_minute", title: "From", value: (b) => b.firstMinute, figure: true, show: (b) => minuteText(b.firstMinute) },
  { name: "last_minute", title: "To", value: (b) => b.lastMinute, figure: true, show: (b) => minuteText(b.lastMinute) },
  { name: "active_min", title: "Active, min", value: (b) => b.activeMin, figure: true },
  { name: "queue_length_m", title: "Longest, km", value: (b) => b.queueLengthM, figure: true, show: (b) => km(b.queueLengthM) },
  { name: "delay_vehicle_h", title: <Term name="delay">Delay, veh-h</Term>, value: (b) => b.delayVehicleH, figure: true, show: (b) => num(b.delayVehicleH) },
  { name: "delay_person_h", title: <Term name="personDelay">Person delay, h</Term>, value: (b) => b.delayPersonH, figure: true, show: (b) => num(b.delayPersonH) },
  { name: "is_measured", title: "Measured throughout", value: (b) => b.isMeasured },
];
