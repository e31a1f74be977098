package expr

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
)

// IEEE 754 decimal128, as BSON stores it: 34 digits, exponents of the last
// digit from -6176 to 6111.
const (
	decimalDigits      = 34
	decimalExponentMin = -6176
	decimalExponentMax = 6111
)

// decimals is the arithmetic of decimal128: rounding half to even, overflow to
// infinity, gradual underflow, no traps.
func decimals() *apd.Context {
	return &apd.Context{Precision: decimalDigits, MaxExponent: 6144, MinExponent: -6143, Rounding: apd.RoundHalfEven}
}

// decimalParts splits the bits: the coefficient's high and low halves, the
// exponent, and what kind of number it is.
func decimalParts(v bsonx.Value) (hi, lo uint64, exp int, form apd.Form, negative bool) {
	lo = binary.LittleEndian.Uint64(v.Data)
	hi = binary.LittleEndian.Uint64(v.Data[8:])
	negative = hi>>63 != 0
	switch {
	case hi>>58&0x1f == 0x1f:
		return 0, 0, 0, apd.NaN, negative
	case hi>>58&0x1f == 0x1e:
		return 0, 0, 0, apd.Infinite, negative
	case hi>>61&3 == 3:
		// A coefficient too large for 34 digits: by the standard, zero.
		return 0, 0, int(hi>>47&0x3fff) + decimalExponentMin, apd.Finite, negative
	}
	exp = int(hi>>49&0x3fff) + decimalExponentMin
	return hi & (1<<49 - 1), lo, exp, apd.Finite, negative
}

func decimalIsZero(v bsonx.Value) bool {
	hi, lo, _, form, _ := decimalParts(v)
	return form == apd.Finite && hi == 0 && lo == 0
}

// decimalOf is the number of a decimal value.
func decimalOf(v bsonx.Value) *apd.Decimal {
	hi, lo, exp, form, negative := decimalParts(v)
	d := &apd.Decimal{Form: form, Negative: negative, Exponent: int32(exp)}
	if hi != 0 {
		c := new(big.Int).Lsh(new(big.Int).SetUint64(hi), 64)
		d.Coeff.SetMathBigInt(c.Or(c, new(big.Int).SetUint64(lo)))
	} else {
		d.Coeff.SetUint64(lo)
	}
	return d
}

// decimalValue is d as BSON, rounded to what decimal128 holds.
func (c *Context) decimalValue(d *apd.Decimal) bsonx.Value {
	b := c.bytes(16)
	hi, lo := decimalBits(d)
	binary.LittleEndian.PutUint64(b, lo)
	binary.LittleEndian.PutUint64(b[8:], hi)
	return bsonx.Value{Type: bsonx.TypeDecimal, Data: b}
}

func decimalBits(d *apd.Decimal) (hi, lo uint64) {
	var sign uint64
	if d.Negative {
		sign = 1 << 63
	}
	switch d.Form {
	case apd.NaN, apd.NaNSignaling:
		return 0x7c << 56, 0
	case apd.Infinite:
		return sign | 0x78<<56, 0
	}
	r := new(apd.Decimal)
	decimals().Round(r, d)
	if r.Form == apd.Infinite {
		return sign | 0x78<<56, 0
	}
	coeff := r.Coeff.MathBigInt()
	exp := int(r.Exponent)
	if coeff.Sign() == 0 {
		exp = min(max(exp, decimalExponentMin), decimalExponentMax)
	}
	if exp > decimalExponentMax {
		// Within range if zeros move from the exponent into the coefficient.
		coeff.Mul(coeff, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exp-decimalExponentMax)), nil))
		exp = decimalExponentMax
	}
	if exp < decimalExponentMin {
		q := &apd.Decimal{Coeff: r.Coeff, Exponent: r.Exponent}
		decimals().Quantize(q, q, decimalExponentMin)
		coeff, exp = q.Coeff.MathBigInt(), decimalExponentMin
	}
	lo = new(big.Int).And(coeff, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	hi = new(big.Int).Rsh(coeff, 64).Uint64()
	return sign | uint64(exp-decimalExponentMin)<<49 | hi, lo
}

// decimalFromDouble is a double as arithmetic and $toDecimal promote it: 15
// significant digits, since not more of them are sure.
func decimalFromDouble(f float64) *apd.Decimal {
	switch {
	case math.IsNaN(f):
		return &apd.Decimal{Form: apd.NaN}
	case math.IsInf(f, 0):
		return &apd.Decimal{Form: apd.Infinite, Negative: f < 0}
	case f == 0:
		return &apd.Decimal{Negative: math.Signbit(f)}
	}
	d := new(apd.Decimal)
	d.SetString(strconv.FormatFloat(f, 'e', 14, 64)) // always well formed.
	return d
}

// decimalFromDoubleExact has all 34 digits of a double, as sums have it.
func decimalFromDoubleExact(f float64) *apd.Decimal {
	if math.IsNaN(f) || math.IsInf(f, 0) || f == 0 {
		return decimalFromDouble(f)
	}
	d := new(apd.Decimal)
	d.SetString(strconv.FormatFloat(f, 'e', decimalDigits-1, 64))
	d.Reduce(d)
	return d
}

// toDecimal promotes any number.
func toDecimal(v bsonx.Value) *apd.Decimal {
	switch v.Type {
	case bsonx.TypeInt32:
		return apd.New(int64(bsonx.AsInt32(v)), 0)
	case bsonx.TypeInt64:
		return apd.New(bsonx.AsInt64(v), 0)
	case bsonx.TypeDouble:
		return decimalFromDouble(bsonx.AsDouble(v))
	}
	return decimalOf(v)
}

// decimalText is the canonical text of decimal128.
func decimalText(d *apd.Decimal) string {
	sign := ""
	if d.Negative {
		sign = "-"
	}
	switch d.Form {
	case apd.NaN, apd.NaNSignaling:
		return "NaN"
	case apd.Infinite:
		return sign + "Infinity"
	}
	digits := d.Coeff.String()
	exp := int(d.Exponent)
	adjusted := exp + len(digits) - 1
	switch {
	case exp > 0 || adjusted < -6:
		s := digits[:1]
		if len(digits) > 1 {
			s += "." + digits[1:]
		}
		plus := ""
		if adjusted >= 0 {
			plus = "+"
		}
		return sign + s + "E" + plus + strconv.Itoa(adjusted)
	case exp == 0:
		return sign + digits
	case adjusted >= 0:
		return sign + digits[:len(digits)+exp] + "." + digits[len(digits)+exp:]
	}
	return sign + "0." + strings.Repeat("0", -adjusted-1) + digits
}

// decimalToDouble rounds to the nearest double; ok is false if that overflows,
// or gives zero for what is not.
func decimalToDouble(d *apd.Decimal) (f float64, ok bool) {
	switch d.Form {
	case apd.NaN, apd.NaNSignaling:
		return math.NaN(), true
	case apd.Infinite:
		if d.Negative {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	f, err := strconv.ParseFloat(d.Text('E'), 64)
	return f, err == nil && (f != 0 || d.IsZero())
}

// decimalToInt64 drops the fraction; ok is false outside of int64.
func decimalToInt64(d *apd.Decimal) (n int64, ok bool) {
	if d.Form != apd.Finite || int(d.Exponent)+int(d.NumDigits()) > 20 {
		return 0, false
	}
	t := new(apd.Decimal)
	wide := apd.Context{Precision: 60, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent, Rounding: apd.RoundDown}
	if _, err := wide.Quantize(t, d, 0); err != nil {
		return 0, false
	}
	n, err := t.Int64()
	return n, err == nil
}
