// Package recorded reads traffic that somebody else recorded, or simulated, so
// that it flows through the same devices and the same uplink as the simulated
// world: per-vehicle loop output of SUMO, and the per-vehicle records of
// Finland's roads.
//
// Order of operations:
//  1. Read opens a file, gzip'd or not, and turns its rows into plain records
//     of package world, in order of time. Rows that are no passage are counted
//     with the reason and the first line where it occurred: Report.
//  2. Draft writes a network file for a recording: its stations, on roads that
//     are made up as far as the recording does not tell, and a part `recorded`
//     that names the recording by hash and says when its first record is to
//     happen. "Now" becomes a moment here, once: agents and whoever checks them
//     read it from the network file, on every start.
//  3. Make makes the world of a network file, recorded or simulated. It reads
//     the recording again and refuses one of another hash.
//
// SUMO, `instantInductionLoop`: one event for each enter, stay and leave of a
// vehicle on the loop of one lane. An enter is a passage: its time, speed (m/s)
// and length (m) are when the front crosses. A detector's identifier is
// STATION_LANE, lane 0 at the nearside; an identifier without a number at its
// end is a station with one lane. What to know of these files:
//   - Events are in order of simulation steps, not of time; within a step they
//     go back by up to its length.
//   - Nothing of a vehicle lies further apart than a step while it is on a loop.
//     Where it changes lane there, the one loop writes a leave without
//     occupancy and the other an enter, at the end of the same step. A vehicle
//     counts once per station until nothing was heard of it there for 10 s.
//   - A file cut out of a longer one begins with stays and leaves of vehicles
//     that entered before; they passed before the recording and are left out.
//   - Types are free names. What follows an @ is left out of the name, for it
//     makes a copy of a type for one vehicle.
//
// Fintraffic's traffic measurement system (TMS; in Finnish LAM), raw data, one
// row for each vehicle, sixteen fields between semicolons and no header:
//
//	point id; year, two digits; day of the year; hour; minute; second; 1/100 s;
//	length, m; lane; direction, 1 or 2; class; speed, km/h; faulty, 0 or 1;
//	total time, interval and queue start (technical, not used)
//
// Times are Finland's, EET and EEST; in the hour that comes twice in autumn, a
// row that goes back by more than a minute begins the second one. Classes
// are 1 car or delivery van, 2 truck, 3 bus, 4 semi-trailer truck, 5 truck with
// trailer, 6 and 7 car or delivery van with trailer or caravan; newer points
// give 0 to motorcycles. Rows that the operator marks as faulty are left out and
// counted. Lanes are numbered here by their rank among the numbers that occur in
// the direction, for the format does not say where its numbers begin. Each row
// is a vehicle of its own: the loops recognise none. Sources: Fintraffic,
// Digitraffic's "TMS documentation" (fields, units, classes, faulty flag), and
// Finnish Transport Infrastructure Agency, "TMS Data" (class 0). The data are
// Fintraffic / digitraffic.fi, licence CC 4.0 BY.
//
// Types and classes that nobody knows count as `other`, and are told with their
// number; a network file can explain them in recorded.classes.
//
// Invariants: a row that cannot be read costs that row alone, never the file,
// unless no row is left. What is read depends on the bytes of the file alone,
// never on when or where it is read: decimals are read into integers. At most
// world.MaxRecords passages are kept, all in memory, for an uplink must be able
// to open a device again at any position.
//
// What it does not do: it makes up no traffic between or after the records, and
// repeats none. Plates, tags, makes, axles and persons, which no recording
// has, are made up by package world.
package recorded
