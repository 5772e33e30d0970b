package ingest

import "context"

// FlushCheckpoints writes what has moved, for tests that do not wait for the
// interval.
func (s *Server) FlushCheckpoints(ctx context.Context) error { return s.flushCheckpoints(ctx) }
