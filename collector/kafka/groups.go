package kafka

// Consumer groups of the sink. Ingest reads their offsets to give agents
// credit for backfill by how far the sink is behind.
const (
	// GroupSinkLive reads TopicReading.
	GroupSinkLive = "gantry-sink-live"
	// GroupSinkBackfill reads TopicBackfill.
	GroupSinkBackfill = "gantry-sink-backfill"
	// GroupSinkReject reads TopicDeadLetter.
	GroupSinkReject = "gantry-sink-reject"
	// GroupSinkNetwork reads TopicNetwork.
	GroupSinkNetwork = "gantry-sink-network"
)
