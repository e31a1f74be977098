package keyenc

import (
	"encoding/binary"

	"github.com/pandodb/pando/internal/bsonx"
)

// Decode returns the first value encoded in src, in fresh bytes, and what follows
// it. With the bits that AppendTyped recorded the value is the original, bit for
// bit. Without (bits nil) it is equal to it, of the type that needs no bits: an
// integer is an int32 if it fits, else an int64; other numbers are doubles where a
// double is exact, else decimals; texts are strings.
func Decode(src []byte, bits *TypeBitsReader, desc bool) (v bsonx.Value, rest []byte, err error) {
	data, t, rest, err := decodeTo(nil, src, bits, desc)
	if err != nil {
		return bsonx.Missing, nil, err
	}
	return bsonx.Value{Type: t, Data: data}, rest, nil
}

// decodeTo is Decode that appends the value's bytes, without its type, to dst.
func decodeTo(dst, src []byte, bits *TypeBitsReader, desc bool) (out []byte, t bsonx.Type, rest []byte, err error) {
	d := decoder{reader: newReader(src, desc), bits: bits}
	out, t = d.value(dst, 0)
	if d.err != nil {
		return dst, bsonx.TypeMissing, nil, d.err
	}
	return out, t, d.src, nil
}

type decoder struct {
	reader
	bits *TypeBitsReader
}

func (d *decoder) value(dst []byte, depth int) ([]byte, bsonx.Type) {
	if depth > depthMax {
		d.fail(ErrCorrupt)
		return dst, bsonx.TypeMissing
	}
	switch lead := d.byte(); lead {
	case leadString:
		if d.bits.get(1) != 0 {
			return d.appendString(dst), bsonx.TypeSymbol
		}
		return d.appendString(dst), bsonx.TypeString
	case leadDocument:
		return d.document(dst, depth), bsonx.TypeDocument
	case leadArray:
		return d.array(dst, depth), bsonx.TypeArray
	case leadObjectID:
		return d.appendRaw(dst, 12), bsonx.TypeObjectID
	case leadFalse, leadTrue:
		return append(dst, lead-leadFalse), bsonx.TypeBool
	case leadDate:
		return binary.LittleEndian.AppendUint64(dst, d.big(8)^1<<63), bsonx.TypeDate
	case leadTimestamp:
		return binary.LittleEndian.AppendUint64(dst, d.big(8)), bsonx.TypeTimestamp
	case leadUndefined:
		return dst, bsonx.TypeUndefined
	case leadNull:
		return dst, bsonx.TypeNull
	case leadMinKey:
		return dst, bsonx.TypeMinKey
	case leadMaxKey:
		return dst, bsonx.TypeMaxKey
	default:
		if lead >= leadNaN && lead <= leadInf {
			return d.number(dst, lead)
		}
		return d.rare(dst, lead, depth)
	}
}

func (d *decoder) rare(dst []byte, lead byte, depth int) ([]byte, bsonx.Type) {
	switch lead {
	case leadBinary:
		n := d.length()
		dst = append(binary.LittleEndian.AppendUint32(dst, uint32(n)), d.byte())
		return d.appendRaw(dst, n), bsonx.TypeBinary
	case leadRegex:
		dst = d.appendRaw(dst, d.untilEnd()+1)
		return d.appendRaw(dst, d.untilEnd()+1), bsonx.TypeRegex
	case leadDBPointer:
		n := d.length()
		dst = d.appendRaw(binary.LittleEndian.AppendUint32(dst, uint32(n+1)), n)
		if end := d.byte(); end != 0 {
			d.fail(ErrCorrupt)
		}
		return d.appendRaw(append(dst, 0), 12), bsonx.TypeDBPointer
	case leadCode:
		return d.appendString(dst), bsonx.TypeCode
	case leadCodeScope:
		at := len(dst)
		dst = d.appendString(append(dst, 0, 0, 0, 0))
		dst = d.document(dst, depth)
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at))
		return dst, bsonx.TypeCodeScope
	}
	d.fail(ErrCorrupt)
	return dst, bsonx.TypeMissing
}

func (d *decoder) document(dst []byte, depth int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for d.byte() != leadEnd { // the bracket, which the value repeats.
		header := len(dst)
		dst = d.appendRaw(append(dst, 0), d.untilEnd()+1)
		dst = d.element(dst, header, depth)
	}
	return endDocument(dst, at)
}

func (d *decoder) array(dst []byte, depth int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	plain := d.bits.get(1) == 0
	for i := 0; d.peek() != leadEnd; i++ {
		header := len(dst)
		dst = append(dst, 0)
		if plain {
			dst = append(append(dst, bsonx.Index(i)...), 0)
		} else {
			dst = d.name(dst)
		}
		dst = d.element(dst, header, depth)
	}
	d.byte()
	return endDocument(dst, at)
}

// name copies a name from the bits.
func (d *decoder) name(dst []byte) []byte {
	for {
		b := byte(d.bits.get(8))
		dst = append(dst, b)
		if b == 0 {
			return dst
		}
	}
}

// element appends a value whose type byte waits at header.
func (d *decoder) element(dst []byte, header, depth int) []byte {
	dst, t := d.value(dst, depth+1)
	dst[header] = byte(t)
	return dst
}

func endDocument(dst []byte, at int) []byte {
	dst = append(dst, 0)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at))
	return dst
}

// Skip returns what follows the first value encoded in src.
func Skip(src []byte, desc bool) (rest []byte, err error) {
	r := newReader(src, desc)
	r.skipValue(0)
	return r.src, r.err
}

func (r *reader) skipValue(depth int) {
	if depth > depthMax {
		r.fail(ErrCorrupt)
		return
	}
	switch lead := r.byte(); lead {
	case leadMinKey, leadUndefined, leadNull, leadFalse, leadTrue, leadMaxKey:
	case leadString, leadCode:
		r.skipText()
	case leadDocument:
		r.skipDocument(depth)
	case leadArray:
		for r.peek() != leadEnd {
			r.skipValue(depth + 1)
		}
		r.byte()
	case leadObjectID:
		r.skip(12)
	case leadDate, leadTimestamp:
		r.skip(8)
	case leadBinary:
		r.skip(r.length() + 1)
	case leadRegex:
		r.skipText()
		r.skipText()
	case leadDBPointer:
		r.skip(r.length() + 1 + 12)
	case leadCodeScope:
		r.skipText()
		r.skipDocument(depth)
	default:
		if lead < leadNaN || lead > leadInf {
			r.fail(ErrCorrupt)
			return
		}
		r.skipNumber(lead)
	}
}

func (r *reader) skipDocument(depth int) {
	for r.byte() != leadEnd {
		r.skipText()
		r.skipValue(depth + 1)
	}
}
