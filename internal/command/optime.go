package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// opTime is a place in a replica set's log: a time, and the term of the primary
// that wrote it, -1 if that is not known.
type opTime struct {
	ts   kv.Time
	term int64
}

var opTimeFields = lenientFields("OpTimeBase",
	Field{Name: "ts", Type: Timestamp, Required: true},
	Field{Name: "t", Type: oneOf("decimal", "long", "int", "double")})

// parseOpTime decodes the field of that name.
func parseOpTime(field string, v bsonx.Value) (*opTime, error) {
	if v.Type != bsonx.TypeDocument && v.Type != bsonx.TypeArray {
		return nil, mongoerr.Newf(10065, "invalid parameter: expected an object (%s)", field)
	}
	a, err := opTimeFields.Decode(bsonx.AsDoc(v))
	if err != nil {
		return nil, err
	}
	n, exact := integer(a.Value("t"))
	switch {
	case !a.Has("t"):
		n = -1
	case !exact:
		return nil, mongoerr.Newf(mongoerr.FailedToParse, "Expected an integer: t: %s", bsonx.ShellString(a.Value("t")))
	}
	return &opTime{ts: kv.Time(bsonx.AsInt64(a.Value("ts"))), term: n}, nil
}

// passed tells whether the log has come to this place. Terms count first, if both
// are known.
func (t *opTime) passed(now kv.Time) bool {
	if t.term >= 0 && t.term != session.Term {
		return t.term < session.Term
	}
	return t.ts <= now
}
