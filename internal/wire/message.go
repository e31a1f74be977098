package wire

import (
	"sync"

	"github.com/pandodb/pando/internal/bsonx"
)

// OpCode says what a message is.
type OpCode int32

// The opcodes that this package knows.
const (
	OpReply      OpCode = 1
	OpQuery      OpCode = 2004
	OpCompressed OpCode = 2012
	OpMsg        OpCode = 2013
)

// Flags are an OP_MSG's flag bits. Of the low sixteen an unknown one is an error;
// of the high sixteen it is ignored.
type Flags uint32

// The flag bits.
const (
	ChecksumPresent Flags = 1 << 0  // a CRC-32C follows the last section.
	MoreToCome      Flags = 1 << 1  // in a request: no reply is wanted; in a reply: another follows unasked.
	ExhaustAllowed  Flags = 1 << 16 // the sender can take replies with MoreToCome.

	flagsRequired = 0xffff
	flagsKnown    = ChecksumPresent | MoreToCome | ExhaustAllowed
)

// Message is one request. Its documents are validated and borrow a pooled
// buffer: they are good until Release.
type Message struct {
	RequestID  int32
	ResponseTo int32
	Op         OpCode // OpMsg or OpQuery.
	Flags      Flags  // zero for OpQuery.

	// Body is the command. An OP_QUERY's gets its database as a last field $db,
	// so that commands see one shape only.
	Body bsonx.Doc

	// Sequences are the command's long arrays. The decoder of commands treats
	// each as if it were an array field of Body; none has the name of a field
	// that is there too, and no two share a name.
	Sequences []Sequence

	// Compressor is how the message came; the reply goes the same way.
	Compressor Compressor

	buf   []byte // the frame behind the header, as it came.
	plain []byte // the same decompressed, or an OP_QUERY's extended body.
}

// Sequence is a kind 1 section: an array of documents under a field's name.
type Sequence struct {
	ID   string
	Docs []bsonx.Doc
}

// WantsReply tells whether the sender waits for an answer.
func (m *Message) WantsReply() bool { return m.Flags&MoreToCome == 0 }

var messages = sync.Pool{New: func() any { return new(Message) }}

// keepBytesMax is the largest buffer that is kept for the next message. A larger
// one is left to the garbage collector, lest one big insert occupy the pool.
const keepBytesMax = 1 << 20

// Release gives the message's memory back. Nothing borrowed from it may be used afterwards.
func (m *Message) Release() {
	buf, plain, seqs := m.buf, m.plain, m.Sequences
	if cap(buf) > keepBytesMax {
		buf = nil
	}
	if cap(plain) > keepBytesMax {
		plain = nil
	}
	for i := range seqs {
		docs := seqs[i].Docs
		clear(docs) // they must not keep a buffer alive that is not kept.
		if cap(docs) > 1024 {
			seqs[i].Docs = nil
		}
	}
	*m = Message{buf: buf[:0], plain: plain[:0], Sequences: seqs[:0]}
	messages.Put(m)
}

// addSequence returns a new last sequence whose Docs keep an earlier message's capacity.
func (m *Message) addSequence(id string) *Sequence {
	n := len(m.Sequences)
	if n < cap(m.Sequences) {
		m.Sequences = m.Sequences[:n+1]
	} else {
		m.Sequences = append(m.Sequences, Sequence{})
	}
	s := &m.Sequences[n]
	s.ID, s.Docs = id, s.Docs[:0]
	return s
}
