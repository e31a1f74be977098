package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/pandodb/pando/internal/bsonx"
)

// Compressor is how a message is compressed; the zero Compressor is not at all.
type Compressor uint8

// The compressors, each one more than its number on the wire.
const (
	Uncompressed Compressor = iota
	Noop
	Snappy
	Zlib
	Zstd
)

func (c Compressor) id() byte { return byte(c) - 1 }

// Compressors are the names that may be negotiated, in the order that mongod
// prefers by default.
func Compressors() []string { return []string{"snappy", "zstd", "zlib"} }

// Negotiate returns those of the client's compressors that are enabled, in the
// client's order.
func Negotiate(client, enabled []string) []string {
	var both []string
	for _, name := range client {
		if slices.Contains(enabled, name) && !slices.Contains(both, name) {
			both = append(both, name)
		}
	}
	return both
}

var (
	errClaim      = errors.New("the decompressed length is not the claimed one")
	errCompressor = errors.New("unknown compressor id")
)

// ratioMax is how many bytes one compressed byte may at most become. It tells a
// false claim before memory is given for it.
func (c Compressor) ratioMax() int {
	switch c {
	case Snappy:
		return 32 // three bytes copy 64.
	case Zlib:
		return 1032
	case Zstd:
		return 32 << 10 // a run of 128 KiB takes four bytes.
	}
	return 1
}

// plausible tells whether from bytes can become to.
func (c Compressor) plausible(from, to int) bool { return to <= (from+1)*c.ratioMax() }

// expand appends to dst what src holds, which must be exactly n bytes.
func (c Compressor) expand(dst, src []byte, n int) (_ []byte, err error) {
	if !c.plausible(len(src), n) {
		return dst, errClaim
	}
	at := len(dst)
	dst = slices.Grow(dst, n)
	switch c {
	case Noop:
		dst = append(dst, src...)
	case Snappy:
		var real int
		if real, err = snappy.DecodedLen(src); err == nil && real != n {
			return dst, errClaim
		}
		if err == nil {
			_, err = snappy.Decode(dst[at:at+n], src)
			dst = dst[:at+n]
		}
	case Zlib:
		dst, err = inflate(dst, src, n)
	case Zstd:
		// Bounded by the capacity: a frame that holds more is an error.
		var out []byte
		out, err = zstdDecoder().DecodeAll(src, dst[at:at:at+n])
		dst = dst[:at+len(out)]
	default:
		err = errCompressor
	}
	if err == nil && len(dst)-at != n {
		err = errClaim
	}
	return dst, err
}

// shrink appends src to dst, compressed.
func (c Compressor) shrink(dst, src []byte) []byte {
	switch c {
	case Snappy:
		at := len(dst)
		dst = slices.Grow(dst, snappy.MaxEncodedLen(len(src)))
		out := snappy.Encode(dst[at:cap(dst)], src)
		return dst[:at+len(out)]
	case Zlib:
		return deflate(dst, src)
	case Zstd:
		return zstdEncoder().EncodeAll(src, dst)
	}
	return append(dst, src...)
}

// The codecs are costly to make and have no state between calls: one zstd coder
// serves all goroutines, zlib's are pooled.
var (
	zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(bsonx.MessageBytesMax))
		if err != nil {
			panic(err) // the options are constant.
		}
		return d
	})
	zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2))
		if err != nil {
			panic(err)
		}
		return e
	})
	inflaters sync.Pool // of io.ReadCloser that are zlib.Resetters.
	deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}
)

func inflate(dst, src []byte, n int) ([]byte, error) {
	var z io.ReadCloser
	var err error
	if old, ok := inflaters.Get().(io.ReadCloser); ok {
		z, err = old, old.(zlib.Resetter).Reset(bytes.NewReader(src), nil)
	} else {
		z, err = zlib.NewReader(bytes.NewReader(src))
	}
	if err != nil {
		return dst, err
	}
	defer inflaters.Put(z)
	at := len(dst)
	dst = dst[:at+n]
	if _, err := io.ReadFull(z, dst[at:]); err != nil {
		return dst, err
	}
	if _, err := io.ReadFull(z, make([]byte, 1)); err != io.EOF {
		return dst, errClaim
	}
	return dst, nil
}

func deflate(dst, src []byte) []byte {
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	out := bytes.NewBuffer(dst)
	z.Reset(out)
	z.Write(src) // a buffer takes everything.
	z.Close()
	return out.Bytes()
}
