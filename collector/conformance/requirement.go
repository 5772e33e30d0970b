package conformance

// Requirement is one thing that a client must do.
type Requirement struct {
	// ID names it.
	ID string
	// What it is, as a clause: "the client …".
	What string
	// Remedy is what to do when it fails.
	Remedy string
}

// The requirements' names.
const (
	reqHello       = "hello"
	reqWelcome     = "welcome"
	reqLeased      = "leased"
	reqNumbers     = "numbers"
	reqPositions   = "positions"
	reqBytes       = "same-bytes"
	reqAcceptable  = "acceptable"
	reqLimits      = "limits"
	reqWindow      = "window"
	reqWindowBytes = "window-bytes"
	reqLate        = "late-ack"
	reqPause       = "pause"
	reqHeartbeat   = "heartbeat"
	reqReject      = "reject"
	reqResend      = "resend"
	reqResendLater = "resend-later"
	reqRevoked     = "revoked"
	reqGranted     = "granted"
	reqResume      = "resume"
	reqHonest      = "honest"
	reqClaim       = "claim"
	reqDrain       = "drain"
	reqDrainWaits  = "drain-waits"
	reqReconnect   = "reconnect-after"
	reqGoAway      = "goaway"
	reqBackoff     = "backoff"
	reqSilence     = "silence"
	reqEnd         = "epoch-end"
)

// Requirements lists them in the order of the report.
func Requirements() []Requirement { return requirements }

var requirements = []Requirement{
	{reqHello, "says Hello first, and once, under the same agent_id each time", "make Hello the first message of every stream; keep agent_id, 1 to 128 bytes, over reconnects"},
	{reqWelcome, "sends no batch before Welcome", "wait for Welcome: it names the devices, positions and limits"},
	{reqLeased, "sends only for devices that were given to it", "send for what Welcome and Lease grant; the device must be in the network, and its id in Hello.static_devices or within Hello.capacity"},
	{reqNumbers, "numbers batches from 1 without a gap", "count batches of each stream; begin at 1 again with every stream"},
	{reqPositions, "sends the positions of an epoch without a gap, from the durable one on", "give seq at emission, from 1; begin a stream at the durable position + 1; send in order"},
	{reqBytes, "sends a reading again as the same bytes", "keep the encoded reading until its position is durable; put nothing of the time of sending into it"},
	{reqAcceptable, "sends only readings that a collector accepts", "see the code and field named; ranges stand in reading.proto"},
	{reqLimits, "keeps batches within Welcome.max_batch_bytes and max_batch_readings", "cut batches by both limits of Welcome"},
	{reqWindow, "keeps within the window's batches", "count batches that are sent and not answered, for each lane; Ack.batch_number answers all up to it"},
	{reqWindowBytes, "keeps within the window's bytes", "count the bytes of those batches too; with none under way one may always be sent"},
	{reqLate, "goes on when late acknowledgements come", "wait for room in the window, not for a time; an Ack may answer many batches at once"},
	{reqPause, "sends nothing while the window is zero batches, and goes on after", "take Flow at any time; the newest counts"},
	{reqHeartbeat, "sends a heartbeat when it has nothing else to send", "send Heartbeat when nothing was sent for Welcome.heartbeat_ms, also when the window is full"},
	{reqReject, "goes on behind a rejected reading and does not send it again", "take a Reject as an answer: log it, and go on at the next position"},
	{reqResend, "goes back to the position that a Resend names", "keep readings until they are durable; on Resend go on from from_seq"},
	{reqResendLater, "waits Resend.after_ms before it does", "hold that epoch back for after_ms; others may go on"},
	{reqRevoked, "stops sending for a device that was taken away", "take Lease.revoked at any time"},
	{reqGranted, "goes on at the granted position when it gets the device back", "take Lease.granted at any time, and begin at its durable position + 1"},
	{reqResume, "connects again after a cut and goes on at the durable position, skipping nothing", "begin each stream at Welcome's durable position + 1, also when an Ack never came"},
	{reqHonest, "names no position in Hello that was not acknowledged to it", "put into Hello.acknowledged only what an Ack or a Welcome named"},
	{reqClaim, "names acknowledged positions in Hello, or can send again what a collector does not know of", "a collector's notes may lag by seconds: put positions that an Ack named into Hello.acknowledged before you forget their readings"},
	{reqDrain, "on Drain sends no new batch and ends the stream", "stop, wait for what is under way to be answered, close the sending side"},
	{reqDrainWaits, "on Drain waits for what is under way before it ends the stream", "close only when the last batch is answered"},
	{reqReconnect, "connects again after a Drain, not sooner than told", "wait Drain.reconnect_after_ms"},
	{reqGoAway, "survives GOAWAY: the stream goes on, the next one comes over a new connection", "use a gRPC library that heeds GOAWAY, and make a new stream when one ends"},
	{reqBackoff, "waits between attempts when a collector refuses, and does not give up", "wait longer each time, from a fraction of a second to some seconds, less a random part"},
	{reqSilence, "leaves a collector that has gone silent", "end the stream when nothing came for three heartbeats: a connection may be dead and look open"},
	{reqEnd, "closes an epoch by EpochEnd at last_seq + 1 and sends nothing of it after", "send EpochEnd when the counter stops in good order, and begin a new epoch"},
}

func requirementOf(id string) *Requirement {
	for i := range requirements {
		if requirements[i].ID == id {
			return &requirements[i]
		}
	}
	return nil
}
