package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// The kinds of sections.
const (
	kindBody     = 0
	kindSequence = 1
	kindToken    = 2
)

// The codes that mongod gives to what can be wrong with an OP_MSG.
const (
	codeTwoBodies    mongoerr.Code = 40430
	codeTwoSequences mongoerr.Code = 40431
	codeUnknownKind  mongoerr.Code = 40432
	codeFieldTwice   mongoerr.Code = 40433
	codeNoBody       mongoerr.Code = 40587
	codeNotEnough    mongoerr.Code = 18634
)

// parseMsg reads an OP_MSG's flags and sections. sum is the checksum of the header.
func (m *Message) parseMsg(frame []byte, sum checksum) (fatal bool, err error) {
	if len(frame) < 4 {
		return true, mongoerr.New(codeNotEnough, "Not enough data to read")
	}
	m.Flags = Flags(binary.LittleEndian.Uint32(frame))
	if m.Flags&flagsRequired&^flagsKnown != 0 {
		return true, mongoerr.Newf(mongoerr.IllegalOpMsgFlag, "Message contains illegal flags value: Ob%032b", uint32(m.Flags))
	}
	if m.Flags&ChecksumPresent != 0 && len(frame) >= 4+checksumBytes {
		end := len(frame) - checksumBytes
		sum.add(frame[:end])
		if binary.LittleEndian.Uint32(frame[end:]) != uint32(sum) {
			return true, mongoerr.New(mongoerr.ChecksumMismatch, "OP_MSG checksum does not match contents")
		}
		frame = frame[:end]
	}
	return false, m.parseSections(frame[4:])
}

func (m *Message) parseSections(rest []byte) (err error) {
	for len(rest) > 0 {
		kind := rest[0]
		rest = rest[1:]
		switch kind {
		case kindBody:
			if m.Body != nil {
				return mongoerr.New(codeTwoBodies, "Multiple body sections in message")
			}
			m.Body, rest, err = takeDoc(rest)
		case kindSequence:
			rest, err = m.parseSequence(rest)
		case kindToken:
			return mongoerr.New(mongoerr.Unauthorized, "Unsupported Security Token provided")
		default:
			return mongoerr.Newf(codeUnknownKind, "Unknown section kind %d", kind)
		}
		if err != nil {
			return err
		}
	}
	if m.Body == nil {
		return mongoerr.New(codeNoBody, "OP_MSG messages must have a body")
	}
	for i := range m.Sequences {
		if id := m.Sequences[i].ID; !bsonx.IsMissing(bsonx.Get(m.Body, id)) {
			return mongoerr.Newf(codeFieldTwice, "Duplicate field between body and document sequence %s", id)
		}
	}
	return nil
}

// parseSequence reads a kind 1 section and returns what follows it.
func (m *Message) parseSequence(b []byte) (rest []byte, err error) {
	if len(b) < 4 {
		return nil, overflow("Invalid read of 4 bytes past end of buffer[%d] at offset: 0", len(b))
	}
	n := binary.LittleEndian.Uint32(b) - 4 // the size counts itself; below 4 it wraps, and is too large.
	b = b[4:]
	if uint64(n) > uint64(len(b)) {
		return nil, overflow("Invalid advance (%d) past end of buffer[%d] at offset: 0", n, len(b))
	}
	section, rest := b[:n], b[n:]
	end := bytes.IndexByte(section, 0)
	if end < 0 {
		return nil, overflow(`couldn't locate terminal char (\u0000) in buffer[%d] at offset: 0`, len(section))
	}
	id := string(section[:end])
	for i := range m.Sequences {
		if m.Sequences[i].ID == id {
			return nil, mongoerr.Newf(codeTwoSequences, "Duplicate document sequence: %s", id)
		}
	}
	seq := m.addSequence(id)
	for section = section[end+1:]; len(section) > 0; {
		var doc bsonx.Doc
		if doc, section, err = takeDoc(section); err != nil {
			return nil, err
		}
		seq.Docs = append(seq.Docs, doc)
	}
	return rest, nil
}

func overflow(format string, args ...any) error {
	return mongoerr.Newf(mongoerr.Overflow, format, args...)
}

// takeDoc cuts a validated document from the front of b.
func takeDoc(b []byte) (doc bsonx.Doc, rest []byte, err error) {
	n, err := docBytes(b)
	if err == nil {
		err = bsonx.Validate(b[:n], bsonx.DepthMax)
	}
	if err != nil {
		code := mongoerr.InvalidBSON
		if errors.Is(err, bsonx.ErrTooDeep) {
			code = mongoerr.Overflow
		}
		return nil, nil, mongoerr.New(code, err.Error())
	}
	return bsonx.Doc(b[:n:n]), b[n:], nil
}

// docBytes returns the length that a document claims, if it may be true.
func docBytes(b []byte) (int, error) {
	const where = "in element with field name '?' in object with unknown _id"
	if len(b) < 5 {
		return 0, fmt.Errorf("BSON data has to be at least 5 bytes %s", where)
	}
	n := int32(binary.LittleEndian.Uint32(b))
	switch {
	case n < 5:
		return 0, fmt.Errorf("BSON data has to be at least 5 bytes %s", where)
	case int(n) > len(b):
		return 0, fmt.Errorf("Incorrect BSON length %d should be less or equal to %d %s", n, len(b), where)
	}
	return int(n), nil
}
