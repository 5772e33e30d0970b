package ingest

import (
	"sync"

	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// frame is one message as received. Its bytes come from a pool of this
// package: the default pool of gRPC clears a whole tier of a megabyte for
// each batch.
type frame struct {
	b []byte
}

// framePool keeps buffers that grew to the batches in use.
var framePool = sync.Pool{New: func() any { return new(frame) }}

// release gives the bytes back. Nothing may point into them then.
func (f *frame) release() {
	if cap(f.b) > maxPooledBytes {
		f.b = nil
	}
	f.b = f.b[:0]
	framePool.Put(f)
}

// maxPooledBytes is the largest buffer that pools keep, so that one large
// batch does not hold its memory for ever.
const maxPooledBytes = 1 << 20

// codec is gRPC's proto codec, except that it copies a message into a *frame
// instead of decoding it where one is asked for.
type codec struct{}

// Marshal encodes messages as usual.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	return encoding.GetCodecV2(protocodec.Name).Marshal(v)
}

// Unmarshal copies into a frame; gRPC frees data when it returns.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*frame)
	if !ok {
		return encoding.GetCodecV2(protocodec.Name).Unmarshal(data, v)
	}
	n := data.Len()
	if cap(f.b) < n {
		f.b = make([]byte, n)
	}
	f.b = f.b[:n]
	data.CopyTo(f.b)
	return nil
}

// Name is the proto codec's: on the wire nothing differs.
func (codec) Name() string { return protocodec.Name }
