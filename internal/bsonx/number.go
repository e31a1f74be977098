package bsonx

import (
	"cmp"
	"math"
)

// CompareNumbers compares two values of numeric types by their exact value:
// nothing is rounded to the other's type. NaN is equal to itself and below all
// others; zeros of both signs are equal.
func CompareNumbers(a, b Value) int {
	switch a.Type {
	case TypeInt32, TypeInt64:
		return compareInt(asInt(a), b)
	case TypeDouble:
		return compareDouble(AsDouble(a), b)
	}
	switch b.Type {
	case TypeInt32, TypeInt64:
		return AsDecimal(a).Cmp(DecimalFromInt64(asInt(b)))
	case TypeDouble:
		return compareDecimalDouble(AsDecimal(a), AsDouble(b))
	}
	return AsDecimal(a).Cmp(AsDecimal(b))
}

// asInt is the number of an int32 or int64 value.
func asInt(v Value) int64 {
	if v.Type == TypeInt32 {
		return int64(AsInt32(v))
	}
	return AsInt64(v)
}

func compareInt(a int64, b Value) int {
	switch b.Type {
	case TypeInt32, TypeInt64:
		return cmp.Compare(a, asInt(b))
	case TypeDouble:
		return CompareIntDouble(a, AsDouble(b))
	}
	return DecimalFromInt64(a).Cmp(AsDecimal(b))
}

func compareDouble(a float64, b Value) int {
	switch b.Type {
	case TypeInt32, TypeInt64:
		return -CompareIntDouble(asInt(b), a)
	case TypeDouble:
		return cmp.Compare(a, AsDouble(b)) // cmp has NaN lowest too, and -0 equal to 0.
	}
	return -compareDecimalDouble(AsDecimal(b), a)
}

// CompareIntDouble compares an integer with a double without rounding either.
func CompareIntDouble(n int64, f float64) int {
	switch {
	case f != f || f < -1<<63:
		return 1
	case f >= 1<<63:
		return -1
	}
	whole := int64(f)
	if c := cmp.Compare(n, whole); c != 0 {
		return c
	}
	return cmp.Compare(0, f-float64(whole))
}

func compareDecimalDouble(d Decimal, f float64) int {
	switch {
	case d.Form == DecimalNaN || f != f:
		return boolCompare(d.Form != DecimalNaN, f == f)
	case d.Form == DecimalInf:
		return cmp.Compare(math.Inf(d.sign()), f)
	case math.IsInf(f, 0):
		return cmp.Compare(0, f)
	}
	t, exact := d.Trunc()
	if c := cmp.Compare(t, f); c != 0 || exact {
		return c
	}
	return d.sign() // d lies beyond t, away from zero.
}

// ToInt64Exact returns the integer that a number is, if it is one and fits.
func ToInt64Exact(v Value) (int64, bool) {
	switch v.Type {
	case TypeInt32, TypeInt64:
		return asInt(v), true
	case TypeDouble:
		f := AsDouble(v)
		if !(f >= -1<<63 && f < 1<<63) || f != math.Trunc(f) {
			return 0, false
		}
		return int64(f), true
	case TypeDecimal:
		return AsDecimal(v).Int64()
	}
	return 0, false
}

// Int64 returns the integer that d is, if it is one and fits.
func (d Decimal) Int64() (int64, bool) {
	if d.Form != DecimalFinite {
		return 0, false
	}
	if d.IsZero() {
		return 0, true
	}
	d, _ = d.Reduce()
	if d.Exp < 0 || d.Magnitude() > 18 {
		return 0, false
	}
	d = d.Scale(d.Exp)
	switch {
	case d.Hi != 0, d.Lo > 1<<63, d.Lo == 1<<63 && !d.Neg:
		return 0, false
	case d.Neg:
		return -int64(d.Lo), true
	}
	return int64(d.Lo), true
}

// ToInt64Clamped cuts a number's fraction off and saturates at the limits of an
// int64; NaN gives 0. It is how the reference server reads a number where an
// option wants an integer. The second result is false if v is no number.
func ToInt64Clamped(v Value) (int64, bool) {
	switch v.Type {
	case TypeInt32, TypeInt64:
		return asInt(v), true
	case TypeDouble:
		return clampInt64(AsDouble(v)), true
	case TypeDecimal:
		d := AsDecimal(v)
		if d.Form != DecimalFinite || d.Magnitude() > 18 {
			return clampInt64(d.Float64()), true
		}
		d = d.whole()
		if n, ok := d.Int64(); ok {
			return n, true
		}
		return clampInt64(d.Float64()), true
	}
	return 0, false
}

// whole cuts the fraction of a finite d off.
func (d Decimal) whole() Decimal {
	if d.Exp < -DecimalDigitsMax {
		return Decimal{Neg: d.Neg}
	}
	for ; d.Exp < 0; d.Exp++ {
		d.Hi, d.Lo, _ = div128(d.Hi, d.Lo, 10)
	}
	return d
}

func clampInt64(f float64) int64 {
	switch {
	case f != f:
		return 0
	case f >= 1<<63:
		return math.MaxInt64
	case f < -1<<63:
		return math.MinInt64
	}
	return int64(f)
}

// ToDouble returns the double nearest to a number, ties to even; false if v is
// no number.
func ToDouble(v Value) (float64, bool) {
	switch v.Type {
	case TypeInt32, TypeInt64:
		return float64(asInt(v)), true
	case TypeDouble:
		return AsDouble(v), true
	case TypeDecimal:
		return AsDecimal(v).Float64(), true
	}
	return 0, false
}

// IsNaN tells whether v is a NaN of either type.
func IsNaN(v Value) bool {
	switch v.Type {
	case TypeDouble:
		f := AsDouble(v)
		return f != f
	case TypeDecimal:
		return AsDecimal(v).Form == DecimalNaN
	}
	return false
}
