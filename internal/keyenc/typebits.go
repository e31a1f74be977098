package keyenc

import (
	"encoding/binary"
	"math"

	"github.com/pandodb/pando/internal/bsonx"
)

// TypeBits collects what encodings lose, a bit or more for each number, text and
// array in them. Its bytes end with the last bit that is set: values of the types
// that Decode assumes anyway (see [Decode]) add none. The zero TypeBits is empty
// and ready; a nil one takes everything and keeps nothing.
type TypeBits struct {
	buf []byte
	n   int // bits written; those beyond buf are zero.
}

// Reset empties b, keeping its memory.
func (b *TypeBits) Reset() { b.buf, b.n = b.buf[:0], 0 }

// Bytes returns what was collected; it is b's until Reset.
func (b *TypeBits) Bytes() []byte { return b.buf }

// A number is a zero bit if it is of the type that Decode assumes, else a one,
// two bits that tell the type, and what that type needs.
const (
	bitsInt64   = 0b100
	bitsDouble  = 0b101
	bitsDecimal = 0b110 // and six bits: how many trailing zeros the coefficient has, or zerosOfZero.
	bitsRaw     = 0b111 // and a bit, and as it says the 8 bytes of a double or 16 of a decimal.
)

// zerosOfZero stands before a decimal zero: its sign and 14 bits of exponent follow.
const zerosOfZero = 63

// canonicalNaN is the double that Decode makes of NaN.
const canonicalNaN = 0x7ff8000000000000

// skip writes a zero bit.
func (b *TypeBits) skip() {
	if b != nil {
		b.n++
	}
}

// add writes the low width bits of v, the highest first.
func (b *TypeBits) add(v uint64, width int) {
	if b == nil {
		return
	}
	for i := width - 1; i >= 0; i-- {
		if v>>i&1 != 0 {
			for len(b.buf) <= b.n/8 {
				b.buf = append(b.buf, 0)
			}
			b.buf[b.n/8] |= 0x80 >> (b.n % 8)
		}
		b.n++
	}
}

func (b *TypeBits) int64(n int64) {
	if n == int64(int32(n)) || n == math.MinInt64 {
		b.add(bitsInt64, 3)
		return
	}
	b.skip()
}

func (b *TypeBits) double(f float64) {
	bits := math.Float64bits(f)
	switch {
	case f != f && bits != canonicalNaN, f == 0 && bits != 0:
		b.add(bitsRaw<<1, 4)
		b.add(bits, 64)
	case f > -1<<63 && f < 1<<63 && f == float64(int64(f)):
		b.add(bitsDouble, 3)
	default:
		b.skip()
	}
}

func (b *TypeBits) decimal(zeros int) {
	b.add(bitsDecimal, 3)
	b.add(uint64(zeros), 6)
}

// oddDecimal writes a decimal that is zero or no finite number.
func (b *TypeBits) oddDecimal(d bsonx.Decimal, data []byte) {
	if b == nil {
		return
	}
	var buf [16]byte
	switch canonical := string(d.Append(buf[:0])) == string(data); {
	case !canonical || d.Form == bsonx.DecimalNaN && d.Neg:
		b.add(bitsRaw<<1|1, 4)
		b.add(binary.LittleEndian.Uint64(data[8:]), 64)
		b.add(binary.LittleEndian.Uint64(data), 64)
	case d.Form != bsonx.DecimalFinite:
		b.decimal(0)
	default:
		b.decimal(zerosOfZero)
		sign := uint64(0)
		if d.Neg {
			sign = 1
		}
		b.add(sign<<14|uint64(d.Exp-bsonx.DecimalExpMin), 15)
	}
}

// text writes a name: its bytes and a zero byte.
func (b *TypeBits) text(s string) {
	for i := range len(s) {
		b.add(uint64(s[i]), 8)
	}
	b.add(0, 8)
}

// TypeBitsReader reads what a TypeBits collected, in the same order. Past the end
// it reads zeros, so the zero reader, and a nil one, give the assumed types.
type TypeBitsReader struct {
	buf []byte
	n   int
}

// NewTypeBitsReader reads borrowed bytes.
func NewTypeBitsReader(b []byte) TypeBitsReader { return TypeBitsReader{buf: b} }

func (r *TypeBitsReader) get(width int) uint64 {
	if r == nil {
		return 0
	}
	var v uint64
	for range width {
		v <<= 1
		if i := r.n / 8; i < len(r.buf) {
			v |= uint64(r.buf[i]>>(7-r.n%8)) & 1
		}
		r.n++
	}
	return v
}
