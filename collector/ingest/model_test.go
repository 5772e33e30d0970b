package ingest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/gantry-dev/gantry/collector/kafka"
	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// The model: agents that lose streams and send again, collectors that die
// with their tables, and a Kafka that acknowledges records in any order
// between partitions, or never. All in virtual time: one step at a time, in
// an order that rapid draws. `-rapid.seed` repeats a run.

const (
	modelDevices = 3
	modelEpoch   = uint32(20_000 << epochBits)
	modelLength  = 40 // readings of each device
)

// world is all of it.
type modelWorld struct {
	t       *rapid.T
	cfg     Config
	network *kafka.NetworkSnapshot

	log         map[string]bool   // what Kafka has acknowledged: device/seq
	letters     map[string]bool   // of these, dead letters
	checkpoints map[string]uint64 // the position topic, compacted
	collectors  []*modelCollector
	agents      []*modelAgent
}

type modelCollector struct{ table *table }

// modelAgent carries all devices, as two agents with the same devices may.
type modelAgent struct {
	acked   map[string]uint64 // named by an Ack
	next    map[string]uint64 // next to send in this stream
	resend  bool
	stream  *modelStream
	carries []string
}

type modelStream struct {
	collector *modelCollector
	intake    intake
	window    *window
	number    uint64
	pending   []*modelRecord // given to Kafka, not acknowledged
}

type modelRecord struct {
	flight *flight
	key    string
	letter bool
}

func newModelWorld(t *rapid.T) *modelWorld {
	w := &modelWorld{t: t, log: map[string]bool{}, letters: map[string]bool{}, checkpoints: map[string]uint64{},
		network: &kafka.NetworkSnapshot{Devices: map[string]*kafka.DeviceInfo{}}}
	w.cfg = DefaultConfig("model", kafka.DefaultClientConfig("none"))
	var all []string
	for i := range modelDevices {
		id := fmt.Sprintf("D%d", i)
		all = append(all, id)
		w.network.Devices[id] = &kafka.DeviceInfo{ID: id, Kind: 1, Lanes: 3}
	}
	for range 2 {
		w.collectors = append(w.collectors, &modelCollector{newTable(100)})
		w.agents = append(w.agents, &modelAgent{acked: map[string]uint64{}, carries: all})
	}
	return w
}

// bad says which readings are refused: a function of identity, as it must be.
func bad(device string, seq uint64) bool { return (seq+uint64(device[1]))%7 == 0 }

func modelReading(device string, seq uint64) []byte {
	r := sample(1)
	if bad(device, seq) {
		r.Lane = 9
	}
	raw, err := proto.Marshal(r)
	if err != nil {
		panic(err)
	}
	return raw
}

func (w *modelWorld) connect(a *modelAgent) {
	c := w.collectors[rapid.IntRange(0, len(w.collectors)-1).Draw(w.t, "collector")]
	a.resend = rapid.IntRange(0, 9).Draw(w.t, "resend") == 0
	h := &gantryv1.Hello{AgentId: "a", Resend: a.resend}
	a.next = map[string]uint64{}
	for _, d := range a.carries {
		h.Acknowledged = append(h.Acknowledged, &gantryv1.Position{DeviceId: d, Epoch: modelEpoch, Seq: a.acked[d]})
		a.next[d] = max(a.acked[d], c.table.durable(d, modelEpoch)) + 1
		if a.resend || rapid.IntRange(0, 9).Draw(w.t, "early") == 0 {
			a.next[d] = 1 // an agent that knows nothing starts again
		}
	}
	a.stream = &modelStream{collector: c, window: newWindow(4, 1<<20)}
	a.stream.intake = intake{cfg: &w.cfg, session: newSession(c.table, h, time.Minute), agentID: "a"}
}

// send sends a batch of some devices; sometimes it leaves readings out.
func (w *modelWorld) send(a *modelAgent) {
	s := a.stream
	if s.window.full() {
		return
	}
	s.number++
	msg := protowire.AppendVarint(protowire.AppendTag(nil, batchNumber, protowire.VarintType), s.number)
	for _, d := range a.carries {
		n := rapid.IntRange(0, 4).Draw(w.t, "n")
		if rapid.IntRange(0, 15).Draw(w.t, "gap") == 0 {
			a.next[d] += 2
		}
		last := min(a.next[d]+uint64(n), modelLength+1)
		if last <= a.next[d] {
			continue
		}
		var b []byte
		b = protowire.AppendString(protowire.AppendTag(b, deviceBatchID, protowire.BytesType), d)
		b = protowire.AppendVarint(protowire.AppendTag(b, deviceBatchEpoch, protowire.VarintType), uint64(modelEpoch))
		b = protowire.AppendVarint(protowire.AppendTag(b, deviceBatchFirstSeq, protowire.VarintType), a.next[d])
		for q := a.next[d]; q < last; q++ {
			b = protowire.AppendBytes(protowire.AppendTag(b, deviceBatchReadings, protowire.BytesType), modelReading(d, q))
		}
		a.next[d] = last
		msg = protowire.AppendBytes(protowire.AppendTag(msg, batchDevices, protowire.BytesType), b)
	}
	var b batch
	if err := scanBatch(msg, &b, &w.cfg); err != nil {
		w.t.Fatal(err)
	}
	f, err := s.intake.take(&b, len(msg), time.Unix(20_000*86400, 0), w.network)
	if err != nil {
		w.t.Fatal(err)
	}
	s.window.push(f)
	for i := range f.records {
		s.pending = append(s.pending, w.record(f, i))
	}
	if len(f.records) == 0 {
		w.complete(a, s, f)
	}
}

// record reads a record's identity back from its value.
func (w *modelWorld) record(f *flight, i int) *modelRecord {
	if f.records[i].Topic == kafka.TopicDeadLetter {
		var d gantryv1.DeadLetter
		if err := proto.Unmarshal(f.records[i].Value, &d); err != nil {
			w.t.Fatal(err)
		}
		return &modelRecord{f, fmt.Sprintf("%s/%d", d.Reject.DeviceId, d.Reject.Seq), true}
	}
	var r gantryv1.Reading
	if err := proto.Unmarshal(f.records[i].Value, &r); err != nil {
		w.t.Fatal(err)
	}
	return &modelRecord{f, fmt.Sprintf("%s/%d", r.DeviceId, r.Seq), false}
}

// acknowledge lets Kafka answer one record, whichever.
func (w *modelWorld) acknowledge(a *modelAgent, s *modelStream) {
	if len(s.pending) == 0 {
		return
	}
	i := rapid.IntRange(0, len(s.pending)-1).Draw(w.t, "record")
	r := s.pending[i]
	s.pending = slices.Delete(s.pending, i, i+1)
	w.log[r.key] = true
	if r.letter {
		w.letters[r.key] = true
	}
	if r.flight.remaining.Add(-1) == 0 {
		w.complete(a, s, r.flight)
	}
}

// complete is stream.completed without the shell. a is nil when the agent is
// gone.
func (w *modelWorld) complete(a *modelAgent, s *modelStream, f *flight) {
	answered, err := s.window.complete(f.number)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := s.window.complete(f.number); !errors.Is(err, errAckedTwice) {
		w.t.Fatalf("completing batch %d twice: %v", f.number, err)
	}
	for _, x := range answered {
		if err := s.collector.table.apply(x.advances, 1, "a"); err != nil {
			w.t.Fatal(err)
		}
		s.window.sent(1, x.bytes)
		if a == nil || a.stream != s {
			continue
		}
		for _, p := range s.collector.table.durables(x.touched) {
			a.acked[p.DeviceId] = max(a.acked[p.DeviceId], p.Seq)
		}
		for _, r := range x.resends {
			a.next[r.DeviceId] = min(a.next[r.DeviceId], r.FromSeq)
		}
	}
	w.check()
}

// check holds after every step: what is called durable, by whomever, is in
// Kafka, all of it, and each bad reading as a dead letter.
func (w *modelWorld) check() {
	durable := func(who, device string, seq uint64) {
		for q := uint64(1); q <= seq; q++ {
			k := fmt.Sprintf("%s/%d", device, q)
			if !w.log[k] {
				w.t.Fatalf("%s says %s is durable up to %d, but %d is not in Kafka", who, device, seq, q)
			}
			if w.letters[k] != bad(device, q) {
				w.t.Fatalf("%s is a dead letter: %v, want %v", k, w.letters[k], bad(device, q))
			}
		}
	}
	for i, c := range w.collectors {
		for d := range c.table.devices {
			durable(fmt.Sprintf("collector %d", i), d, c.table.durable(d, modelEpoch))
		}
	}
	for i, a := range w.agents {
		for d, seq := range a.acked {
			durable(fmt.Sprintf("agent %d", i), d, seq)
		}
	}
	for d, seq := range w.checkpoints {
		durable("a checkpoint", d, seq)
	}
}

// checkpoint writes some of what moved; the other collector reads it.
func (w *modelWorld) checkpoint(c *modelCollector) {
	rows, records := c.table.checkpoints(rapid.IntRange(1, 3).Draw(w.t, "limit"), "model")
	if rapid.IntRange(0, 3).Draw(w.t, "fails") == 0 {
		c.table.retry(rows)
		return
	}
	for _, r := range records {
		w.checkpoints[r.Position.DeviceId] = r.Position.Seq
		for _, other := range w.collectors {
			if err := other.table.merge(r); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// kill replaces a collector by one that knows only the position topic.
func (w *modelWorld) kill(i int) {
	t := newTable(100)
	for d, seq := range w.checkpoints {
		if err := t.merge(&gantryv1.Checkpoint{Position: &gantryv1.Position{DeviceId: d, Epoch: modelEpoch, Seq: seq}}); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, a := range w.agents {
		if a.stream != nil && a.stream.collector == w.collectors[i] {
			a.stream = nil
		}
	}
	w.collectors[i] = &modelCollector{t}
}

func TestNothingIsAcknowledgedBeforeKafka(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newModelWorld(t)
		for range rapid.IntRange(20, 200).Draw(t, "steps") {
			a := w.agents[rapid.IntRange(0, 1).Draw(t, "agent")]
			if a.stream == nil {
				w.connect(a)
			}
			switch rapid.IntRange(0, 19).Draw(t, "step") {
			case 0:
				old := a.stream
				a.stream = nil
				for range rapid.IntRange(0, 9).Draw(t, "late") {
					w.acknowledge(nil, old) // Kafka goes on without the agent
				}
			case 1:
				w.kill(rapid.IntRange(0, 1).Draw(t, "killed"))
			case 2, 3, 4:
				w.checkpoint(w.collectors[rapid.IntRange(0, 1).Draw(t, "writer")])
			case 5, 6, 7, 8, 9:
				w.send(a)
			default:
				w.acknowledge(a, a.stream)
			}
			w.check()
		}
		w.finish()
	})
}

// finish: when nothing fails any longer, everything becomes durable.
func (w *modelWorld) finish() {
	a := w.agents[0]
	for range 200 {
		if a.stream == nil {
			w.connect(a)
		}
		w.send(a)
		for len(a.stream.pending) > 0 {
			w.acknowledge(a, a.stream)
		}
		done := true
		for _, d := range a.carries {
			done = done && a.acked[d] == modelLength
			if a.next[d] > modelLength && a.acked[d] < modelLength {
				a.next[d] = a.acked[d] + 1
			}
		}
		if done {
			return
		}
	}
	w.t.Fatalf("after everything was sent and answered, acknowledged are %v, want %d of each", a.acked, modelLength)
}
