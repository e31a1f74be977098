package keyenc

import (
	"bytes"
	"encoding/binary"

	"github.com/pandodb/pando/internal/bsonx"
)

// Append appends v's encoding to dst. Where v came from is not kept: equal values
// have equal encodings. A missing v is encoded as undefined.
func Append(dst []byte, v bsonx.Value, desc bool) []byte {
	return AppendTyped(dst, nil, v, desc)
}

// AppendTyped is Append that also records in bits what the encoding loses, for
// Decode. Several values may record into one TypeBits, in the order in which they
// will be decoded.
func AppendTyped(dst []byte, bits *TypeBits, v bsonx.Value, desc bool) []byte {
	at := len(dst)
	dst = appendValue(dst, bits, v)
	if desc {
		invert(dst[at:])
	}
	return dst
}

func invert(b []byte) {
	for len(b) >= 8 {
		binary.NativeEndian.PutUint64(b, ^binary.NativeEndian.Uint64(b))
		b = b[8:]
	}
	for i := range b {
		b[i] = ^b[i]
	}
}

func appendValue(dst []byte, bits *TypeBits, v bsonx.Value) []byte {
	switch v.Type {
	case bsonx.TypeInt32:
		bits.skip()
		return appendInt(dst, int64(bsonx.AsInt32(v)))
	case bsonx.TypeInt64:
		n := bsonx.AsInt64(v)
		bits.int64(n)
		return appendInt(dst, n)
	case bsonx.TypeDouble:
		f := bsonx.AsDouble(v)
		bits.double(f)
		return appendDouble(dst, f)
	case bsonx.TypeDecimal:
		return appendDecimal(dst, bits, v)
	case bsonx.TypeString:
		bits.skip()
		return appendText(append(dst, leadString), bsonx.Str(v))
	case bsonx.TypeSymbol:
		bits.add(1, 1)
		return appendText(append(dst, leadString), bsonx.Str(v))
	case bsonx.TypeObjectID:
		return append(append(dst, leadObjectID), v.Data...)
	case bsonx.TypeDocument:
		return appendDocument(append(dst, leadDocument), bits, bsonx.AsDoc(v))
	case bsonx.TypeArray:
		return appendArray(append(dst, leadArray), bits, bsonx.AsDoc(v))
	case bsonx.TypeDate:
		return binary.BigEndian.AppendUint64(append(dst, leadDate), uint64(bsonx.AsInt64(v))^1<<63)
	case bsonx.TypeBool:
		return append(dst, leadFalse+v.Data[0])
	}
	return appendRare(dst, bits, v)
}

func appendRare(dst []byte, bits *TypeBits, v bsonx.Value) []byte {
	lead, _ := bracketLeads(v.Type)
	dst = append(dst, lead)
	switch v.Type {
	case bsonx.TypeBinary:
		subtype, data := bsonx.Binary(v)
		dst = append(appendLength(dst, len(data)), subtype)
		return append(dst, data...)
	case bsonx.TypeTimestamp:
		return binary.BigEndian.AppendUint64(dst, uint64(bsonx.AsInt64(v)))
	case bsonx.TypeRegex: // two texts without NUL, each ended by one.
		return append(dst, v.Data...)
	case bsonx.TypeDBPointer:
		dst = appendLength(dst, len(v.Data)-4-1-12)
		return append(dst, v.Data[4:]...)
	case bsonx.TypeCode:
		return appendText(dst, bsonx.Str(v))
	case bsonx.TypeCodeScope:
		code, scope := bsonx.CodeScope(v)
		return appendDocument(appendText(dst, code), bits, scope)
	}
	return dst // MinKey, undefined, null, MaxKey: the leading byte is all.
}

// appendDocument takes each element as bracket, name, value: the order in which
// documents compare.
func appendDocument(dst []byte, bits *TypeBits, d bsonx.Doc) []byte {
	for it := bsonx.Walk(d); it.Next(); {
		bracket, _ := bracketLeads(it.Value().Type)
		dst = append(dst, bracket)
		dst = append(dst, it.Key()...)
		dst = append(dst, 0)
		dst = appendValue(dst, bits, it.Value())
	}
	return append(dst, leadEnd)
}

// appendArray takes the values alone. Names that are not 0, 1, 2 and so on, which
// compare as if they were, go to the bits.
func appendArray(dst []byte, bits *TypeBits, d bsonx.Doc) []byte {
	plain := bits == nil || plainNames(d)
	if plain {
		bits.skip()
	} else {
		bits.add(1, 1)
	}
	for it := bsonx.Walk(d); it.Next(); {
		if !plain {
			bits.text(it.Key())
		}
		dst = appendValue(dst, bits, it.Value())
	}
	return append(dst, leadEnd)
}

func plainNames(array bsonx.Doc) bool {
	i := 0
	for it := bsonx.Walk(array); it.Next(); i++ {
		if it.Key() != bsonx.Index(i) {
			return false
		}
	}
	return true
}

// Text ends with textEnd, which cannot be inside: the two lowest bytes are
// written as textEscape and themselves plus one.
const (
	textEnd    = 0x00
	textEscape = 0x01
)

func appendText(dst []byte, s string) []byte {
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, textEnd)
		}
		dst = append(dst, textEscape, s[n]+1)
		s = s[n+1:]
	}
}

// plainPrefix counts the bytes before the first that must be escaped.
func plainPrefix(s string) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		if (w-2*ones)&^w&highs != 0 { // some byte is below 2.
			break
		}
	}
	for ; i < len(s) && s[i] > textEscape; i++ {
	}
	return i
}

// appendLength writes a length so that shorter ones sort first: one byte below
// lengthLong, or how many bytes follow, added to lengthLong-1, and the bytes.
func appendLength(dst []byte, n int) []byte {
	if n < lengthLong {
		return append(dst, byte(n))
	}
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], uint64(n))
	tail := bytes.TrimLeft(buf[:], "\x00")
	return append(append(dst, byte(lengthLong-1+len(tail))), tail...)
}

const lengthLong = 0xf8
