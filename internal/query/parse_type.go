package query

import (
	"fmt"
	"math"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// types parses $type: a name, a number, or an array of them.
func (p *parser) types(path string, v bsonx.Value) (*Node, error) {
	n := (&Node{Op: OpType}).setPath(path)
	if v.Type != bsonx.TypeArray {
		if err := n.Types.parse(v); err != nil {
			return nil, err
		}
		return n, nil
	}
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		if err := n.Types.parse(it.Value()); err != nil {
			return nil, err
		}
	}
	if n.Types == (TypeSet{}) {
		return nil, mongoerr.Newf(mongoerr.FailedToParse, "%s must match at least one type", p.pathName(path))
	}
	return n, nil
}

func (s *TypeSet) parse(v bsonx.Value) error {
	switch {
	case v.Type == bsonx.TypeString:
		return s.parseName(bsonx.Str(v))
	case bsonx.IsNumber(v):
		return s.parseNumber(v)
	}
	return mongoerr.New(mongoerr.TypeMismatch, "type must be represented as a number or a string")
}

func (s *TypeSet) parseName(name string) error {
	switch name {
	case "number":
		s.add(bsonx.TypeInt32)
		s.add(bsonx.TypeInt64)
		s.add(bsonx.TypeDouble)
		s.add(bsonx.TypeDecimal)
		return nil
	case "missing":
		return bad("'missing' is not a legal type name. To query for non-existence of a field, use {$exists:false}.")
	}
	for t := range 256 {
		if bsonType(int64(t)) && bsonx.TypeName(bsonx.Type(t)) == name {
			s.add(bsonx.Type(t))
			return nil
		}
	}
	return bad("Unknown type name alias: %s", name)
}

func (s *TypeSet) parseNumber(v bsonx.Value) error {
	n, ok := bsonx.ToInt64Exact(v)
	switch {
	case ok && n == 0:
		return bad("Invalid numerical type code: 0. Instead use {$exists:false}.")
	case ok && n == -1:
		n = int64(bsonx.TypeMinKey)
	case !ok || n == int64(bsonx.TypeMinKey) || !bsonType(n):
		return bad("Invalid numerical type code: %s", typeCode(v))
	}
	s.add(bsonx.Type(n))
	return nil
}

// typeCode is a number that is no type as the message prints it.
func typeCode(v bsonx.Value) string {
	if f, _ := bsonx.ToDouble(v); !bsonx.IsNaN(v) && !math.IsInf(f, 0) {
		return fmt.Sprintf("%.6g", f)
	}
	return bsonx.ShellString(v)
}

// bsonType tells whether a number is a BSON type's.
func bsonType(n int64) bool {
	return n >= 1 && n <= int64(bsonx.TypeDecimal) || n == int64(bsonx.TypeMaxKey) || n == int64(bsonx.TypeMinKey)
}
