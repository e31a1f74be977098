package query

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// arithmetic is $inc and $mul. Integers grow from 32 to 64 bits and no further;
// any other mix of types gives the wider one.
type arithmetic struct {
	creator
	name    string
	operand bsonx.Value
	ints    func(a, b int64) (int64, bool)
	others  func(c *expr.Context, a, b bsonx.Value) bsonx.Value
}

func newInc(path string, v bsonx.Value) (operator, error) {
	if !bsonx.IsNumber(v) {
		return nil, mongoerr.Newf(mongoerr.TypeMismatch, "Cannot increment with non-numeric argument: {%s}", element(path, v))
	}
	return &arithmetic{name: "$inc", operand: v, ints: addInt64, others: expr.Add}, nil
}

func newMul(path string, v bsonx.Value) (operator, error) {
	if !bsonx.IsNumber(v) {
		return nil, mongoerr.Newf(mongoerr.TypeMismatch, "Cannot multiply with non-numeric argument: {%s}", element(path, v))
	}
	return &arithmetic{name: "$mul", operand: v, ints: mulInt64, others: expr.Multiply}, nil
}

func (x *arithmetic) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	old := v
	if v.Type == bsonx.TypeMissing {
		if x.name == "$inc" {
			a.b.Value(key, x.operand)
			return wrote, nil
		}
		v = bsonx.Int32(0)
	} else if !bsonx.IsNumber(v) {
		return same, mongoerr.Newf(mongoerr.TypeMismatch, "Cannot apply %s to a value of non-numeric type. {%s} has the field '%s' of non-numeric type %s",
			x.name, a.idElement(), key, bsonx.TypeName(v.Type))
	}
	if !isInteger(v) || !isInteger(x.operand) {
		out := x.others(a.ctx, v, x.operand)
		if out.Type == old.Type && !bsonx.IsNaN(out) && bsonx.Equal(out, old) {
			return same, nil // a zero of the other sign, or other digits behind the point, are no change.
		}
		a.b.Value(key, out)
		return wrote, nil
	}
	n, ok := x.ints(integerOf(v), integerOf(x.operand))
	if !ok {
		return same, bad("Failed to apply %s operations to current value (%s) for document {%s}", x.name, typedNumber(v), a.idElement())
	}
	narrow := v.Type == bsonx.TypeInt32 && x.operand.Type == bsonx.TypeInt32 && n == int64(int32(n))
	return a.putInteger(key, old, n, narrow)
}

// putInteger writes an int32, if narrow, or int64 unless it is what was there.
func (a *application) putInteger(key string, old bsonx.Value, n int64, narrow bool) (outcome, error) {
	switch {
	case narrow && old.Type == bsonx.TypeInt32 && int64(bsonx.AsInt32(old)) == n:
	case !narrow && old.Type == bsonx.TypeInt64 && bsonx.AsInt64(old) == n:
	case narrow:
		a.b.Int32(key, int32(n))
		return wrote, nil
	default:
		a.b.Int64(key, n)
		return wrote, nil
	}
	return same, nil
}

func isInteger(v bsonx.Value) bool { return v.Type == bsonx.TypeInt32 || v.Type == bsonx.TypeInt64 }

func integerOf(v bsonx.Value) int64 {
	if v.Type == bsonx.TypeInt32 {
		return int64(bsonx.AsInt32(v))
	}
	return bsonx.AsInt64(v)
}

// typedNumber is a number with its type, as messages about overflow print it.
func typedNumber(v bsonx.Value) string {
	name := map[bsonx.Type]string{bsonx.TypeInt32: "NumberInt", bsonx.TypeInt64: "NumberLong",
		bsonx.TypeDouble: "NumberDouble", bsonx.TypeDecimal: "NumberDecimal"}[v.Type]
	return fmt.Sprintf("(%s)%s", name, bsonx.ShellString(v))
}

func addInt64(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

func mulInt64(a, b int64) (int64, bool) {
	negative := (a < 0) != (b < 0)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	switch {
	case hi != 0:
		return 0, false
	case negative:
		return -int64(lo), lo <= 1<<63
	}
	return int64(lo), lo <= math.MaxInt64
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// bit is $bit: a chain of operations on integers.
type bit struct {
	creator
	steps []bitStep
}

type bitStep struct {
	operand bsonx.Value
	do      func(a, b int64) int64
}

func newBit(_ string, v bsonx.Value) (operator, error) {
	if v.Type != bsonx.TypeDocument {
		return nil, bad("The $bit modifier is not compatible with a %s. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}", bsonx.TypeName(v.Type))
	}
	x := &bit{}
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		s := bitStep{operand: it.Value()}
		switch it.Key() {
		case "and":
			s.do = func(a, b int64) int64 { return a & b }
		case "or":
			s.do = func(a, b int64) int64 { return a | b }
		case "xor":
			s.do = func(a, b int64) int64 { return a ^ b }
		default:
			return nil, bad("The $bit modifier only supports 'and', 'or', and 'xor', not '%s' which is an unknown operator: {%s}", it.Key(), element(it.Key(), it.Value()))
		}
		if !isInteger(it.Value()) {
			return nil, bad("The $bit modifier field must be an Integer(32/64 bit); a '%s' is not supported here: {%s}", bsonx.TypeName(it.Value().Type), element(it.Key(), it.Value()))
		}
		x.steps = append(x.steps, s)
	}
	if len(x.steps) == 0 {
		return nil, bad("You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}")
	}
	return x, nil
}

func (x *bit) apply(a *application, key string, v bsonx.Value) (outcome, error) {
	var n int64
	narrow := true
	if v.Type != bsonx.TypeMissing {
		if !isInteger(v) {
			id := a.idElement()
			if id == noID {
				id = "INVALID-MUTABLE-ELEMENT" // so says the server.
			}
			return same, bad("Cannot apply $bit to a value of non-integral type.%s has the field %s of non-integer type %s", id, key, bsonx.TypeName(v.Type))
		}
		n, narrow = integerOf(v), v.Type == bsonx.TypeInt32
	}
	for _, s := range x.steps {
		n = s.do(n, integerOf(s.operand))
		narrow = narrow && s.operand.Type == bsonx.TypeInt32
	}
	return a.putInteger(key, v, n, narrow)
}
