package bsonx

import (
	"math"
	"strconv"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Float64 returns the double nearest to d, ties to even.
func (d Decimal) Float64() float64 {
	switch d.Form {
	case DecimalNaN:
		return math.NaN()
	case DecimalInf:
		if d.Neg {
			return math.Inf(-1)
		}
		return math.Inf(1)
	}
	var buf [64]byte
	f, _ := strconv.ParseFloat(string(d.appendScientific(buf[:0])), 64) // out of range is an infinity, as it should be.
	return f
}

// appendScientific writes a finite d as coefficient and exponent: 1999e-2.
func (d Decimal) appendScientific(dst []byte) []byte {
	if d.Neg {
		dst = append(dst, '-')
	}
	dst = d.appendCoef(dst)
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(d.Exp), 10)
}

// appendCoef writes the digits of the coefficient.
func (d Decimal) appendCoef(dst []byte) []byte {
	if d.Hi == 0 {
		return strconv.AppendUint(dst, d.Lo, 10)
	}
	const half = 10_000_000_000_000_000_000 // 10^19
	hi, lo, rem := div128(d.Hi, d.Lo, half)
	dst = Decimal{Hi: hi, Lo: lo}.appendCoef(dst)
	at := len(dst)
	dst = append(dst, "0000000000000000000"...)
	for i := len(dst) - 1; i >= at; i-- {
		dst[i] = byte('0' + rem%10)
		rem /= 10
	}
	return dst
}

// String is the decimal as the reference server and extended JSON write it.
func (d Decimal) String() string {
	b := d.Append(nil)
	lo, hi := leUint64(b), leUint64(b[8:])
	if d.Form == DecimalNaN {
		return "NaN"
	}
	return bson.NewDecimal128(hi, lo).String()
}

// DecimalFromDouble is f rounded to so many significant digits, 1 to 34, half to
// even. It has that many: 2 at 15 digits is 2.00000000000000, as the reference
// server's $toDecimal has it.
func DecimalFromDouble(f float64, digits int) Decimal {
	switch {
	case f != f:
		return Decimal{Form: DecimalNaN}
	case math.IsInf(f, 0):
		return Decimal{Form: DecimalInf, Neg: f < 0}
	case f == 0:
		return Decimal{Neg: math.Signbit(f)}
	}
	var buf [64]byte
	text := strconv.AppendFloat(buf[:0], math.Abs(f), 'e', digits-1, 64)
	d := Decimal{Neg: f < 0}
	i := 0
	for ; i < len(text) && text[i] != 'e'; i++ {
		if text[i] != '.' {
			d = d.Push(uint64(text[i]-'0'), 1)
		}
	}
	exp, _ := strconv.Atoi(string(text[i+1:]))
	d.Exp = exp - digits + 1
	return d
}

// APD sets out to d and returns it, for arithmetic.
func (d Decimal) APD(out *apd.Decimal) *apd.Decimal {
	*out = apd.Decimal{Negative: d.Neg}
	switch d.Form {
	case DecimalNaN:
		out.Form, out.Negative = apd.NaN, false
	case DecimalInf:
		out.Form = apd.Infinite
	default:
		out.Exponent = int32(d.Exp)
		out.Coeff.SetUint64(d.Hi)
		if d.Hi != 0 {
			out.Coeff.Lsh(&out.Coeff, 64)
		}
		var lo apd.BigInt
		out.Coeff.Or(&out.Coeff, lo.SetUint64(d.Lo))
	}
	return out
}

// DecimalContext is the arithmetic of decimal128 for apd: 34 digits, half to
// even. Pass results to [DecimalFromAPD], which minds the limits of exponents.
func DecimalContext() *apd.Context {
	return &apd.Context{
		Precision:   DecimalDigitsMax,
		MaxExponent: apd.MaxExponent,
		MinExponent: apd.MinExponent,
		Rounding:    apd.RoundHalfEven,
	}
}

// DecimalFromAPD rounds a result of decimal arithmetic to a decimal128: past the
// largest it is an infinity, below the smallest it loses digits and ends at zero.
func DecimalFromAPD(x *apd.Decimal) Decimal {
	switch x.Form {
	case apd.NaN, apd.NaNSignaling:
		return Decimal{Form: DecimalNaN}
	case apd.Infinite:
		return Decimal{Form: DecimalInf, Neg: x.Negative}
	}
	digits := DecimalDigitsMax
	if !x.IsZero() {
		// Digits that may stay: all down to 10^DecimalExpMin.
		digits = min(digits, int(x.Exponent)+int(x.NumDigits())-DecimalExpMin)
	}
	var r apd.Decimal
	r.Set(x)
	switch {
	case digits < 0:
		return Decimal{Neg: x.Negative, Exp: DecimalExpMin}
	case int64(digits) < x.NumDigits():
		exp := x.Exponent + int32(x.NumDigits()) - int32(digits)
		ctx := DecimalContext()
		ctx.Precision++ // for a carry, which fitAPD takes back.
		if _, err := ctx.Quantize(&r, x, exp); err != nil || r.Form != apd.Finite {
			return Decimal{Form: DecimalNaN}
		}
	}
	return fitAPD(&r)
}

// fitAPD brings the exponent of a rounded x into the range of decimal128.
func fitAPD(x *apd.Decimal) Decimal {
	var low apd.BigInt
	d := Decimal{Neg: x.Negative, Exp: int(x.Exponent)}
	d.Lo = low.And(&x.Coeff, low.SetUint64(math.MaxUint64)).Uint64()
	d.Hi = low.Rsh(&x.Coeff, 64).Uint64()
	switch {
	case d.IsZero():
		d.Exp = max(min(d.Exp, DecimalExpMax), DecimalExpMin)
		return d
	case d.Digits() > DecimalDigitsMax: // rounding carried: 999.. became 1000..
		d.Hi, d.Lo, _ = div128(d.Hi, d.Lo, 10)
		d.Exp++
	}
	if over := d.Exp - DecimalExpMax; over > 0 {
		if d.Digits()+over > DecimalDigitsMax {
			return Decimal{Form: DecimalInf, Neg: d.Neg}
		}
		d = d.Scale(over)
	}
	return d
}
