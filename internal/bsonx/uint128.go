package bsonx

import "math/bits"

// uint128 is a coefficient where it is a constant; elsewhere its two halves go
// about by themselves, which keeps them in registers.
type uint128 struct{ hi, lo uint64 }

// pow10 holds the powers of ten below 2^128.
var pow10 = func() (t [39]uint128) {
	t[0].lo = 1
	for i := 1; i < len(t); i++ {
		carry, lo := bits.Mul64(t[i-1].lo, 10)
		t[i] = uint128{t[i-1].hi*10 + carry, lo}
	}
	return t
}()

func less128(ahi, alo, bhi, blo uint64) bool { return ahi < bhi || ahi == bhi && alo < blo }

// div128 divides by a word.
func div128(hi, lo, d uint64) (qhi, qlo, rem uint64) {
	qhi, rem = hi/d, hi%d
	qlo, rem = bits.Div64(rem, lo, d)
	return qhi, qlo, rem
}

// mul128 multiplies by 10^n; the product must fit.
func mul128(hi, lo uint64, n int) (uint64, uint64) {
	p := pow10[n]
	top, bottom := bits.Mul64(lo, p.lo)
	return top + hi*p.lo + lo*p.hi, bottom
}

func shl128(n uint64, s uint) (hi, lo uint64) {
	if s >= 64 {
		return n << (s - 64), 0
	}
	return n >> (64 - s), n << s
}

func digits128(hi, lo uint64) int {
	bitLen := bits.Len64(lo)
	if hi != 0 {
		bitLen = 64 + bits.Len64(hi)
	}
	n := (bitLen*1233)>>12 + 1 // log10(2) ~ 1233/4096: right or one too many.
	if n > 1 && less128(hi, lo, pow10[n-1].hi, pow10[n-1].lo) {
		n--
	}
	return n
}
