package uplink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// link moves messages between a stream and the wire.
type link struct {
	in   chan *gantryv1.ConnectResponse
	out  chan any   // closing it closes the sending side
	done chan error // gets the stream's end, once

	conn     *grpc.ClientConn
	ctx      context.Context
	cancel   context.CancelCauseFunc
	beat     chan time.Duration
	watchdog *time.Timer
	silence  int
	quiet    time.Duration // after so long without a message the watchdog bites; set before Welcome is passed on
}

// errSilent says that the watchdog has bitten.
var errSilent = errors.New("uplink: the collector has gone silent")

// inbox is how many messages may wait for the driver, which may be busy
// opening cursors.
const inbox = 1024

// streamWindow is the HTTP/2 window of the agent's side, bytes: static, so
// that a slow agent cannot make the collector buffer much.
const streamWindow = 256 << 10

// dial starts a link. Errors of connecting come through done.
func dial(ctx context.Context, cfg Config, addr string) (*link, error) {
	conn, err := grpc.NewClient(addr,
		grpc.WithTransportCredentials(transportOf(cfg)),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(2*streamWindow),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithUserAgent("gantry-agent/"+cfg.Version),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(newCodec()), grpc.MaxCallRecvMsgSize(cfg.Limits.ReceiveBytes)),
	)
	if err != nil {
		return nil, fmt.Errorf("uplink: collector address %q: %w", addr, err)
	}
	// The stream outlives ctx: a stop waits for answers.
	sctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	if cfg.Token != "" {
		sctx = metadata.AppendToOutgoingContext(sctx, "authorization", "Bearer "+cfg.Token)
	}
	l := &link{
		in: make(chan *gantryv1.ConnectResponse, inbox), out: make(chan any), done: make(chan error, 1),
		conn: conn, ctx: sctx, cancel: cancel, beat: make(chan time.Duration, 1), silence: cfg.Timing.Silence,
	}
	l.watchdog = time.AfterFunc(cfg.Timing.Connect, func() { cancel(errSilent) })
	go l.run(l.out)
	return l, nil
}

// transportOf takes the certificates of this moment: each link has a
// connection of its own.
func transportOf(cfg Config) credentials.TransportCredentials {
	if cfg.TLS == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(cfg.TLS.Client(cfg.ServerName)) // an empty name takes the address's
}

// alive sets the heartbeat, both ways.
func (l *link) alive(every time.Duration) {
	if every <= 0 {
		return
	}
	l.beat <- every
}

// run opens the stream, starts the sender and receives.
func (l *link) run(out <-chan any) {
	st, err := gantryv1.NewIngestServiceClient(l.conn).Connect(l.ctx)
	if err != nil {
		l.done <- l.cause(err)
		return
	}
	go l.send(st, out)
	for {
		m, err := st.Recv()
		if err != nil {
			l.done <- l.cause(err)
			return
		}
		if w := m.GetWelcome(); w != nil {
			l.quiet = time.Duration(l.silence) * time.Duration(w.GetHeartbeatMs()) * time.Millisecond
			if l.quiet == 0 {
				l.watchdog.Stop()
			}
		}
		if l.quiet > 0 {
			l.watchdog.Reset(l.quiet)
		}
		select {
		case l.in <- m:
		case <-l.ctx.Done():
			l.done <- l.cause(l.ctx.Err())
			return
		}
	}
}

// cause prefers why the stream was cancelled to that it was.
func (l *link) cause(err error) error {
	if c := context.Cause(l.ctx); c != nil {
		return c
	}
	return err
}

// send is the one goroutine that sends. Send blocks while the collector takes
// nothing: that is the only back-pressure there is.
func (l *link) send(st gantryv1.IngestService_ConnectClient, out <-chan any) {
	var every time.Duration
	idle := time.NewTimer(time.Hour)
	defer idle.Stop()
	for {
		var m any
		var ok bool
		select {
		case m, ok = <-out:
			if !ok {
				_ = st.CloseSend() // always nil, says grpc
				return
			}
		case every = <-l.beat:
			idle.Reset(every)
			continue
		case <-idle.C:
			m = &gantryv1.ConnectRequest{Message: &gantryv1.ConnectRequest_Heartbeat{
				Heartbeat: &gantryv1.Heartbeat{SentAtUs: time.Now().UnixMicro()},
			}}
		case <-l.ctx.Done():
			return
		}
		if err := st.SendMsg(m); err != nil {
			return // Recv has the reason
		}
		if every > 0 {
			idle.Reset(every)
		}
	}
}

// close lets go of everything.
func (l *link) close() {
	l.watchdog.Stop()
	l.cancel(context.Canceled)
	_ = l.conn.Close() // the stream has ended; nothing is lost by an error
}
