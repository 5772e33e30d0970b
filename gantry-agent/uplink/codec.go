package uplink

import (
	"sync"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// codec sends a Frame as it is and leaves everything else to protobuf.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal returns a Frame's two buffers; the body goes back to the pool once
// the transport has written it.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*Frame)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	body := f.body
	return mem.BufferSlice{mem.SliceBuffer(f.head), mem.NewBuffer(&body, bodies)}, nil
}

// bodyPool keeps the buffers of batches.
type bodyPool struct{ sync.Pool }

var bodies = &bodyPool{}

// Get returns an empty buffer; length is a wish.
func (p *bodyPool) Get(length int) *[]byte {
	if b, ok := p.Pool.Get().(*[]byte); ok {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, length)
	return &b
}

// Put takes a buffer back.
func (p *bodyPool) Put(b *[]byte) { p.Pool.Put(b) }

func newFrame() *Frame { return &Frame{body: *bodies.Get(64 << 10)} }
