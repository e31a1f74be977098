package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
)

// decimals is the arithmetic of decimal128; decimalValue minds its limits.
func decimals() *apd.Context { return bsonx.DecimalContext() }

// decimalOf is the number of a decimal value.
func decimalOf(v bsonx.Value) *apd.Decimal { return bsonx.AsDecimal(v).APD(new(apd.Decimal)) }

// decimalValue is d as BSON, rounded to what decimal128 holds.
func (c *Context) decimalValue(d *apd.Decimal) bsonx.Value {
	b := c.bytes(16)
	return bsonx.Value{Type: bsonx.TypeDecimal, Data: bsonx.DecimalFromAPD(d).Append(b[:0])}
}

// decimalFromDouble is a double as arithmetic and $toDecimal promote it: 15
// significant digits, since not more of them are sure.
func decimalFromDouble(f float64) *apd.Decimal {
	return bsonx.DecimalFromDouble(f, 15).APD(new(apd.Decimal))
}

// decimalFromDoubleExact has all 34 digits of a double, as sums have it.
func decimalFromDoubleExact(f float64) *apd.Decimal {
	d := bsonx.DecimalFromDouble(f, bsonx.DecimalDigitsMax).APD(new(apd.Decimal))
	if d.Form == apd.Finite && !d.IsZero() { // Reduce takes a zero's sign.
		d.Reduce(d)
	}
	return d
}

// toDecimal promotes any number.
func toDecimal(v bsonx.Value) *apd.Decimal {
	switch v.Type {
	case bsonx.TypeInt32, bsonx.TypeInt64:
		return apd.New(asInt64(v), 0)
	case bsonx.TypeDouble:
		return decimalFromDouble(bsonx.AsDouble(v))
	}
	return decimalOf(v)
}

// decimalText is the canonical text of decimal128.
func decimalText(d *apd.Decimal) string { return bsonx.DecimalFromAPD(d).String() }

// shortDecimal is a decimal as some messages have it: as the double next to it.
func shortDecimal(d *apd.Decimal) string { return shortDouble(bsonx.DecimalFromAPD(d).Float64()) }

// decimalToDouble rounds to the nearest double; ok is false if that overflows,
// or gives zero for what is not.
func decimalToDouble(d *apd.Decimal) (f float64, ok bool) {
	f = bsonx.DecimalFromAPD(d).Float64()
	return f, d.Form != apd.Finite || !math.IsInf(f, 0) && (f != 0 || d.IsZero())
}

// decimalToInt64 drops the fraction; ok is false outside of int64.
func decimalToInt64(d *apd.Decimal) (n int64, ok bool) {
	if d.Form != apd.Finite {
		return 0, false
	}
	return bsonx.DecimalFromAPD(quantize(d, 0, apd.RoundDown)).Int64()
}
