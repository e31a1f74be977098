package expr

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

func evalType(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	return c.stringValue(nameOf(v)), err
}

func evalIsNumber(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	return bsonx.Bool(bsonx.IsNumber(v)), err
}

func buildLiteral(_ *Scope, _ string, arg bsonx.Value) (Expr, error) { return &constant{arg}, nil }

func buildExpr(sc *Scope, _ string, arg bsonx.Value) (Expr, error) { return sc.operand(arg) }

func buildRand(_ *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument && arg.Type != bsonx.TypeArray {
		return nil, fail(10065, "invalid parameter: expected an object ($rand)")
	}
	if bsonx.Len(bsonx.AsDoc(arg)) > 0 {
		return nil, fail(3040501, "$rand does not currently accept arguments")
	}
	return &call{name: name, fn: evalRand, volatile: true}, nil
}

func evalRand(c *Context, _ *call) (bsonx.Value, error) {
	if c.Rand == nil {
		return bsonx.Missing, fail(9, "$rand is not available here")
	}
	return c.doubleValue(c.Rand()), nil
}

func evalBinarySize(c *Context, _ *call, v bsonx.Value) (bsonx.Value, error) {
	switch {
	case v.Type == bsonx.TypeString:
		return c.int32Value(int32(len(bsonx.Str(v)))), nil
	case v.Type == bsonx.TypeBinary:
		_, data := bsonx.Binary(v)
		return c.int32Value(int32(len(data))), nil
	}
	return v, fail(51276, "$binarySize requires a string or BinData argument, found: %s", nameOf(v))
}

func evalBSONSize(c *Context, _ *call, v bsonx.Value) (bsonx.Value, error) {
	if v.Type != bsonx.TypeDocument {
		return v, fail(31393, "$bsonSize requires a document input, found: %s", nameOf(v))
	}
	return c.int32Value(int32(len(v.Data))), nil
}

// timestampPart is $tsSecond and $tsIncrement.
func timestampPart(code mongoerr.Code, part func(ts uint64) uint32) builder {
	return ofOne(func(c *Context, x *call, v bsonx.Value) (bsonx.Value, error) {
		if v.Type != bsonx.TypeTimestamp {
			return v, fail(code, " Argument to %s must be a timestamp, but is %s", x.name, nameOf(v))
		}
		return c.int64Value(int64(part(uint64(bsonx.AsInt64(v))))), nil
	})
}
