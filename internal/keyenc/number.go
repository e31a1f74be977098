package keyenc

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/pandodb/pando/internal/bsonx"
)

// A number is its sign, then its magnitude; all bits of a negative magnitude are
// turned over. The magnitude is cut, in the direction of zero, to what a double
// (or below 2^63 an integer) holds; a decimal that this does not hit exactly goes
// on with its own digits behind it (see appendDigits). So every number has one
// exact encoding, and the common ones have a short one.
//
//	below 1       the bits of the double, and a bit for "goes on"
//	below 2^63    the integer part and a bit for "has a fraction", in as few bytes
//	              as it needs; then the fraction, as many bits as a double
//	              of this size has left, and a bit for "goes on"
//	from 2^63 on  the bits of the double, and a bit for "goes on"

// Magnitudes of decimals are written as two bytes above magnitudeBias.
const magnitudeBias = 1 << 13

// mantissaBits is how many bits a double has.
const mantissaBits = 53

// fractionBytes is how many bytes hold the fraction behind an integer part of
// integerBits, with its last bit.
func fractionBytes(integerBits int) int { return max(1, (mantissaBits-integerBits+1+7)/8) }

func appendInt(dst []byte, n int64) []byte {
	switch {
	case n == 0:
		return append(dst, leadZero)
	case n > 0:
		w := uint64(n) << 1
		size := (bits.Len64(w) + 7) / 8
		return appendBig(append(dst, byte(leadInt1-1+size)), w, size)
	case n == math.MinInt64:
		return appendDouble(dst, math.MinInt64)
	}
	w := uint64(-n) << 1
	size := (bits.Len64(w) + 7) / 8
	return appendBig(append(dst, byte(leadNegInt1+1-size)), ^w, size)
}

// appendBig appends the low size bytes of w, the most significant first.
func appendBig(dst []byte, w uint64, size int) []byte {
	at := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, w<<(8*(8-size)))
	return dst[:at+size]
}

func appendDouble(dst []byte, f float64) []byte {
	if f >= -1<<63 && f < 1<<63 && f == float64(int64(f)) && f != -1<<63 {
		return appendInt(dst, int64(f))
	}
	switch {
	case f != f:
		return append(dst, leadNaN)
	case f > math.MaxFloat64:
		return append(dst, leadInf)
	case f < -math.MaxFloat64:
		return append(dst, leadNegInf)
	}
	at := len(dst)
	dst = appendReal(dst, math.Abs(f), whole(math.Abs(f)), false)
	if f < 0 {
		negate(dst[at:])
	}
	return dst
}

// whole is the integer part of a positive double below 2^63; above, it matters not.
func whole(f float64) uint64 {
	if f >= 1<<63 {
		return 0
	}
	return uint64(f)
}

// negate makes the encoding of a positive number that of its negative.
func negate(key []byte) {
	key[0] = 2*leadZero - key[0]
	invert(key[1:])
}

// appendReal appends a positive number that is no integer below 2^63: f is the
// number cut off, whole its integer part if it is below 2^63, and more tells that
// digits follow.
func appendReal(dst []byte, f float64, whole uint64, more bool) []byte {
	var last uint64
	if more {
		last = 1
	}
	switch {
	case f < 1:
		return binary.BigEndian.AppendUint64(append(dst, leadSmall), math.Float64bits(f)<<1|last)
	case f >= 1<<63:
		return binary.BigEndian.AppendUint64(append(dst, leadLarge), math.Float64bits(f)<<1|last)
	}
	n := bits.Len64(whole)
	size := (n + 1 + 7) / 8
	dst = appendBig(append(dst, byte(leadInt1-1+size)), whole<<1|1, size)
	var fraction uint64
	if n < mantissaBits {
		fraction = uint64(math.Ldexp(f-float64(whole), mantissaBits-n))
	}
	return appendBig(dst, fraction<<1|last, fractionBytes(n))
}

func appendDecimal(dst []byte, tb *TypeBits, v bsonx.Value) []byte {
	stored := bsonx.AsDecimal(v)
	if stored.Form != bsonx.DecimalFinite || stored.IsZero() {
		tb.oddDecimal(stored, v.Data)
		return append(dst, oddLead(stored))
	}
	d, zeros := stored.Reduce()
	if n, ok := d.Int64(); ok {
		tb.decimal(zeros)
		return appendInt(dst, n)
	}
	neg := d.Neg
	d.Neg = false
	f, exact := d.Trunc()
	if exact || zeros > 0 {
		tb.decimal(zeros)
	} else {
		tb.skip()
	}
	at := len(dst)
	dst = appendReal(dst, f, wholeDecimal(d, f), !exact)
	if !exact {
		dst = appendDigits(dst, d)
	}
	if neg {
		negate(dst[at:])
	}
	return dst
}

func oddLead(d bsonx.Decimal) byte {
	switch {
	case d.Form == bsonx.DecimalNaN:
		return leadNaN
	case d.Form == bsonx.DecimalFinite:
		return leadZero
	case d.Neg:
		return leadNegInf
	}
	return leadInf
}

// wholeDecimal is the integer part of d, which f is cut from. From 2^53 on f says
// too little of it.
func wholeDecimal(d bsonx.Decimal, f float64) uint64 {
	if f < 1<<mantissaBits || f >= 1<<63 {
		return whole(f)
	}
	n, _ := bsonx.ToInt64Clamped(d.Value())
	return uint64(n)
}

// appendDigits appends a reduced decimal by itself: its magnitude, then its
// digits in pairs, the first first. A pair is twice its number, plus one if
// another follows.
func appendDigits(dst []byte, d bsonx.Decimal) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(d.Magnitude()+magnitudeBias))
	if d.Digits()%2 != 0 {
		d = d.Scale(1)
	}
	at := len(dst)
	n := d.Digits() / 2
	for range n {
		dst = append(dst, 0)
	}
	more := byte(0)
	for i := at + n - 1; i >= at; i-- {
		var pair uint64
		d, pair = d.DivMod(100)
		dst[i] = byte(pair)*2 + more
		more = 1
	}
	return dst
}
