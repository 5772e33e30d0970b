package ingest

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// fault makes the gRPC status that ends a stream: the field at fault and one
// sentence, as text and as errdetails.BadRequest.
func fault(code codes.Code, field, problem string) error {
	sentence := field + " " + problem + "."
	s, err := status.New(code, sentence).WithDetails(&errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: sentence}},
	})
	if err != nil {
		return status.Error(code, sentence) // the details cannot be encoded
	}
	return s.Err()
}

func invalid(field, problem string) error { return fault(codes.InvalidArgument, field, problem) }

func invalidAt(device int, field, problem string) error {
	return invalid(fmt.Sprintf("batch.devices[%d]%s", device, field), problem)
}

func exhausted(field, problem string) error { return fault(codes.ResourceExhausted, field, problem) }

func precondition(field, problem string) error {
	return fault(codes.FailedPrecondition, field, problem)
}

// unavailable is for what another try, here or at another collector, mends.
func unavailable(reason string) error { return status.Error(codes.Unavailable, reason) }
