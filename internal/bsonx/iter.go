package bsonx

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// Iter walks the elements of a document without allocating.
//
//	for it := bsonx.Walk(doc); it.Next(); {
//		it.Key(), it.Value()
//	}
type Iter struct {
	rest  []byte
	key   []byte
	value Value
}

// Walk returns an iterator before d's first element. A nil d has none.
func Walk(d Doc) Iter {
	if len(d) < 5 {
		return Iter{}
	}
	return Iter{rest: d[4:]}
}

// Next moves to the next element and tells whether there is one.
func (it *Iter) Next() bool {
	if len(it.rest) == 0 || it.rest[0] == 0 {
		return false
	}
	t := Type(it.rest[0])
	end := bytes.IndexByte(it.rest[1:], 0) + 1
	it.key = it.rest[1:end]
	body := it.rest[end+1:]
	n := SizeOf(t, body)
	it.value = Value{Type: t, Data: body[:n:n]}
	it.rest = body[n:]
	return true
}

// Key is the current element's name: a string over the document's bytes.
func (it *Iter) Key() string { return view(it.key) }

// Value is the current element's value.
func (it *Iter) Value() Value { return it.value }

// All ranges over a document's elements. Keys and values are borrowed.
func All(d Doc) iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for it := Walk(d); it.Next(); {
			if !yield(it.Key(), it.Value()) {
				return
			}
		}
	}
}

// Get returns the value of the first element named key, or Missing. It takes
// one name, not a dotted path.
func Get(d Doc, key string) Value {
	for it := Walk(d); it.Next(); {
		if string(it.key) == key {
			return it.value
		}
	}
	return Missing
}

// Len counts a document's elements.
func Len(d Doc) int {
	n := 0
	for it := Walk(d); it.Next(); {
		n++
	}
	return n
}

// First returns the first element, or "", Missing.
func First(d Doc) (string, Value) {
	it := Walk(d)
	if !it.Next() {
		return "", Missing
	}
	return it.Key(), it.Value()
}

// SizeOf returns how many of body's bytes a value of type t takes. The bytes
// are validated ones: it panics on others.
func SizeOf(t Type, body []byte) int {
	switch t {
	case TypeDouble, TypeDate, TypeTimestamp, TypeInt64:
		return 8
	case TypeInt32:
		return 4
	case TypeBool:
		return 1
	case TypeNull, TypeUndefined, TypeMinKey, TypeMaxKey:
		return 0
	case TypeObjectID:
		return 12
	case TypeDecimal:
		return 16
	case TypeString, TypeCode, TypeSymbol:
		return 4 + int(binary.LittleEndian.Uint32(body))
	case TypeDocument, TypeArray, TypeCodeScope:
		return int(binary.LittleEndian.Uint32(body))
	case TypeBinary:
		return 5 + int(binary.LittleEndian.Uint32(body))
	case TypeRegex:
		pattern := bytes.IndexByte(body, 0) + 1
		return pattern + bytes.IndexByte(body[pattern:], 0) + 1
	case TypeDBPointer:
		return 4 + int(binary.LittleEndian.Uint32(body)) + 12
	}
	panic("bsonx: unvalidated type")
}
