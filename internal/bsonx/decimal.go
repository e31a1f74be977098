package bsonx

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
)

// Decimal is an unpacked decimal128: (-1)^Neg * Coef * 10^Exp, or one of the
// values that are no finite number. Trailing zeros of the coefficient are part
// of the value as stored, though not of its order.
type Decimal struct {
	Hi, Lo uint64 // the coefficient, below 10^34.
	Exp    int    // DecimalExpMin to DecimalExpMax.
	Form   DecimalForm
	Neg    bool
}

// DecimalForm tells finite decimals from the rest.
type DecimalForm uint8

// The forms of a decimal128.
const (
	DecimalFinite DecimalForm = iota
	DecimalInf
	DecimalNaN
)

// Limits of a decimal128.
const (
	DecimalDigitsMax = 34
	DecimalExpMin    = -6176
	DecimalExpMax    = 6111
)

// Bits of the high half of a stored decimal128 (binary integer encoding).
const (
	decimalSign     = 1 << 63
	decimalExpBias  = 6176
	decimalExpShift = 49
	decimalCoefMask = 1<<decimalExpShift - 1
	decimalInfBits  = 0x78 << 56
	decimalNaNBits  = 0x7c << 56
)

// AsDecimal unpacks a decimal128 value. As the standard asks, a coefficient of
// 10^34 or more (which no one should store) is read as zero.
func AsDecimal(v Value) Decimal {
	lo, hi := binary.LittleEndian.Uint64(v.Data), binary.LittleEndian.Uint64(v.Data[8:])
	d := Decimal{Neg: hi&decimalSign != 0}
	switch {
	case hi&decimalNaNBits == decimalNaNBits:
		d.Form = DecimalNaN
	case hi&decimalInfBits == decimalInfBits:
		d.Form = DecimalInf
	case hi&(3<<61) == 3<<61: // the long coefficients: always too large.
		d.Exp = int(hi>>47&0x3fff) - decimalExpBias
	default:
		d.Exp = int(hi>>decimalExpShift&0x3fff) - decimalExpBias
		d.Hi, d.Lo = hi&decimalCoefMask, lo
		if less128(pow10[DecimalDigitsMax].hi, pow10[DecimalDigitsMax].lo-1, d.Hi, d.Lo) {
			d.Hi, d.Lo = 0, 0
		}
	}
	return d
}

// Append packs d as the 16 bytes of a decimal128.
func (d Decimal) Append(dst []byte) []byte {
	var hi, lo uint64
	switch d.Form {
	case DecimalNaN:
		hi = decimalNaNBits
	case DecimalInf:
		hi = decimalInfBits
	default:
		hi, lo = uint64(d.Exp+decimalExpBias)<<decimalExpShift|d.Hi, d.Lo
	}
	if d.Neg {
		hi |= decimalSign
	}
	dst = binary.LittleEndian.AppendUint64(dst, lo)
	return binary.LittleEndian.AppendUint64(dst, hi)
}

// Value packs d in fresh bytes.
func (d Decimal) Value() Value { return Value{Type: TypeDecimal, Data: d.Append(make([]byte, 0, 16))} }

// IsZero tells whether d is a finite zero of either sign.
func (d Decimal) IsZero() bool { return d.Form == DecimalFinite && d.Hi|d.Lo == 0 }

// DecimalFromInt64 is n with exponent 0.
func DecimalFromInt64(n int64) Decimal {
	if n < 0 {
		return Decimal{Lo: -uint64(n), Neg: true}
	}
	return Decimal{Lo: uint64(n)}
}

// Reduce strips the trailing zeros of a finite coefficient and tells how many
// there were. A zero keeps its exponent.
func (d Decimal) Reduce() (Decimal, int) {
	n := 0
	if d.Form != DecimalFinite || d.IsZero() {
		return d, 0
	}
	for d.Hi != 0 {
		hi, lo, rem := div128(d.Hi, d.Lo, 10)
		if rem != 0 {
			return d, n
		}
		d.Hi, d.Lo, d.Exp = hi, lo, d.Exp+1
		n++
	}
	for d.Lo%10 == 0 {
		d.Lo, d.Exp = d.Lo/10, d.Exp+1
		n++
	}
	return d, n
}

// Digits counts the decimal digits of the coefficient; a zero has one.
func (d Decimal) Digits() int { return digits128(d.Hi, d.Lo) }

// Magnitude is the power of ten of the first digit: 1.5 has 0, 0.015 has -2.
func (d Decimal) Magnitude() int { return d.Exp + d.Digits() - 1 }

// Scale multiplies the coefficient by 10^n, the exponent staying behind by n:
// the same number, written longer. The result must fit in 34 digits.
func (d Decimal) Scale(n int) Decimal {
	d.Hi, d.Lo = mul128(d.Hi, d.Lo, n)
	d.Exp -= n
	return d
}

// DivMod divides the coefficient by n, cutting off, and returns the remainder.
func (d Decimal) DivMod(n uint64) (Decimal, uint64) {
	var rem uint64
	d.Hi, d.Lo, rem = div128(d.Hi, d.Lo, n)
	return d, rem
}

// Push writes the decimal digits of n, width of them, behind the coefficient.
// The result must fit in 34 digits.
func (d Decimal) Push(n uint64, width int) Decimal {
	d.Hi, d.Lo = mul128(d.Hi, d.Lo, width)
	var carry uint64
	d.Lo, carry = bits.Add64(d.Lo, n, 0)
	d.Hi += carry
	return d
}

// rank places the forms: NaN, negative infinity, finite, infinity.
func (d Decimal) rank() int {
	switch {
	case d.Form == DecimalNaN:
		return -2
	case d.Form == DecimalFinite:
		return 0
	case d.Neg:
		return -1
	}
	return 1
}

// sign is -1, 0 or 1 for a finite d.
func (d Decimal) sign() int {
	switch {
	case d.IsZero():
		return 0
	case d.Neg:
		return -1
	}
	return 1
}

// Cmp compares two decimals by value; NaN is equal to itself and below all others.
func (d Decimal) Cmp(o Decimal) int {
	if c := cmp.Compare(d.rank(), o.rank()); c != 0 || d.Form != DecimalFinite {
		return c
	}
	s := d.sign()
	if c := cmp.Compare(s, o.sign()); c != 0 || s == 0 {
		return c
	}
	if c := cmp.Compare(d.Magnitude(), o.Magnitude()); c != 0 {
		return c * s
	}
	// First digits of equal weight: the longer coefficient has the lower
	// exponent, and scaling the shorter one to it stays below 10^34.
	if d.Exp > o.Exp {
		d = d.Scale(d.Exp - o.Exp)
	} else {
		o = o.Scale(o.Exp - d.Exp)
	}
	switch {
	case d.Hi == o.Hi && d.Lo == o.Lo:
		return 0
	case less128(d.Hi, d.Lo, o.Hi, o.Lo):
		return -s
	}
	return s
}

// Trunc returns the double nearest to the finite d in the direction of zero,
// and whether it is exactly d. Beyond the largest double it is that one.
func (d Decimal) Trunc() (f float64, exact bool) {
	if d.IsZero() {
		return 0, true
	}
	f, exact = d.truncAbs()
	if d.Neg {
		f = -f
	}
	return f, exact
}

func (d Decimal) truncAbs() (float64, bool) {
	switch m := d.Magnitude(); {
	case m > 308:
		return math.MaxFloat64, false
	case m < -324:
		return 0, false
	case d.Hi == 0 && d.Exp <= 0 && d.Exp >= -19:
		return truncRatio(d.Lo, pow10[-d.Exp].lo)
	}
	return d.truncBig()
}

// truncRatio is n/d as a double, cut off; n and d are below 2^64 and n > 0.
func truncRatio(n, d uint64) (float64, bool) {
	// Shift n or d so that the quotient has 54 or 55 bits: more than a double
	// holds, and less than a word.
	shift := 54 - (bits.Len64(n) - bits.Len64(d))
	var q, r uint64
	if shift >= 0 {
		hi, lo := shl128(n, uint(shift))
		q, r = bits.Div64(hi, lo, d)
	} else { // n is longer than d by more than 54 bits; the divisor still fits.
		den := d << -shift
		q, r = n/den, n%den
	}
	cut := bits.Len64(q) - 53
	exact := r == 0 && q&(1<<cut-1) == 0
	return math.Ldexp(float64(q>>cut), cut-shift), exact // at 10^-19 or above: never subnormal.
}

// truncBig is the slow road for long coefficients and large exponents.
func (d Decimal) truncBig() (float64, bool) {
	n, den := d.BigInt(), big.NewInt(1)
	if d.Exp >= 0 {
		n.Mul(n, bigPow10(d.Exp))
	} else {
		den = bigPow10(-d.Exp)
	}
	shift := 54 - (n.BitLen() - den.BitLen())
	shift = min(shift, 1074) // subnormals end at 2^-1074.
	if shift >= 0 {
		n.Lsh(n, uint(shift))
	} else {
		den.Lsh(den, uint(-shift))
	}
	q, r := n.QuoRem(n, den, new(big.Int))
	u := q.Uint64()
	cut := max(bits.Len64(u)-53, 0)
	exact := r.Sign() == 0 && u&(1<<cut-1) == 0
	if f := math.Ldexp(float64(u>>cut), cut-shift); !math.IsInf(f, 0) {
		return f, exact
	}
	return math.MaxFloat64, false
}

// BigInt is the coefficient in a fresh big.Int.
func (d Decimal) BigInt() *big.Int {
	n := new(big.Int).SetUint64(d.Hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(d.Lo))
}

func bigPow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}
