// Package wire turns bytes into messages and messages into bytes: MongoDB's
// OP_MSG, OP_COMPRESSED, and what is left of OP_QUERY and OP_REPLY.
//
// # What comes in
//
//	socket ──► Reader.Read ──► header ──► frame in a pooled buffer ──► decompress
//	                                                                      │
//	        Message ◄── every document validated ◄── OP_MSG sections ◄────┘
//
// A length is checked before anything is allocated for it, and a frame is read
// in growing pieces, so a few bytes that claim many cost little. BSON is
// validated here, once; nothing above this package looks at it with distrust.
//
// # What goes out
//
// The caller appends one document to the buffer that [Writer.Begin] gave it, and
// [Writer.Send] puts the header before it, a checksum behind it, compresses it if
// the request was, and writes it at once. A reply takes the form of its request:
// OP_REPLY for OP_QUERY, the request's compressor, a checksum if it had one.
//
// # Invariants
//
//   - A Message's documents borrow its buffer. They die with [Message.Release].
//   - No message is larger than 48,000,000 bytes, compressed or not.
//   - A message that cannot be understood but whose frame is sound is answered
//     with an error and the connection lives; any other fault ends it. Read's
//     comment says which is which. The texts are the reference server's.
//
// # Where to start
//
// reader.go, then op_msg.go; writer.go for the way back. docs/format/wire.md has
// the byte pictures. The other opcodes are refused: they were removed from
// MongoDB in 5.1.
package wire
