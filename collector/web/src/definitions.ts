// What each measure means, in one or two sentences. A term that a page shows
// and that is not here does not compile.

export interface Definition {
  title: string;
  text: string;
  source?: string;
}

export const definitions = {
  flow: { title: "Flow", text: "Vehicles that pass a place in a time, as vehicles per hour. From counters only; a vehicle seen by three instruments counts once. In a queue it is what gets through, not what wants to." },
  spaceMeanSpeed: { title: "Space-mean speed", text: "Harmonic mean of the speeds of single vehicles: the speed for which flow is density times speed. From cameras where there are any, else from counters." },
  fluency: { title: "Fluency", text: "Speed as a share of the station's own free-flow speed: below 10 % stationary, below 25 % queuing, below 75 % slow, below 90 % platooning, else fluent.", source: "Bands of Fintraffic's digitraffic" },
  freeFlow: { title: "Free-flow speed", text: "Speed at the station when the road is nearly empty, from its own history." },
  occupancy: { title: "Time occupancy", text: "Share of the time for which a lane's loop is covered by a vehicle. Not to be taken for persons per vehicle." },
  density: { title: "Density", text: "Vehicles per kilometre and lane, estimated as flow by space-mean speed." },
  capacity: { title: "Capacity", text: "Largest flow that a lane keeps up before it breaks down, in passenger-car equivalents per hour. Fitted where a queue at the site proves it; else the larger of a published default and what was seen." },
  fundamental: { title: "Fundamental diagram", text: "Flow by density. The rising arm is free flow, the top is capacity, the falling arm a queue." },
  v85: { title: "V85", text: "Speed that 85 of 100 drivers with a free road do not exceed. Vehicles that follow another or stand in a queue are left out, for they do not choose their speed." },
  overLimit: { title: "Share over the limit", text: "Vehicles with a free road that are faster than the limit in force, by all vehicles with a free road." },
  bottleneck: { title: "Bottleneck", text: "Place at which a queue begins: slow traffic upstream of a station, free traffic at it, for most of half an hour.", source: "Chen, Skabardonis and Varaiya 2004, as PeMS uses it" },
  incident: { title: "Suspected incident", text: "A queue at a link and a time of day at which fewer than one in five comparable days of the four weeks before had one; at least four such days, workdays with workdays. Gantry has no feed of incidents: what happened is not known.", source: "The models' thresholds for recurrent congestion, after PeMS practice" },
  delay: { title: "Delay", text: "Vehicle-hours spent in the whole queue beyond what the way takes at free-flow speed. Added up over 5-minute bins, never computed from mean speeds." },
  personDelay: { title: "Person delay", text: "Delay times the persons in the vehicles, which toll gantries count; elsewhere they are imputed from hours and roads that have a gantry." },
  saving: { title: "Predicted benefit", text: "Delay that the measure would save on a mean workday, computed from the demand and queues of the days looked at. A lower bound where demand was more than the instruments saw." },
  interval: { title: "95 % interval", text: "Where the true value lies with 95 % confidence, by how far the days differ. A verdict whose interval reaches over the threshold is a close one." },
  verdict: { title: "Verdict", text: "Yes and no hold the measure against the threshold. Insufficient evidence means that the data do not tell, for instance because instruments were sick: it is neither." },
  shift: { title: "Share of departures moved", text: "Share of the trips that begin in the busiest hours and would begin earlier or later instead." },
  buses: { title: "Buses needed", text: "Buses that would carry those who change, on a workday." },
  commuter: { title: "Commuter share", text: "Journeys of a vehicle that makes the same journey within 15 minutes by the clock on at least three of the weekdays looked at. From keyed tokens; no plate is known here." },
  persons: { title: "Persons", text: "Persons in the vehicles, drivers included, as toll gantries count them; imputed where there is none." },
  completeness: { title: "Completeness", text: "How much of what should have come is there. What is missing is hatched in charts and never counted as zero." },
  asOf: { title: "Data as of", text: "End of the newest data that the answer may rest on, by the devices' clocks. Its age is told from that, not from when the page was loaded." },
  deviceState: { title: "Device state", text: "healthy, or the first check of the UTC day that fails: no data, insufficient, stuck, constant zero, implausible, intermittent, disagreeing with its neighbours, drifting class mix, clock off. Sick devices never count as evidence.", source: "After PeMS" },
  lost: { title: "Lost readings", text: "Readings that a device numbered in a run that has ended and that never arrived. Not known while the run goes on." },
  lag: { title: "Lag", text: "How far a stage is behind the one before." },
  enforceable: { title: "Enforceable speed", text: "Measured speed less the tolerance of the instrument: ±5 km/h below 100 km/h, ±5 % from there on.", source: "France, arrêté of 4 June 2009" },
  usable: { title: "Usable", text: "The reading can prove the violation: the plate was read surely enough, the camera was healthy and known to the network, and speed and clock are plausible." },
} as const satisfies Record<string, Definition>;

export type TermName = keyof typeof definitions;
