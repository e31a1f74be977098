package server

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// codeOpcodeRemoved is wire's answer to an OP_QUERY of a collection, which its
// senders know only in the shape of a failed query.
const codeOpcodeRemoved mongoerr.Code = 5739101

// appendError appends the reply of a request that did not reach the handler.
func appendError(dst []byte, e *mongoerr.Error) []byte {
	b := bsonx.NewBuilder(nil)
	if e.Code == codeOpcodeRemoved {
		b.String("$err", e.Msg)
		b.Int32("code", int32(e.Code))
		b.Double("ok", 0)
	} else {
		b.Double("ok", 0)
		b.String("errmsg", e.Msg)
		b.Int32("code", int32(e.Code))
		b.String("codeName", e.Code.String())
	}
	return append(dst, b.Doc()...)
}
