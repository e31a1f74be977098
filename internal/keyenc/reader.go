package keyenc

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// ErrTruncated is returned for bytes that end within an encoding, ErrCorrupt for
// bytes that begin none. Neither can happen to a key that Append made.
var (
	ErrTruncated = errors.New("keyenc: key ends within a value")
	ErrCorrupt   = errors.New("keyenc: not an encoded value")
)

// depthMax bounds nesting while decoding, so that damaged bytes cannot exhaust
// the stack. It is beyond what a document may have.
const depthMax = 400

// reader takes encoded bytes apart. After a failure it returns zeros.
type reader struct {
	src  []byte
	flip byte // 0xff where the bits are turned over: descending, or negative, not both.
	err  error
}

func newReader(src []byte, desc bool) reader {
	if desc {
		return reader{src: src, flip: 0xff}
	}
	return reader{src: src}
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.src = nil
}

func (r *reader) byte() byte {
	if len(r.src) == 0 {
		r.fail(ErrTruncated)
		return 0
	}
	b := r.src[0] ^ r.flip
	r.src = r.src[1:]
	return b
}

// peek is the next byte, which stays.
func (r *reader) peek() byte {
	if len(r.src) == 0 {
		r.fail(ErrTruncated)
		return 0
	}
	return r.src[0] ^ r.flip
}

// big reads size bytes as a number, the most significant first.
func (r *reader) big(size int) uint64 {
	if len(r.src) < size {
		r.fail(ErrTruncated)
		return 0
	}
	var v uint64
	for _, b := range r.src[:size] {
		v = v<<8 | uint64(b^r.flip)
	}
	r.src = r.src[size:]
	return v
}

// skip passes n bytes.
func (r *reader) skip(n int) {
	if n < 0 || len(r.src) < n {
		r.fail(ErrTruncated)
		return
	}
	r.src = r.src[n:]
}

// appendRaw copies n bytes to dst.
func (r *reader) appendRaw(dst []byte, n int) []byte {
	if n < 0 || len(r.src) < n {
		r.fail(ErrTruncated)
		return dst
	}
	at := len(dst)
	dst = append(dst, r.src[:n]...)
	if r.flip != 0 {
		invert(dst[at:])
	}
	r.src = r.src[n:]
	return dst
}

// untilEnd is the number of bytes before the next textEnd.
func (r *reader) untilEnd() int {
	n := bytes.IndexByte(r.src, textEnd^r.flip)
	if n < 0 {
		r.fail(ErrTruncated)
		return 0
	}
	return n
}

func (r *reader) skipText() { r.skip(r.untilEnd() + 1) }

// appendText copies a text and ends it with a zero byte, as BSON does.
func (r *reader) appendText(dst []byte) []byte {
	n := r.untilEnd()
	text := r.src[:n]
	for {
		plain := bytes.IndexByte(text, textEscape^r.flip)
		if plain < 0 {
			plain = len(text)
		}
		at := len(dst)
		dst = append(dst, text[:plain]...)
		if r.flip != 0 {
			invert(dst[at:])
		}
		if plain == len(text) {
			break
		}
		if plain+1 == len(text) {
			r.fail(ErrCorrupt)
			return dst
		}
		escaped := text[plain+1] ^ r.flip - 1
		if escaped > textEscape {
			r.fail(ErrCorrupt)
			return dst
		}
		dst = append(dst, escaped)
		text = text[plain+2:]
	}
	r.skip(n + 1)
	return append(dst, 0)
}

// appendString copies a text as a BSON string, with its length before it.
func (r *reader) appendString(dst []byte) []byte {
	at := len(dst)
	dst = r.appendText(append(dst, 0, 0, 0, 0))
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// length reads what appendLength wrote.
func (r *reader) length() int {
	n := r.byte()
	if n < lengthLong {
		return int(n)
	}
	size := int(n) - lengthLong + 1
	if size > 4 {
		r.fail(ErrCorrupt)
		return 0
	}
	return int(r.big(size))
}
