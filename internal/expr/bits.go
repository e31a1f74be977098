package expr

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// bitwise is $bitAnd, $bitOr and $bitXor: of int32s, or of int64s if any is one.
func bitwise(identity int32, op func(a, b int64) int64) builder {
	return unordered(func(c *Context, x *call) (bsonx.Value, error) {
		n, wide, null := int64(identity), false, false
		for _, e := range x.args {
			v, err := e.Eval(c)
			switch {
			case err != nil:
				return v, err
			case bsonx.IsNullish(v):
				null = true
			case v.Type == bsonx.TypeInt32 || v.Type == bsonx.TypeInt64:
				n = op(n, asInt64(v))
				wide = wide || v.Type == bsonx.TypeInt64
			default:
				return v, fail(mongoerr.TypeMismatch, "%s only supports int and long operands.", x.name)
			}
			if null {
				return bsonx.Null, nil
			}
		}
		if wide {
			return c.int64Value(n), nil
		}
		return c.int32Value(int32(n)), nil
	})
}

func evalBitNot(c *Context, _ *call, v bsonx.Value) (bsonx.Value, error) {
	switch {
	case v.Type == bsonx.TypeInt32:
		return c.int32Value(^bsonx.AsInt32(v)), nil
	case v.Type == bsonx.TypeInt64:
		return c.int64Value(^bsonx.AsInt64(v)), nil
	}
	return v, fail(mongoerr.TypeMismatch, "$bitNot only supports int and long, not: %s.", nameOf(v))
}
