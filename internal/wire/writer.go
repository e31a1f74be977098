package wire

import (
	"encoding/binary"
	"io"
	"sync"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/invariant"
)

const (
	msgPrefix   = headerBytes + 4 + 1  // header, flags, section kind.
	replyPrefix = headerBytes + 4 + 16 // header, flags, cursor id, starting from, number returned.

	// OP_REPLY's flags.
	replyQueryFailure = 1 << 1
	replyAwaitCapable = 1 << 3
)

// Writer writes the replies of one connection. It is not safe for concurrent use.
type Writer struct {
	w      io.Writer
	nextID int32
	box    *[]byte // holds the buffer that Begin gave out, between Begin and Send.
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// buffers holds *[]byte: reply buffers.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Begin returns a buffer whose first bytes are set aside for the header of the
// reply to m. The caller appends one document and passes the result to
// [Writer.Send] or, if nothing is to be sent, to [Writer.Drop], before it begins
// another.
func (w *Writer) Begin(m *Message) []byte {
	w.box = buffers.Get().(*[]byte)
	n := msgPrefix
	if m.Op == OpQuery {
		n = replyPrefix
	}
	return append((*w.box)[:0], make([]byte, n)...)
}

// Drop gives an unsent buffer back.
func (w *Writer) Drop(buf []byte) {
	giveBack(w.box, buf)
	w.box = nil
}

func giveBack(box *[]byte, buf []byte) {
	if cap(buf) > keepBytesMax {
		buf = nil
	}
	*box = buf
	buffers.Put(box)
}

// Send writes the reply to m that is in buf, a buffer from [Writer.Begin], in one
// Write, and returns the request id that it gave the reply. more says that
// another reply follows unasked; it answers the reply before it by that id.
func (w *Writer) Send(m *Message, buf []byte, more bool) (id int32, err error) {
	w.nextID++
	id = w.nextID
	if m.Op == OpQuery {
		finishReply(m, buf, id)
	} else {
		buf = finishMsg(m, buf, id, more)
	}
	if m.Compressor == Uncompressed {
		_, err = w.w.Write(buf)
	} else {
		err = w.sendCompressed(m.Compressor, buf)
	}
	w.Drop(buf)
	return id, err
}

// sendCompressed writes the finished message buf inside an OP_COMPRESSED.
func (w *Writer) sendCompressed(c Compressor, buf []byte) error {
	box := buffers.Get().(*[]byte)
	out := append((*box)[:0], buf[:headerBytes]...)
	out = append(out, buf[12:headerBytes]...) // the opcode.
	out = binary.LittleEndian.AppendUint32(out, uint32(len(buf)-headerBytes))
	out = append(out, c.id())
	out = c.shrink(out, buf[headerBytes:])
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	binary.LittleEndian.PutUint32(out[12:], uint32(OpCompressed))
	_, err := w.w.Write(out)
	giveBack(box, out)
	return err
}

func finishMsg(m *Message, buf []byte, id int32, more bool) []byte {
	invariant.Check(len(buf) >= msgPrefix+5, "wire: a reply without a document")
	var flags Flags
	if more {
		flags |= MoreToCome
	}
	size := len(buf)
	if m.Flags&ChecksumPresent != 0 {
		flags |= ChecksumPresent
		size += checksumBytes
	}
	header{size: size, id: id, to: m.RequestID, op: OpMsg}.put(buf)
	binary.LittleEndian.PutUint32(buf[headerBytes:], uint32(flags))
	buf[headerBytes+4] = kindBody
	if flags&ChecksumPresent != 0 {
		var sum checksum
		sum.add(buf)
		buf = binary.LittleEndian.AppendUint32(buf, uint32(sum))
	}
	return buf
}

// header is what every message begins with.
type header struct {
	size int // of the whole message.
	id   int32
	to   int32 // the id of the message that this one answers, or 0.
	op   OpCode
}

// put writes the header over the first bytes of dst.
func (h header) put(dst []byte) {
	binary.LittleEndian.PutUint32(dst, uint32(h.size))
	binary.LittleEndian.PutUint32(dst[4:], uint32(h.id))
	binary.LittleEndian.PutUint32(dst[8:], uint32(h.to))
	binary.LittleEndian.PutUint32(dst[12:], uint32(h.op))
}

// finishReply fills in an OP_REPLY's header. A document that begins with $err is
// a query's failure and is marked as one.
func finishReply(m *Message, buf []byte, id int32) {
	invariant.Check(len(buf) >= replyPrefix+5, "wire: a reply without a document")
	header{size: len(buf), id: id, to: m.RequestID, op: OpReply}.put(buf)
	b := buf[headerBytes:]
	flags := uint32(replyAwaitCapable)
	if name, _ := bsonx.First(buf[replyPrefix:]); name == "$err" {
		flags = replyQueryFailure
	}
	binary.LittleEndian.PutUint32(b, flags)
	binary.LittleEndian.PutUint64(b[4:], 0)  // no cursor
	binary.LittleEndian.PutUint32(b[12:], 0) // starting from the first
	binary.LittleEndian.PutUint32(b[16:], 1) // of one document.
}

// AppendMsg appends a whole uncompressed OP_MSG: what a client sends.
func AppendMsg(dst []byte, requestID int32, flags Flags, body []byte, sequences ...Sequence) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, headerBytes)...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(flags))
	dst = append(dst, kindBody)
	dst = append(dst, body...)
	for _, s := range sequences {
		dst = append(dst, kindSequence)
		start := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = append(dst, s.ID...)
		dst = append(dst, 0)
		for _, d := range s.Docs {
			dst = append(dst, d...)
		}
		binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	}
	size := len(dst) - at
	if flags&ChecksumPresent != 0 {
		size += checksumBytes
	}
	header{size: size, id: requestID, op: OpMsg}.put(dst[at:])
	if flags&ChecksumPresent != 0 {
		var sum checksum
		sum.add(dst[at:])
		dst = binary.LittleEndian.AppendUint32(dst, uint32(sum))
	}
	return dst
}
