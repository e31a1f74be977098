package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// integral gives the result of integer arithmetic its type: an int32 when both
// operands were and it fits, else an int64.
func (c *Context) integral(a, b bsonx.Value, n int64) bsonx.Value {
	if a.Type == bsonx.TypeInt32 && b.Type == bsonx.TypeInt32 && n == int64(int32(n)) {
		return c.int32Value(int32(n))
	}
	return c.int64Value(n)
}

// Add sums two numbers in the wider of their types; integers that overflow an
// int64 become doubles. A nil c takes the result's bytes from the heap.
func Add(c *Context, a, b bsonx.Value) bsonx.Value {
	switch promoted(a, b) {
	case ofDecimal:
		return c.decimalOp((*apd.Context).Add, a, b)
	case ofDouble:
		return c.doubleValue(asDouble(a) + asDouble(b))
	}
	if n, ok := addInt64(asInt64(a), asInt64(b)); ok {
		return c.integral(a, b, n)
	}
	return c.doubleValue(asDouble(a) + asDouble(b))
}

// Subtract is Add for differences.
func Subtract(c *Context, a, b bsonx.Value) bsonx.Value {
	switch promoted(a, b) {
	case ofDecimal:
		return c.decimalOp((*apd.Context).Sub, a, b)
	case ofDouble:
		return c.doubleValue(asDouble(a) - asDouble(b))
	}
	if n, ok := subInt64(asInt64(a), asInt64(b)); ok {
		return c.integral(a, b, n)
	}
	return c.doubleValue(asDouble(a) - asDouble(b))
}

// Multiply is Add for products.
func Multiply(c *Context, a, b bsonx.Value) bsonx.Value {
	switch promoted(a, b) {
	case ofDecimal:
		return c.decimalOp((*apd.Context).Mul, a, b)
	case ofDouble:
		return c.doubleValue(asDouble(a) * asDouble(b))
	}
	if n, ok := mulInt64(asInt64(a), asInt64(b)); ok {
		return c.integral(a, b, n)
	}
	return c.doubleValue(asDouble(a) * asDouble(b))
}

// decimalOp computes in decimal128.
func (c *Context) decimalOp(op func(*apd.Context, *apd.Decimal, *apd.Decimal, *apd.Decimal) (apd.Condition, error), a, b bsonx.Value) bsonx.Value {
	r := new(apd.Decimal)
	op(decimals(), r, toDecimal(a), toDecimal(b))
	return c.decimalValue(r)
}

// total is a sum or product under way. Integers stay int64 until the end, and
// become an int32 again if all operands were and the result fits.
type total struct {
	v     bsonx.Value // of a double or decimal total; missing before.
	n     int64
	f     float64 // a product of the same integers in doubles, as the server keeps it.
	wide  bool    // an operand was an int64.
	begun bool
}

// add adds one more number, the first to zero, so that no sum is -0.
func (t *total) add(c *Context, v bsonx.Value) {
	t.wide = t.wide || v.Type == bsonx.TypeInt64
	t.begun = true
	if bsonx.IsMissing(t.v) {
		if rankOf(v) <= ofInt64 {
			if n, ok := addInt64(t.n, asInt64(v)); ok {
				t.n = n
				return
			}
		}
		t.v = c.int64Value(t.n)
	}
	t.v = Add(c, t.v, v)
}

// multiply multiplies by one more number.
func (t *total) multiply(c *Context, v bsonx.Value) {
	if !t.start(v) {
		return
	}
	if !bsonx.IsMissing(t.v) {
		t.v = Multiply(c, t.v, v)
		return
	}
	t.f *= asDouble(v)
	switch rankOf(v) {
	case ofDecimal:
		t.v = Multiply(c, c.int64Value(t.n), v)
	case ofDouble:
		t.v = c.doubleValue(t.f)
	default:
		n, ok := mulInt64(t.n, asInt64(v))
		if t.n = n; !ok {
			t.v = c.doubleValue(t.f)
		}
	}
}

// start takes the first number; it tells whether v is another one.
func (t *total) start(v bsonx.Value) bool {
	t.wide = t.wide || v.Type == bsonx.TypeInt64
	if t.begun {
		return true
	}
	t.begun = true
	if rankOf(v) <= ofInt64 {
		t.n, t.f = asInt64(v), asDouble(v)
	} else {
		t.v = v
	}
	return false
}

// value is the result; of no operands it is the identity.
func (t *total) value(c *Context, identity int32) bsonx.Value {
	switch {
	case !t.begun:
		return c.int32Value(identity)
	case !bsonx.IsMissing(t.v):
		return t.v
	case t.wide:
		return c.int64Value(t.n)
	}
	return c.intValue(t.n)
}

// evalAdd sums from left to right. One operand may be a date: the rest are then
// milliseconds, each rounded. It stops at the first null.
func evalAdd(c *Context, x *call) (bsonx.Value, error) {
	var sum total
	var date bsonx.Value
	for _, e := range x.args {
		v, err := e.Eval(c)
		switch {
		case err != nil:
			return v, err
		case bsonx.IsNullish(v):
			return bsonx.Null, nil
		case v.Type == bsonx.TypeDate:
			if date.Type == bsonx.TypeDate {
				return v, fail(16612, "only one date allowed in an $add expression")
			}
			date = v
			if sum.begun {
				date, err = c.shiftDate(date, sum.value(c, 0), addInt64)
			}
		case !bsonx.IsNumber(v):
			return v, fail(mongoerr.TypeMismatch, "$add only supports numeric or date types, not %s", nameOf(v))
		case date.Type == bsonx.TypeDate:
			date, err = c.shiftDate(date, v, addInt64)
		default:
			sum.add(c, v)
		}
		if err != nil {
			return v, err
		}
	}
	if date.Type == bsonx.TypeDate {
		return date, nil
	}
	return sum.value(c, 0), nil
}

// shiftDate moves a date by a number of milliseconds, rounded: doubles half
// away from zero, decimals half to even.
func (c *Context) shiftDate(date, by bsonx.Value, op func(a, b int64) (int64, bool)) (bsonx.Value, error) {
	ms, ok := roundToInt64(by)
	if ok {
		ms, ok = op(bsonx.AsInt64(date), ms)
	}
	if !ok {
		return bsonx.Missing, fail(mongoerr.Overflow, "date overflow")
	}
	return c.dateValue(ms), nil
}

func roundToInt64(v bsonx.Value) (int64, bool) {
	switch v.Type {
	case bsonx.TypeInt32, bsonx.TypeInt64:
		return asInt64(v), true
	case bsonx.TypeDouble:
		f := math.Round(bsonx.AsDouble(v))
		return int64(f), f >= -1<<63 && f < 1<<63
	}
	d := decimalOf(v)
	if d.Form != apd.Finite {
		return 0, false
	}
	return decimalToInt64(quantize(d, 0, apd.RoundHalfEven))
}

// evalSubtract: number - number, date - number, date - date (in milliseconds).
func evalSubtract(c *Context, x *call) (bsonx.Value, error) {
	a, b, err := x.twoLastFirst(c)
	switch {
	case err != nil:
		return a, err
	case bsonx.IsNullish(a) || bsonx.IsNullish(b):
		return bsonx.Null, nil
	case bsonx.IsNumber(a) && bsonx.IsNumber(b):
		return Subtract(c, a, b), nil
	case a.Type == bsonx.TypeDate && b.Type == bsonx.TypeDate:
		n := bsonx.AsInt64(a) - bsonx.AsInt64(b) // what does not fit wraps around.
		return c.int64Value(n), nil
	case a.Type == bsonx.TypeDate && bsonx.IsNumber(b):
		return c.shiftDate(a, b, subInt64)
	case a.Type == bsonx.TypeDate:
		return a, fail(mongoerr.TypeMismatch, "can't $subtract %s from Date", nameOf(b))
	}
	return a, fail(mongoerr.TypeMismatch, "can't $subtract %s from %s", nameOf(b), nameOf(a))
}

func evalMultiply(c *Context, x *call) (bsonx.Value, error) {
	var product total
	for _, e := range x.args {
		v, err := e.Eval(c)
		switch {
		case err != nil:
			return v, err
		case bsonx.IsNullish(v):
			return bsonx.Null, nil
		case !bsonx.IsNumber(v):
			return v, fail(mongoerr.TypeMismatch, "$multiply only supports numeric types, not %s", nameOf(v))
		}
		product.multiply(c, v)
	}
	return product.value(c, 1), nil
}

// evalDivide never divides as integers do.
func evalDivide(c *Context, x *call) (bsonx.Value, error) {
	a, b, err := x.twoLastFirst(c)
	switch {
	case err != nil:
		return a, err
	case !bsonx.IsNumber(a) || !bsonx.IsNumber(b):
		if bsonx.IsNullish(a) || bsonx.IsNullish(b) {
			return bsonx.Null, nil
		}
		return a, fail(mongoerr.TypeMismatch, "$divide only supports numeric types, not %s and %s", nameOf(a), nameOf(b))
	case isZero(b):
		return a, fail(mongoerr.BadValue, "can't $divide by zero")
	case promoted(a, b) == ofDecimal:
		return c.divideDecimals(toDecimal(a), toDecimal(b)), nil
	}
	return c.doubleValue(asDouble(a) / asDouble(b)), nil
}

// divideDecimals gives an exact quotient the exponent nearest to the difference
// of the operands', as the standard asks for.
func (c *Context) divideDecimals(a, b *apd.Decimal) bsonx.Value {
	r := new(apd.Decimal)
	if a.Form == apd.Finite && b.Form == apd.Infinite {
		return c.decimalValue(&apd.Decimal{Exponent: bsonx.DecimalExpMin, Negative: a.Negative != b.Negative})
	}
	cond, _ := decimals().Quo(r, a, b)
	if r.Form == apd.Finite && !cond.Inexact() {
		if ideal := a.Exponent - b.Exponent; r.IsZero() {
			r.Exponent = ideal
		} else {
			var ten, digit apd.BigInt
			ten.SetInt64(10)
			for r.Exponent < ideal {
				var q apd.BigInt
				q.QuoRem(&r.Coeff, &ten, &digit)
				if digit.Sign() != 0 {
					break
				}
				r.Coeff.Set(&q)
				r.Exponent++
			}
			for r.Exponent > ideal && r.NumDigits() < bsonx.DecimalDigitsMax {
				r.Coeff.Mul(&r.Coeff, &ten)
				r.Exponent--
			}
		}
	}
	return c.decimalValue(r)
}

func isZero(v bsonx.Value) bool {
	switch v.Type {
	case bsonx.TypeDouble:
		return bsonx.AsDouble(v) == 0
	case bsonx.TypeDecimal:
		return bsonx.AsDecimal(v).IsZero()
	}
	return asInt64(v) == 0
}

// evalMod has the sign of the dividend.
func evalMod(c *Context, x *call) (bsonx.Value, error) {
	a, b, err := x.twoLastFirst(c)
	if err != nil {
		return a, err
	}
	if !bsonx.IsNumber(a) || !bsonx.IsNumber(b) {
		if bsonx.IsNullish(a) || bsonx.IsNullish(b) {
			return bsonx.Null, nil
		}
		return a, fail(16611, "$mod only supports numeric types, not %s and %s", nameOf(a), nameOf(b))
	}
	if promoted(a, b) == ofDecimal {
		if isZero(b) {
			return a, fail(5733415, "can't $mod by zero")
		}
		return c.decimalValue(decimalRem(toDecimal(a), toDecimal(b))), nil
	}
	if isZero(b) {
		return a, fail(16610, "can't $mod by zero")
	}
	if promoted(a, b) == ofDouble {
		return c.doubleValue(math.Mod(asDouble(a), asDouble(b))), nil
	}
	n := int64(0)
	if asInt64(b) != -1 {
		n = asInt64(a) % asInt64(b)
	}
	if a.Type == bsonx.TypeInt32 && b.Type == bsonx.TypeInt32 {
		return c.int32Value(int32(n)), nil
	}
	return c.int64Value(n), nil
}

// IsMultiple tells whether a number is a multiple of another. NaN and infinities
// are none of anything, nor is anything of NaN.
func IsMultiple(v, of bsonx.Value) bool {
	if a, ok := bsonx.ToInt64Exact(v); ok {
		if b, ok := bsonx.ToInt64Exact(of); ok {
			return b == -1 || b != 0 && a%b == 0
		}
	}
	rem := decimalRem(toDecimal(v), toDecimal(of))
	return rem.Form == apd.Finite && rem.IsZero()
}

// decimalRem is the remainder however far the operands are apart.
func decimalRem(a, b *apd.Decimal) *apd.Decimal {
	switch {
	case a.Form != apd.Finite || b.Form == apd.NaN:
		return &apd.Decimal{Form: apd.NaN}
	case b.Form == apd.Infinite:
		return a
	}
	r := new(apd.Decimal)
	wide := decimals()
	wide.Precision = 34 + uint32(max(0, int64(a.Exponent)+a.NumDigits()-int64(b.Exponent)))
	wide.Rem(r, a, b)
	r.Negative = a.Negative
	return r
}
