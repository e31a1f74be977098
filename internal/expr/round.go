package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
)

// rounding is one way to round, of doubles to whole numbers and of decimals to any place.
type rounding struct {
	double  func(float64) float64
	decimal apd.Rounder
}

// toIntegral is $ceil and $floor. Integers stay as they are.
func toIntegral(how rounding) builder {
	return ofOne(func(c *Context, x *call, v bsonx.Value) (bsonx.Value, error) {
		switch {
		case !bsonx.IsNumber(v):
			return v, fail(28765, "%s only supports numeric types, not %s", x.name, nameOf(v))
		case v.Type == bsonx.TypeDouble:
			return c.doubleValue(how.double(bsonx.AsDouble(v))), nil
		case v.Type == bsonx.TypeDecimal:
			d := decimalOf(v)
			if d.Form != apd.Finite {
				d.Form = apd.NaN // the server's answer for infinities too.
			}
			return c.decimalValue(quantize(d, 0, how.decimal)), nil
		}
		return v, nil
	})
}

// quantize rounds d to a number of decimal places, which may be negative. It
// pads with zeros, but not past 34 digits.
func quantize(d *apd.Decimal, places int32, how apd.Rounder) *apd.Decimal {
	if d.Form != apd.Finite {
		return d
	}
	ctx := decimals()
	ctx.Rounding = how
	ctx.Precision = 7000 // more than any decimal128 has, so that nothing is rounded twice.
	r := new(apd.Decimal)
	if _, err := ctx.Quantize(r, d, -places); err != nil {
		return &apd.Decimal{Form: apd.NaN}
	}
	return r
}

// toPlaces is $round and $trunc, to a number of decimal places that may be negative.
func toPlaces(how rounding) builder {
	return between(1, 2, func(c *Context, x *call) (bsonx.Value, error) { return evalPlaces(c, x, how) })
}

func evalPlaces(c *Context, x *call, how rounding) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	places := bsonx.Int32(0)
	if x.args[1] != nil {
		if places, err = x.args[1].Eval(c); err != nil {
			return v, err
		}
	}
	switch {
	case bsonx.IsNullish(v) || bsonx.IsNullish(places):
		return bsonx.Null, nil
	case !bsonx.IsNumber(v):
		return v, fail(51081, "%s only supports numeric types, not %s", x.name, nameOf(v))
	case !bsonx.IsNumber(places):
		return v, fail(16004, "can't convert from BSON type %s to long", nameOf(places))
	}
	if places.Type == bsonx.TypeDouble {
		if _, err := coerceToInt64(places); err != nil {
			return v, err
		}
	}
	n, ok := exactInt32(places)
	if !ok {
		return v, fail(51082, "precision argument to  %s must be a integral value", x.name)
	}
	if n < -20 || n > 100 {
		return v, fail(51083, "cannot apply %s with precision value %d value must be in [-20, 100]", x.name, n)
	}
	return c.roundTo(x, v, n, how)
}

func (c *Context) roundTo(x *call, v bsonx.Value, places int32, how rounding) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeDouble:
		f := bsonx.AsDouble(v)
		switch {
		case places == 0:
			return c.doubleValue(how.double(f)), nil
		case math.IsNaN(f) || math.IsInf(f, 0):
			return v, nil
		}
		r, _ := decimalToDouble(quantize(decimalFromDoubleExact(f), places, how.decimal))
		return c.doubleValue(r), nil
	case bsonx.TypeDecimal:
		return c.decimalValue(quantize(decimalOf(v), places, how.decimal)), nil
	}
	if places >= 0 {
		return v, nil
	}
	n, ok := decimalToInt64(quantize(apd.New(asInt64(v), 0), places, how.decimal))
	if !ok {
		return v, fail(51080, "invalid conversion from Decimal128 result in %s resulting from arguments: [%s, %d]", x.name, ValueText(v), places)
	}
	if v.Type == bsonx.TypeInt32 {
		return c.intValue(n), nil
	}
	return c.int64Value(n), nil
}
