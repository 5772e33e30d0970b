package rows

import (
	"context"
	"errors"
	"net"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Codes of ClickHouse's errors that a caller can do something about.
const (
	unknownTable      = 60
	unknownDatabase   = 81
	tooManyRows       = 158
	timeoutExceeded   = 159
	tooSlow           = 160
	queriesAtOnce     = 202
	memoryLimit       = 241
	tooManyBytes      = 307
	cancelled         = 394
	resultTooLarge    = 396
	unknownIdentifier = 47
	accessDenied      = 497
	wrongPassword     = 516
)

// told turns an error of ClickHouse, or of the way to it, into a status whose
// message says what to do. Which table or setting it was is the operator's
// business and not the caller's, but for what is not built yet.
func (s *Source) told(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var says *chgo.Exception
	if errors.As(err, &says) {
		told := excepted(says)
		if status.Code(told) == codes.Internal {
			s.log.Error("ClickHouse could not answer a question", "error", says)
		}
		return told
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the caller left")
	case errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errTooLong
	case errors.Is(err, chgo.ErrAcquireConnTimeout):
		return status.Error(codes.ResourceExhausted, "too many questions at once: try again in a moment")
	}
	var network net.Error
	var op *net.OpError
	if errors.As(err, &network) && network.Timeout() && (!errors.As(err, &op) || op.Op != "dial") {
		return errTooLong // the deadline was the connection's, a moment before the context's
	}
	if network != nil || ctx.Err() == nil {
		s.log.Warn("ClickHouse does not answer", "error", err)
		return status.Error(codes.Unavailable, "ClickHouse does not answer: try again, and if it stays so look at /healthz and the collector's log")
	}
	return status.FromContextError(ctx.Err()).Err()
}

var errTooLong = status.Error(codes.DeadlineExceeded, "the answer takes too long: ask for a shorter time, fewer stations or a coarser bin")

func excepted(says *chgo.Exception) error {
	switch says.Code {
	case unknownTable, unknownDatabase, unknownIdentifier:
		return status.Error(codes.Unavailable, "the models are not built yet, or are older than this program: wait for dbt's next run, or run `dbt build`")
	case tooManyRows, tooManyBytes, resultTooLarge, memoryLimit:
		return status.Error(codes.ResourceExhausted, "the answer is too large: ask for a shorter time, fewer stations, a coarser bin or a smaller page")
	case timeoutExceeded, tooSlow:
		return errTooLong
	case queriesAtOnce:
		return status.Error(codes.ResourceExhausted, "ClickHouse has too many queries at once: try again in a moment")
	case cancelled:
		return status.Error(codes.Canceled, "the query was cancelled")
	case accessDenied, wrongPassword:
		return status.Errorf(codes.FailedPrecondition, "ClickHouse refuses the account that the collector uses: check the --clickhouse-…-password-file flags and the grants (code %d)", says.Code)
	}
	return status.Errorf(codes.Internal, "ClickHouse could not answer (code %d, %s): report it with the request", says.Code, says.Name)
}
