import { useState } from "preact/hooks";
import { useAnswer } from "../api/answer";
import { enforcement } from "../api/client";
import type { AverageSpeedViolation, Violation } from "../gen/gantry/v1/query_enforcement_pb";
import type { Basis } from "../gen/gantry/v1/query_basis_pb";
import { num, plural } from "../format";
import { stationText, useNetwork, useZone } from "../network";
import { PageHead, Pick, Select } from "../parts/controls";
import { BasisLine, dayMs, Empty, Show } from "../parts/states";
import { Table, type Column } from "../parts/table";
import { Term } from "../parts/term";
import { choose, useRoute } from "../route";
import { secondText, type Zone } from "../time";

/** Why it is asked; kept with the tab, not in the address, which others may see. */
const purposeKey = "gantry.purpose";

export default function Enforcement() {
  const { params } = useRoute();
  const [purpose, setPurpose] = useState(sessionStorage.getItem(purposeKey) ?? "");
  const kind = params.kind === "section" ? "section" : "spot";
  return (
    <>
      <PageHead question="Who drove too fast, and can it be proved?" />
      <form class="card ask" onSubmit={(e) => {
        e.preventDefault();
        const text = String(new FormData(e.currentTarget).get("purpose") ?? "").trim();
        sessionStorage.setItem(purposeKey, text);
        setPurpose(text);
      }}>
        <label for="purpose"><span>Why you ask. Each look is written to the audit log with who, what, when and this.</span>
          <input id="purpose" name="purpose" type="text" required minLength={3} maxLength={200} placeholder="case number, complaint, audit" defaultValue={purpose} autocomplete="off" />
        </label>
        <button type="submit">Show violations</button>
      </form>
      {purpose === "" ? (
        <Empty>Violations are personal data. They are shown to the enforcement role, once a purpose is given.</Empty>
      ) : kind === "spot" ? <Spot purpose={purpose} /> : <Section purpose={purpose} />}
    </>
  );
}

interface Page {
  basis?: Basis;
  nextPageToken: string;
  violations: unknown[];
}

/** All that match, of which a page may hold only the newest. */
const total = (data: Page) => Math.max(data.violations.length, Number(data.basis?.completeness?.expectedCount ?? 0n));
const rest = (data: Page) => (data.nextPageToken ? ` The newest ${num(data.violations.length)} are listed.` : "");

function Choices() {
  const { params } = useRoute();
  const n = useNetwork();
  return (
    <div class="controls">
      <Pick label="Measured" value={params.kind === "section" ? "section" : "spot"} choices={[{ value: "spot", text: "at a camera" }, { value: "section", text: "over a section" }]} onChange={(v) => choose({ kind: v === "spot" ? undefined : v, evidence: undefined })} />
      <Select label="Station" value={params.station ?? ""} choices={[{ value: "", text: "all" }, ...n.stations.filter((s) => s.hasCamera).map((s) => ({ value: s.stationId, text: stationText(s, s.stationId) }))]} onChange={(v) => choose({ station: v })} />
      <Pick label="Over by" value={params.over ?? "0"} choices={["0", "10", "20", "40"].map((v) => ({ value: v, text: `${v} km/h` }))} onChange={(v) => choose({ over: v === "0" ? undefined : v })} />
      <Pick label="Show" value={params.usable ?? "yes"} choices={[{ value: "yes", text: "usable" }, { value: "all", text: "all" }]} onChange={(v) => choose({ usable: v === "yes" ? undefined : v })} />
    </div>
  );
}

function useFilter() {
  const { params } = useRoute();
  return { usableOnly: params.usable !== "all", minOverKmh: Number(params.over ?? 0), pageSize: 1000, station: params.station ?? "" };
}

function Spot({ purpose }: { purpose: string }) {
  const zone = useZone();
  const n = useNetwork();
  const { params } = useRoute();
  const { station, ...filter } = useFilter();
  const answer = useAnswer(`violations ${purpose} ${JSON.stringify(filter)} ${station}`, (signal) => enforcement.listViolations({ purpose, stationId: station, ...filter }, { signal }), { private: true });
  const key = (v: Violation) => `${v.deviceId}~${v.epoch}~${v.seq}`;
  return (
    <Show answer={answer}>
      {(data) => {
        const chosen = data.violations.find((v) => key(v) === params.evidence);
        return (
          <>
            <p class="answer" data-testid="answer">{data.violations.length === 0 ? "Nobody, in the last 24 hours of data." : `${plural(total(data), "violation")} in the last 24 hours of data; ${num(data.basis?.completeness?.measuredCount)} can be proved.${rest(data)}`}</p>
            <BasisLine basis={data.basis} intervalMs={dayMs} />
            <Choices />
            {chosen && <Evidence violation={chosen} purpose={purpose} zone={zone} />}
            {data.violations.length === 0 ? <Empty>No violation matches.</Empty> : (
              <section class="card"><h2>Violations, the newest first</h2>
                <Table id="violations" caption="Violations at cameras" rows={data.violations} rowKey={key} basis={data.basis} columns={spotColumns(zone, (v) => stationText(n.byId.get(v.stationId), v.stationId), key)} chosen={params.evidence} />
              </section>
            )}
          </>
        );
      }}
    </Show>
  );
}

function spotColumns(zone: Zone, where: (v: Violation) => string, key: (v: Violation) => string): Column<Violation>[] {
  return [
    { name: "observed_at_utc", title: `Time, ${zone.label}`, value: (v) => v.observedAt, show: (v) => <span class="nowrap">{secondText(new Date(v.observedAt), zone)}</span> },
    { name: "evidence", title: "Evidence", value: key, show: (v) => <button type="button" class="cell-link" onClick={() => choose({ evidence: key(v) })}>Evidence</button> },
    { name: "station_id", title: "Station", value: (v) => v.stationId, show: (v) => <span class="nowrap">{where(v)}</span> },
    { name: "lane", title: "Lane", value: (v) => v.lane, figure: true },
    { name: "vehicle_class", title: "Class", value: (v) => v.vehicleClass },
    { name: "measured_speed_kmh", title: "Measured, km/h", value: (v) => v.measuredSpeedKmh, figure: true, show: (v) => num(v.measuredSpeedKmh, 1) },
    { name: "tolerance_kmh", title: "Tolerance, km/h", value: (v) => v.toleranceKmh, figure: true, show: (v) => num(v.toleranceKmh, 1) },
    { name: "enforceable_speed_kmh", title: <Term name="enforceable">Enforceable, km/h</Term>, value: (v) => v.enforceableSpeedKmh, figure: true, show: (v) => num(v.enforceableSpeedKmh, 1) },
    { name: "limit_kmh", title: "Limit, km/h", value: (v) => v.limitKmh, figure: true },
    { name: "over_kmh", title: "Over, km/h", value: (v) => v.overKmh, figure: true, show: (v) => num(v.overKmh, 1) },
    { name: "calibration_state", title: "Camera", value: (v) => v.calibrationState },
    { name: "is_usable", title: <Term name="usable" />, value: (v) => v.isUsable },
  ];
}

/** The reading itself, with the plate; asked for one at a time and not kept. */
function Evidence({ violation: v, purpose, zone }: { violation: Violation; purpose: string; zone: Zone }) {
  const answer = useAnswer(`evidence ${purpose} ${v.deviceId} ${v.epoch} ${v.seq}`, (signal) => enforcement.getEvidence({ purpose, deviceId: v.deviceId, epoch: v.epoch, seq: v.seq }, { signal }), { private: true });
  return (
    <section class="evidence" id="evidence" aria-label="Evidence">
      <h2>Evidence: reading {String(v.seq)} of {v.deviceId}, epoch {v.epoch} <button type="button" onClick={() => choose({ evidence: undefined })}>Close</button></h2>
      <Show answer={answer} lines={3}>
        {(e) => (
          <dl class="facts card">
            <div><dt>Plate</dt><dd><strong>{e.plate || "none: not read, purged or expired"}</strong> ({e.confidencePercent} % sure)</dd></div>
            <div><dt>Time at the camera</dt><dd>{secondText(new Date(e.observedAt), zone)} {zone.label}</dd></div>
            <div><dt>Measured speed</dt><dd>{num(e.measuredSpeedKmh, 1)} km/h</dd></div>
            <div><dt>Limit that the camera saw</dt><dd>{e.limitKmh} km/h</dd></div>
            <div><dt>Lane and class</dt><dd>{e.lane}, {e.vehicleClass}</dd></div>
            <div><dt>Purpose, as logged</dt><dd>{purpose}</dd></div>
          </dl>
        )}
      </Show>
    </section>
  );
}

function Section({ purpose }: { purpose: string }) {
  const zone = useZone();
  const n = useNetwork();
  const { station, ...filter } = useFilter();
  const answer = useAnswer(`sections ${purpose} ${JSON.stringify(filter)} ${station}`, (signal) => enforcement.listAverageSpeedViolations({ purpose, fromStationId: station, ...filter }, { signal }), { private: true });
  return (
    <Show answer={answer}>
      {(data) => (
        <>
          <p class="answer" data-testid="answer">{data.violations.length === 0 ? "Nobody, in the last 24 hours of data." : `${plural(total(data), "violation")} over a section in the last 24 hours of data.${rest(data)}`}</p>
          <BasisLine basis={data.basis} intervalMs={dayMs} />
          <Choices />
          {data.violations.length === 0 ? <Empty>No violation matches.</Empty> : (
            <section class="card"><h2>Average speeds over a section, the newest first</h2>
              <Table id="section_violations" caption="Violations over a section" rows={data.violations} rowKey={(v) => `${v.toDeviceId}~${v.toEpoch}~${v.toSeq}`} basis={data.basis} columns={sectionColumns(zone, (id) => stationText(n.byId.get(id), id))} />
            </section>
          )}
        </>
      )}
    </Show>
  );
}

function sectionColumns(zone: Zone, where: (id: string) => string): Column<AverageSpeedViolation>[] {
  return [
    { name: "to_observed_at_utc", title: `Time, ${zone.label}`, value: (v) => v.toObservedAt, show: (v) => <span class="nowrap">{secondText(new Date(v.toObservedAt), zone)}</span> },
    { name: "from_station_id", title: "From", value: (v) => v.fromStationId, show: (v) => where(v.fromStationId) },
    { name: "to_station_id", title: "To", value: (v) => v.toStationId, show: (v) => where(v.toStationId) },
    { name: "length_m", title: "Length, m", value: (v) => v.lengthM, figure: true },
    { name: "travel_s", title: "Travel, s", value: (v) => v.travelS, figure: true, show: (v) => num(v.travelS, 1) },
    { name: "measured_speed_kmh", title: "Average, km/h", value: (v) => v.measuredSpeedKmh, figure: true, show: (v) => num(v.measuredSpeedKmh, 1) },
    { name: "enforceable_speed_kmh", title: <Term name="enforceable">Enforceable, km/h</Term>, value: (v) => v.enforceableSpeedKmh, figure: true, show: (v) => num(v.enforceableSpeedKmh, 1) },
    { name: "limit_kmh", title: "Limit, km/h", value: (v) => v.limitKmh, figure: true },
    { name: "over_kmh", title: "Over, km/h", value: (v) => v.overKmh, figure: true, show: (v) => num(v.overKmh, 1) },
    { name: "is_usable", title: <Term name="usable" />, value: (v) => v.isUsable },
    { name: "from_reading", title: "From reading", value: (v) => `${v.fromDeviceId}~${v.fromEpoch}~${v.fromSeq}`, hidden: true },
    { name: "to_reading", title: "To reading", value: (v) => `${v.toDeviceId}~${v.toEpoch}~${v.toSeq}`, hidden: true },
  ];
}
