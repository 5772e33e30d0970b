// Command send-readings stands between an instrument and a collector: it reads
// one JSON reading a line from standard input, as
//
//	{"lane": 1, "observedAtUs": "1772784000000000", "counter": {"vehicleClass": "VEHICLE_CLASS_CAR", "lengthCm": 430, "occupiedMs": 180}}
//
// gives each the next position of an epoch that begins now, and sends them
// until every one is durable. The input's end is the epoch's end. What backlog
// decides is the protocol; this file is the wire.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// maxBacklog bounds memory: with more the instrument is not read.
const maxBacklog = 100_000

func main() {
	collector := flag.String("collector", "127.0.0.1:50051", "collector's gRPC address")
	device := flag.String("device", "", "device, as the network names it")
	token := flag.String("token-file", "", "file with the agent's token; none without it")
	flag.Parse()
	now := time.Now().UTC()
	s := sender{agent: "example-" + *device, lines: make(chan *gantryv1.Reading), ctx: context.Background()}
	// The day and the second at which the counter began name the epoch: a
	// device that starts again begins a new one, and needs no disk.
	s.backlog = &backlog{device: *device, epoch: uint32(now.Unix()/86400)<<17 | uint32(now.Unix()%86400)}
	if *token != "" {
		text, err := os.ReadFile(*token)
		if err != nil {
			log.Fatal(err)
		}
		s.ctx = metadata.AppendToOutgoingContext(s.ctx, "authorization", "Bearer "+strings.TrimSpace(string(text)))
	}
	conn, err := grpc.NewClient(*collector, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	go read(os.Stdin, s.lines)
	s.run(gantryv1.NewIngestServiceClient(conn))
	fmt.Printf("%s epoch=%d seq=%d\n", s.backlog.device, s.backlog.epoch, s.backlog.durable)
}

// read gives the readings of an instrument and closes the channel at its end.
func read(instrument io.Reader, to chan<- *gantryv1.Reading) {
	defer close(to)
	for lines := bufio.NewScanner(instrument); lines.Scan(); {
		r := &gantryv1.Reading{}
		if err := protojson.Unmarshal(lines.Bytes(), r); err != nil {
			log.Printf("a line is left out, for it is no reading: %v", err)
			continue
		}
		to <- r
	}
}

// sender keeps one stream open until the backlog is finished.
type sender struct {
	ctx     context.Context
	agent   string
	lines   chan *gantryv1.Reading // nil after its end
	backlog *backlog
}

// run connects again and again, each time later, and not all at once with
// other devices.
func (s *sender) run(ingest gantryv1.IngestServiceClient) {
	const first, longest = time.Second / 4, 10 * time.Second
	for pause := first; ; pause = min(2*pause, longest) {
		st, err := s.stream(ingest)
		switch {
		case s.backlog.finished:
			return
		case errors.Is(err, errForeign):
			log.Fatal(err)
		case st.welcomed:
			pause = first
		}
		wait := max(st.leaveAlone, pause/2+rand.N(pause/2+1))
		log.Printf("the stream ended: %v; connecting again in %v", err, wait)
		<-time.After(wait)
	}
}

// stream is one stream, from Hello to its end.
type stream struct {
	gantryv1.IngestService_ConnectClient
	welcomed   bool
	heartbeat  time.Duration
	sentAt     time.Time
	silence    *time.Timer   // ends a stream over which nothing comes
	leaveAlone time.Duration // before connecting again, after a Drain
	closed     bool          // the sending side
}

// errSilent says that nothing came for too long.
var errSilent = errors.New("the collector has gone silent")

func (s *sender) stream(ingest gantryv1.IngestServiceClient) (*stream, error) {
	ctx, cancel := context.WithCancelCause(s.ctx)
	defer cancel(nil)
	st := &stream{heartbeat: 15 * time.Second, silence: time.AfterFunc(15*time.Second, func() { cancel(errSilent) })}
	defer st.silence.Stop()
	var err error
	if st.IngestService_ConnectClient, err = ingest.Connect(ctx); err != nil {
		return st, err
	}
	st.say(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Hello{Hello: s.backlog.hello(s.agent)}})
	in := make(chan *gantryv1.ConnectResponse)
	go func() {
		for {
			response, err := st.Recv()
			if err != nil {
				cancel(err)
				return
			}
			select {
			case in <- response:
			case <-ctx.Done():
				return
			}
		}
	}()
	tick := time.NewTicker(200 * time.Millisecond) // readings are gathered for so long
	defer tick.Stop()
	for {
		lines := s.lines
		if len(s.backlog.readings) >= maxBacklog {
			lines = nil
		}
		select {
		case <-ctx.Done():
			return st, context.Cause(ctx)
		case m := <-in:
			if err := s.take(st, m); err != nil {
				return st, err
			}
			s.send(st) // there may be room now
		case r, ok := <-lines:
			if ok {
				s.backlog.add(r)
			} else {
				s.lines = nil
				s.backlog.close()
			}
		case <-tick.C:
			s.send(st)
		}
	}
}

// take takes in a message of the collector.
func (s *sender) take(st *stream, m *gantryv1.ConnectResponse) error {
	if w := m.GetWelcome(); w != nil {
		st.welcomed, st.heartbeat = true, time.Duration(w.GetHeartbeatMs())*time.Millisecond
	}
	st.silence.Reset(3 * st.heartbeat)
	if d := m.GetDrain(); d != nil {
		st.leaveAlone = time.Duration(d.GetReconnectAfterMs()) * time.Millisecond
	}
	for _, r := range m.GetAck().GetRejects() {
		log.Printf("reading %d was refused and is not sent again: %s", r.GetSeq(), r.GetReason())
	}
	return s.backlog.take(m)
}

// send sends what the window allows, a heartbeat when there is nothing, and
// ends the stream when all is said.
func (s *sender) send(st *stream) {
	if !st.welcomed || st.closed {
		return
	}
	for m := s.backlog.batch(time.Now()); m != nil; m = s.backlog.batch(time.Now()) {
		st.say(m)
	}
	if (s.backlog.draining || s.backlog.finished) && len(s.backlog.flight) == 0 {
		st.closed = true
		_ = st.CloseSend() // always nil, says grpc
	} else if time.Since(st.sentAt) >= st.heartbeat {
		st.say(&gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Heartbeat{
			Heartbeat: &gantryv1.Heartbeat{SentAtUs: time.Now().UnixMicro()},
		}})
	}
}

func (st *stream) say(m *gantryv1.ConnectRequest) {
	_ = st.Send(m) // Recv has the reason of an error
	st.sentAt = time.Now()
}
