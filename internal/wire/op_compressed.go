package wire

import (
	"encoding/binary"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// compressedBytes is what OP_COMPRESSED puts before the compressed bytes:
//
//	int32 original opcode | int32 original size without header | uint8 compressor
const compressedBytes = 9

// decompress unpacks m.buf into m.plain and gives m the opcode that it hid.
// Every failure is fatal, as in mongod.
func (m *Message) decompress() error {
	if len(m.buf) < compressedBytes {
		return mongoerr.New(mongoerr.BadValue, "Invalid compressed message header")
	}
	op := OpCode(binary.LittleEndian.Uint32(m.buf))
	size := int32(binary.LittleEndian.Uint32(m.buf[4:]))
	id := m.buf[8]
	switch {
	case op == OpCompressed:
		return mongoerr.New(mongoerr.ProtocolError, "a compressed message inside a compressed message")
	case id > Zstd.id():
		return mongoerr.Newf(mongoerr.InternalError, "Compression algorithm specified in message is not available: %d", id)
	case size < 0 || size > bsonx.MessageBytesMax-headerBytes:
		return mongoerr.New(mongoerr.BadValue, "Decompressed message would be larger than maximum message size")
	}
	var err error
	c := Compressor(id + 1)
	if m.plain, err = c.expand(m.plain[:0], m.buf[compressedBytes:], int(size)); err != nil {
		return mongoerr.Newf(mongoerr.BadValue, "Compressed message was invalid or corrupted: %v", err)
	}
	m.Op, m.Compressor = op, c
	return nil
}

// plainHeader is the checksum of the header that the message would have had
// uncompressed, which is what its sender's checksum began with.
func (m *Message) plainHeader() checksum {
	var head [headerBytes]byte
	header{size: headerBytes + len(m.plain), id: m.RequestID, to: m.ResponseTo, op: m.Op}.put(head[:])
	var sum checksum
	sum.add(head[:])
	return sum
}
