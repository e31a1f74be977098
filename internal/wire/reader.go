package wire

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

const (
	headerBytes = 16

	// pieceBytes is how much of a large frame is allocated before its bytes
	// have been seen; each further piece may be as large as what came so far.
	pieceBytes = 64 << 10
)

// Reader reads the messages of one connection. It is not safe for concurrent
// use, but for [Reader.Watch] while no Read is running.
type Reader struct {
	r *bufio.Reader
}

// NewReader returns a Reader of r's bytes.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewReaderSize(r, 4096)} }

// Read waits for the next message.
//
//   - A message and no error: to be served, then released.
//   - A message and a *mongoerr.Error: the frame was sound but its contents are
//     not. Only RequestID, Op, Flags and Compressor of the message count. The
//     error is the answer, and the connection goes on.
//   - No message: the connection is over. The error is io.EOF if it ended
//     between two messages.
func (r *Reader) Read() (*Message, error) {
	head, err := r.r.Peek(headerBytes)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	size := int32(binary.LittleEndian.Uint32(head))
	if size < headerBytes || size > bsonx.MessageBytesMax {
		return nil, mongoerr.Newf(mongoerr.ProtocolError, "recv(): message msgLen %d is invalid. Min %d Max: %d",
			size, headerBytes, bsonx.MessageBytesMax)
	}
	m := messages.Get().(*Message)
	m.RequestID = int32(binary.LittleEndian.Uint32(head[4:]))
	m.ResponseTo = int32(binary.LittleEndian.Uint32(head[8:]))
	m.Op = OpCode(binary.LittleEndian.Uint32(head[12:]))
	var sum checksum
	sum.add(head)
	r.r.Discard(headerBytes) // cannot fail: the bytes are buffered.

	if m.buf, err = readFrame(r.r, m.buf, int(size)-headerBytes); err != nil {
		m.Release()
		return nil, err
	}
	fatal, err := m.parse(sum)
	if fatal {
		m.Release()
		return nil, err
	}
	return m, err
}

// readFrame reads n bytes into buf, which it grows as they come.
func readFrame(r io.Reader, buf []byte, n int) ([]byte, error) {
	buf = buf[:0]
	for len(buf) < n {
		piece := n - len(buf)
		if room := cap(buf) - len(buf); piece > room {
			piece = min(piece, max(pieceBytes, len(buf), room))
		}
		at := len(buf)
		buf = slices.Grow(buf, piece)[:at+piece]
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return buf, err
		}
	}
	return buf, nil
}

// parse understands the frame in m.buf. A fatal error is one after which the
// connection cannot be trusted any more.
func (m *Message) parse(sum checksum) (fatal bool, err error) {
	frame := m.buf
	if m.Op == OpCompressed {
		if err := m.decompress(); err != nil {
			return true, err
		}
		frame = m.plain
		sum = m.plainHeader()
	}
	switch m.Op {
	case OpMsg:
		return m.parseMsg(frame, sum)
	case OpQuery:
		return m.parseQuery(frame)
	}
	return true, mongoerr.Newf(mongoerr.ProtocolError, "Unsupported opcode %d", int32(m.Op))
}

// Watch waits until more bytes have come than are buffered, and leaves them
// there. It returns nil when more came, [bufio.ErrBufferFull] when no more can
// be held, and otherwise what ended the wait, such as io.EOF for a client that
// hung up. Whoever calls it ends it by a read deadline on the connection.
func (r *Reader) Watch() error {
	_, err := r.r.Peek(r.r.Buffered() + 1)
	return err
}

// Buffered is the number of bytes that came and were not read yet.
func (r *Reader) Buffered() int { return r.r.Buffered() }
