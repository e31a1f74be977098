package wire

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// queryExhaust is the one flag of OP_QUERY that matters to a command.
const queryExhaust = 1 << 6

// The codes that mongod gives to what can be wrong with an OP_QUERY.
const (
	codeNoNamespace   mongoerr.Code = 18633
	codeOpcodeRemoved mongoerr.Code = 5739101
	codeQueryCount    mongoerr.Code = 16979
	codeQueryExhaust  mongoerr.Code = 18527
	codeQueryDB       mongoerr.Code = 40621
)

const opcodeRemoved = "The client driver may require an upgrade. For more details see https://dochub.mongodb.org/core/legacy-opcode-removal"

// parseQuery reads an OP_QUERY, which is allowed to greet and nothing else: old
// drivers do not know yet that the server speaks OP_MSG.
//
//	int32 flags | cstring "db.$cmd" | int32 skip | int32 count | document
func (m *Message) parseQuery(frame []byte) (fatal bool, err error) {
	if len(frame) < 4 {
		return true, mongoerr.New(codeNotEnough, "Not enough data to read")
	}
	flags := binary.LittleEndian.Uint32(frame)
	ns, rest, ok := bytes.Cut(frame[4:], []byte{0})
	if !ok {
		return true, mongoerr.New(codeNoNamespace, "Failed to parse ns string")
	}
	if len(rest) < 8 {
		return true, mongoerr.New(codeNotEnough, "Not enough data to read")
	}
	count := int32(binary.LittleEndian.Uint32(rest[4:]))
	db, isCommand := strings.CutSuffix(string(ns), ".$cmd")
	if !isCommand {
		return false, mongoerr.New(codeOpcodeRemoved, "OP_QUERY is no longer supported. "+opcodeRemoved)
	}
	if count != 1 && count != -1 {
		return false, mongoerr.Newf(codeQueryCount, "Bad numberToReturn (%d) for $cmd type ns - can only be 1 or -1", count)
	}
	query, rest, err := takeDoc(rest[8:])
	if err != nil {
		return false, mongoerr.Newf(mongoerr.InvalidBSON, "Client Error: bad object in message: %s", mongoerr.From(err).Msg)
	}
	if len(rest) > 0 { // a projection, which a command has no use for.
		if _, _, err := takeDoc(rest); err != nil {
			return false, mongoerr.New(mongoerr.InvalidBSON, "Client Error: Remaining data too small for BSON object")
		}
	}
	if flags&queryExhaust != 0 {
		return false, mongoerr.Newf(codeQueryExhaust, "The 'exhaust' OP_QUERY flag is invalid for commands: %s", ns)
	}
	return false, m.acceptQuery(db, query)
}

// acceptQuery makes the body of a greeting.
func (m *Message) acceptQuery(db string, query bsonx.Doc) error {
	name, _ := bsonx.First(query)
	switch name {
	case "hello", "isMaster", "ismaster":
	default:
		return mongoerr.Newf(mongoerr.UnsupportedOpQueryCommand, "Unsupported OP_QUERY command: %s. %s", name, opcodeRemoved)
	}
	if !bsonx.IsMissing(bsonx.Get(query, "$db")) {
		return mongoerr.New(codeQueryDB, "$db is not allowed in OP_QUERY requests")
	}
	b := bsonx.NewBuilder(nil)
	b.Fields(query)
	b.String("$db", db)
	m.Body = b.Doc()
	return nil
}
