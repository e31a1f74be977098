package expr

import (
	"math"
	"strconv"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// function is a one-operand function of numbers: what it does to a double, and
// to a decimal. Integers are computed as doubles.
type function struct {
	double  func(float64) float64
	decimal func(r, d *apd.Decimal) // nil: computed as a double.
	check   func(f float64) error   // of an operand that it has no result for; may be nil.
	checkD  func(d *apd.Decimal) error
	nan     bool // of a NaN it is a double NaN, whatever the operand's type.
}

// mathFunc is the builder of an operator over a function.
func mathFunc(f function) builder {
	return ofOne(func(c *Context, x *call, v bsonx.Value) (bsonx.Value, error) {
		switch {
		case !bsonx.IsNumber(v):
			return v, fail(28765, "%s only supports numeric types, not %s", x.name, nameOf(v))
		case f.nan && bsonx.IsNaN(v):
			return c.doubleValue(math.NaN()), nil
		case v.Type == bsonx.TypeDecimal:
			return f.onDecimal(c, decimalOf(v))
		}
		n := asDouble(v)
		if f.check != nil {
			if err := f.check(n); err != nil {
				return v, err
			}
		}
		return c.doubleValue(f.double(n)), nil
	})
}

func (f *function) onDecimal(c *Context, d *apd.Decimal) (bsonx.Value, error) {
	if f.checkD != nil {
		if err := f.checkD(d); err != nil {
			return bsonx.Missing, err
		}
	}
	r := new(apd.Decimal)
	if f.decimal != nil && d.Form == apd.Finite {
		f.decimal(r, d)
		return c.decimalValue(r), nil
	}
	n, _ := decimalToDouble(d)
	return c.decimalValue(decimalFromDoubleExact(f.double(n))), nil
}

func sqrtFunc() function {
	negative := func() error { return fail(28714, "$sqrt's argument must be greater than or equal to 0") }
	return function{
		double:  math.Sqrt,
		decimal: func(r, d *apd.Decimal) { decimals().Sqrt(r, d) },
		check: func(f float64) error {
			if f < 0 {
				return negative()
			}
			return nil
		},
		checkD: func(d *apd.Decimal) error {
			if d.Form != apd.NaN && d.Sign() < 0 {
				return negative()
			}
			return nil
		},
	}
}

func expFunc() function {
	return function{double: math.Exp, decimal: func(r, d *apd.Decimal) { decimals().Exp(r, d) }}
}

// logFunc is $ln and $log10: of positive numbers only.
func logFunc(code mongoerr.Code, name string, double func(float64) float64, decimal func(r, d *apd.Decimal)) function {
	return function{
		nan:     true,
		double:  double,
		decimal: decimal,
		check: func(f float64) error {
			if f <= 0 {
				return fail(code, "%s's argument must be a positive number, but is %s", name, shortDouble(f))
			}
			return nil
		},
		checkD: func(d *apd.Decimal) error {
			if d.Form != apd.NaN && d.Sign() <= 0 {
				return fail(code, "%s's argument must be a positive number, but is %s", name, shortDecimal(d))
			}
			return nil
		},
	}
}

func lnFunc() function {
	return logFunc(28766, "$ln", math.Log, func(r, d *apd.Decimal) { decimals().Ln(r, d) })
}

func log10Func() function {
	return logFunc(28761, "$log10", log10Double, func(r, d *apd.Decimal) { log10Decimal(r, d) })
}

// log10Double is the nearest double. math.Log10 is often off by one in the last
// place, which shows where C's is not.
func log10Double(f float64) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return math.Log10(f)
	}
	d, r := new(apd.Decimal), new(apd.Decimal)
	d.SetFloat64(f) // finite, so it does not fail.
	ctx := decimals()
	ctx.Precision = 20
	ctx.Log10(r, d)
	f, _ = decimalToDouble(r)
	return f
}

// log10Decimal is exact for the powers of ten.
func log10Decimal(r, d *apd.Decimal) {
	decimals().Log10(r, d)
	whole := new(apd.Decimal)
	whole.Reduce(r)
	if whole.Exponent >= 0 {
		decimals().Quantize(r, whole, 0)
	}
}

// shortDouble is a double with six significant digits, as C++ streams print it.
func shortDouble(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	return strconv.FormatFloat(f, 'g', 6, 64)
}

// evalLog is the logarithm to any base.
func evalLog(c *Context, _ *call, a, b bsonx.Value) (bsonx.Value, error) {
	switch {
	case !bsonx.IsNumber(a):
		return a, fail(28756, "$log's argument must be numeric, not %s", nameOf(a))
	case !bsonx.IsNumber(b):
		return a, fail(28757, "$log's base must be numeric, not %s", nameOf(b))
	}
	if bsonx.IsNaN(a) || bsonx.IsNaN(b) {
		return c.doubleValue(math.NaN()), nil
	}
	if promoted(a, b) == ofDecimal {
		return c.logDecimal(toDecimal(a), toDecimal(b))
	}
	arg, base := asDouble(a), asDouble(b)
	if arg <= 0 {
		return a, fail(28758, "$log's argument must be a positive number, but is %s", shortDouble(arg))
	}
	if base <= 0 || base == 1 {
		return a, fail(28759, "$log's base must be a positive number not equal to 1, but is %s", shortDouble(base))
	}
	return c.doubleValue(math.Log(arg) / math.Log(base)), nil
}

func (c *Context) logDecimal(arg, base *apd.Decimal) (bsonx.Value, error) {
	if arg.Form != apd.NaN && arg.Sign() <= 0 {
		return bsonx.Missing, fail(28758, "$log's argument must be a positive number, but is %s", shortDecimal(arg))
	}
	if base.Form != apd.NaN && (base.Sign() <= 0 || base.Cmp(apd.New(1, 0)) == 0) {
		return bsonx.Missing, fail(28759, "$log's base must be a positive number not equal to 1, but is %s", shortDecimal(base))
	}
	if arg.Cmp(base) == 0 {
		return c.decimalValue(apd.New(1, 0)), nil
	}
	la, lb, r := new(apd.Decimal), new(apd.Decimal), new(apd.Decimal)
	decimals().Ln(la, arg)
	decimals().Ln(lb, base)
	decimals().Quo(r, la, lb) // rounded thrice, as the server does.
	return c.decimalValue(padDecimal(r)), nil
}

// guardDigits are computed beyond the last, so that results are rounded once.
const guardDigits = 8

// padDecimal fills the coefficient of an inexact function's result up to all 34
// digits, as the server's decimal library does.
func padDecimal(d *apd.Decimal) *apd.Decimal {
	if d.Form != apd.Finite || d.IsZero() {
		return d
	}
	var ten apd.BigInt
	ten.SetInt64(10)
	for n := d.NumDigits(); n < bsonx.DecimalDigitsMax; n++ {
		d.Coeff.Mul(&d.Coeff, &ten)
		d.Exponent--
	}
	return d
}

func evalAbs(c *Context, _ *call, v bsonx.Value) (bsonx.Value, error) {
	switch v.Type {
	case bsonx.TypeInt32:
		if n := int64(bsonx.AsInt32(v)); n < 0 {
			return c.intValue(-n), nil
		}
		return v, nil
	case bsonx.TypeInt64:
		n := bsonx.AsInt64(v)
		if n == math.MinInt64 {
			return v, fail(28680, "can't take $abs of long long min")
		}
		if n < 0 {
			return c.int64Value(-n), nil
		}
		return v, nil
	case bsonx.TypeDouble:
		return c.doubleValue(math.Abs(bsonx.AsDouble(v))), nil
	case bsonx.TypeDecimal:
		d := decimalOf(v)
		d.Negative = false
		return c.decimalValue(d), nil
	}
	return v, fail(28765, "$abs only supports numeric types, not %s", nameOf(v))
}

// evalPow keeps integers while they fit: an int32 if both operands are and it
// fits, else an int64, else a double.
func evalPow(c *Context, _ *call, a, b bsonx.Value) (bsonx.Value, error) {
	switch {
	case !bsonx.IsNumber(a):
		return a, fail(28762, "$pow's base must be numeric, not %s", nameOf(a))
	case !bsonx.IsNumber(b):
		return a, fail(28763, "$pow's exponent must be numeric, not %s", nameOf(b))
	case isZero(a) && negative(b):
		return a, fail(28764, "$pow cannot take a base of 0 and a negative exponent")
	}
	if promoted(a, b) == ofDecimal {
		return c.powDecimal(toDecimal(a), toDecimal(b)), nil
	}
	if promoted(a, b) == ofDouble {
		return c.doubleValue(pow(asDouble(a), asDouble(b))), nil
	}
	if n, ok := powInt64(asInt64(a), asInt64(b)); ok {
		return c.integral(a, b, n), nil
	}
	return c.doubleValue(pow(asDouble(a), asDouble(b))), nil
}

// pow is math.Pow, but right to the last bit where the exponent is a small
// integer, as C's is: it multiplies with twice the precision.
func pow(base, exp float64) float64 {
	n := math.Abs(exp)
	rough := math.Pow(base, exp)
	if n != math.Trunc(n) || n > 64 || n < 2 || math.Abs(rough) > 1e300 || math.Abs(rough) < 1e-290 {
		return rough
	}
	hi, lo := 1.0, 0.0
	for range int(n) {
		p := hi * base
		lo = math.FMA(hi, base, -p) + lo*base
		hi = p + lo
		lo -= hi - p
	}
	if exp > 0 {
		return hi
	}
	q := 1 / hi
	return q + q*(math.FMA(-q, hi, 1)-q*lo)
}

func negative(v bsonx.Value) bool {
	if v.Type == bsonx.TypeDecimal {
		d := decimalOf(v)
		return d.Form != apd.NaN && d.Sign() < 0
	}
	return asDouble(v) < 0
}

// powInt64 tells whether base^exp is an int64, and which.
func powInt64(base, exp int64) (int64, bool) {
	switch base {
	case 0:
		if exp == 0 {
			return 1, true
		}
		return 0, true
	case 1:
		return 1, true
	case -1:
		if exp%2 == 0 {
			return 1, true
		}
		return -1, true
	}
	if exp < 0 || exp > 63 {
		return 0, false
	}
	n, ok := int64(1), true
	for range exp {
		if n, ok = mulInt64(n, base); !ok {
			return 0, false
		}
	}
	return n, true
}

func (c *Context) powDecimal(a, b *apd.Decimal) bsonx.Value {
	r := new(apd.Decimal)
	if b.Form == apd.Infinite && a.Form == apd.Finite && !a.Negative && a.Cmp(apd.New(1, 0)) > 0 {
		if b.Negative {
			return c.decimalValue(&apd.Decimal{Exponent: bsonx.DecimalExpMin})
		}
		return c.decimalValue(b)
	}
	wide := decimals()
	wide.Precision += guardDigits
	if _, err := wide.Pow(r, a, b); err != nil {
		r.Form = apd.NaN
	}
	decimals().Round(r, r)
	if r.Form == apd.Finite && !r.IsZero() {
		padDecimal(r)
	}
	return c.decimalValue(r)
}
