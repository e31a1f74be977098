package keyenc

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/pandodb/pando/internal/bsonx"
)

// number is a decoded number before its type is known.
type number struct {
	lead  byte
	neg   bool
	whole uint64        // of an integer below 2^63.
	f     float64       // of a double, its magnitude.
	dec   bsonx.Decimal // of a decimal that no double hits, its magnitude, reduced.
	kind  kind
}

type kind uint8

const (
	kindInteger kind = iota
	kindDouble
	kindDecimal
	kindNaN
	kindInf
)

// readNumber takes apart what follows a number's leading byte.
func (r *reader) readNumber(lead byte) number {
	n := number{lead: lead}
	switch lead {
	case leadNaN:
		n.kind = kindNaN
	case leadInf, leadNegInf:
		n.kind, n.neg = kindInf, lead == leadNegInf
	case leadZero:
	default:
		flip := r.flip
		if n.neg = lead < leadZero; n.neg {
			r.flip = ^flip
			lead = 2*leadZero - lead
		}
		r.readDigits(&n, r.readMagnitude(&n, lead))
		r.flip = flip
	}
	return n
}

// skipNumber is readNumber without putting a decimal together.
func (r *reader) skipNumber(lead byte) {
	switch lead {
	case leadNaN, leadInf, leadNegInf, leadZero:
		return
	}
	flip := r.flip
	if lead < leadZero {
		r.flip = ^flip
		lead = 2*leadZero - lead
	}
	var n number
	if r.readMagnitude(&n, lead) {
		r.skip(2)
		for r.byte()%2 != 0 {
		}
	}
	r.flip = flip
}

// readMagnitude reads what a positive lead announces, and tells whether digits follow.
func (r *reader) readMagnitude(n *number, lead byte) (more bool) {
	if lead == leadSmall || lead == leadLarge {
		w := r.big(8)
		n.kind, n.f = kindDouble, math.Float64frombits(w>>1)
		return w&1 != 0
	}
	w := r.big(int(lead) - leadInt1 + 1)
	if n.whole = w >> 1; w&1 == 0 {
		return false
	}
	size := bits.Len64(n.whole)
	w = r.big(fractionBytes(size))
	n.kind, n.f = kindDouble, float64(n.whole)
	if size < mantissaBits {
		n.f += math.Ldexp(float64(w>>1), size-mantissaBits)
	}
	return w&1 != 0
}

// readDigits reads the decimal that n is, if more digits follow its double.
func (r *reader) readDigits(n *number, more bool) {
	if !more {
		return
	}
	n.kind = kindDecimal
	magnitude := int(r.big(2)) - magnitudeBias
	for {
		pair := r.byte()
		if n.dec.Hi != 0 && n.dec.Digits() > bsonx.DecimalDigitsMax-2 || pair >= 200 {
			r.fail(ErrCorrupt)
			return
		}
		n.dec = n.dec.Push(uint64(pair/2), 2)
		if pair%2 == 0 {
			break
		}
	}
	n.dec.Exp = magnitude - n.dec.Digits() + 1
	n.dec, _ = n.dec.Reduce()
}

// number appends the number behind lead, in the type that the bits tell.
func (d *decoder) number(dst []byte, lead byte) ([]byte, bsonx.Type) {
	n := d.readNumber(lead)
	if d.err != nil {
		return dst, bsonx.TypeMissing
	}
	if d.bits.get(1) == 0 {
		return d.assumed(dst, n)
	}
	switch 0b100 | d.bits.get(2) {
	case bitsInt64:
		i, ok := n.int64()
		if !ok {
			d.fail(ErrCorrupt)
		}
		return binary.LittleEndian.AppendUint64(dst, uint64(i)), bsonx.TypeInt64
	case bitsDouble:
		return appendFloat(dst, n.double()), bsonx.TypeDouble
	case bitsDecimal:
		return d.decimal(dst, n), bsonx.TypeDecimal
	}
	if d.bits.get(1) == 0 {
		return binary.LittleEndian.AppendUint64(dst, d.bits.get(64)), bsonx.TypeDouble
	}
	hi := d.bits.get(64)
	dst = binary.LittleEndian.AppendUint64(dst, d.bits.get(64))
	return binary.LittleEndian.AppendUint64(dst, hi), bsonx.TypeDecimal
}

// assumed appends n in the type that needs no bits.
func (d *decoder) assumed(dst []byte, n number) ([]byte, bsonx.Type) {
	switch n.kind {
	case kindInteger:
		i, _ := n.int64()
		if i == int64(int32(i)) {
			return binary.LittleEndian.AppendUint32(dst, uint32(i)), bsonx.TypeInt32
		}
		return binary.LittleEndian.AppendUint64(dst, uint64(i)), bsonx.TypeInt64
	case kindDecimal:
		// An exponent past the largest comes down by writing zeros.
		return d.packed(dst, n, max(0, n.dec.Exp-bsonx.DecimalExpMax)), bsonx.TypeDecimal
	}
	return appendFloat(dst, n.double()), bsonx.TypeDouble
}

func appendFloat(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// int64 is n as an integer, if it is one and fits.
func (n *number) int64() (int64, bool) {
	i := int64(n.whole)
	if n.neg {
		i = -i
	}
	if n.kind == kindDouble {
		return math.MinInt64, n.neg && n.f == 1<<63
	}
	return i, n.kind == kindInteger
}

func (n *number) double() float64 {
	f := n.f
	switch n.kind {
	case kindInteger:
		f = float64(n.whole)
	case kindInf:
		f = math.Inf(1)
	case kindNaN:
		return math.Float64frombits(canonicalNaN)
	}
	if n.neg {
		f = -f
	}
	return f
}

// decimal appends n as a decimal with the trailing zeros that the bits tell.
func (d *decoder) decimal(dst []byte, n number) []byte {
	zeros := int(d.bits.get(6))
	if n.lead == leadZero && zeros == zerosOfZero {
		w := d.bits.get(15)
		return bsonx.Decimal{Neg: w>>14 != 0, Exp: int(w&(1<<14-1)) + bsonx.DecimalExpMin}.Append(dst)
	}
	switch n.kind {
	case kindNaN:
		return bsonx.Decimal{Form: bsonx.DecimalNaN}.Append(dst)
	case kindInf:
		return bsonx.Decimal{Form: bsonx.DecimalInf, Neg: n.neg}.Append(dst)
	case kindInteger:
		n.dec, _ = bsonx.DecimalFromInt64(int64(n.whole)).Reduce()
	case kindDouble: // it came from a decimal, so 34 digits are exact.
		n.dec, _ = bsonx.DecimalFromDouble(n.f, bsonx.DecimalDigitsMax).Reduce()
	}
	return d.packed(dst, n, zeros)
}

// packed appends n.dec with trailing zeros.
func (d *decoder) packed(dst []byte, n number, zeros int) []byte {
	if n.dec.Form != bsonx.DecimalFinite || n.dec.Digits()+zeros > bsonx.DecimalDigitsMax {
		d.fail(ErrCorrupt)
		return dst
	}
	dec := n.dec.Scale(zeros)
	dec.Neg = n.neg
	if dec.Exp < bsonx.DecimalExpMin || dec.Exp > bsonx.DecimalExpMax {
		d.fail(ErrCorrupt)
		return dst
	}
	return dec.Append(dst)
}
