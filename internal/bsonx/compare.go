package bsonx

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"strings"
)

// Compare orders any two values as the reference server's sort and $cmp do: by
// the bracket of their types first (see [Bracket]), then within it. It returns
// -1, 0 or 1. Numbers of the four types are compared by their exact value, with
// NaN equal to itself and below all others; a symbol is the string of its text;
// a missing value is equal to undefined and less than null.
//
// How a missing field or an array sorts in an index or under $sort is decided a
// floor above: there a missing field counts as null, and an array as its
// smallest element (ascending) or largest (descending), an empty one as undefined.
func Compare(a, b Value) int {
	if a.Type != b.Type {
		ba, bb := Bracket(a.Type), Bracket(b.Type)
		if ba != bb {
			return cmp.Compare(ba, bb)
		}
	}
	switch a.Type {
	case TypeDouble, TypeInt32, TypeInt64, TypeDecimal:
		return CompareNumbers(a, b)
	case TypeString, TypeSymbol, TypeCode:
		return strings.Compare(Str(a), Str(b))
	case TypeDocument:
		return CompareDocs(AsDoc(a), AsDoc(b))
	case TypeArray:
		return compareArrays(AsDoc(a), AsDoc(b))
	case TypeBinary:
		return compareBinary(a.Data, b.Data)
	case TypeObjectID, TypeBool:
		return bytes.Compare(a.Data, b.Data)
	case TypeDate:
		return cmp.Compare(AsInt64(a), AsInt64(b))
	case TypeTimestamp:
		return cmp.Compare(uint64(AsInt64(a)), uint64(AsInt64(b)))
	case TypeRegex:
		// Neither part holds a NUL, so the pair sorts as its bytes do.
		return bytes.Compare(a.Data, b.Data)
	case TypeDBPointer:
		// As in the reference server's indexes. Its sort in memory takes names of
		// one length for equal, which no index could follow.
		if c := cmp.Compare(len(a.Data), len(b.Data)); c != 0 {
			return c
		}
		return bytes.Compare(a.Data, b.Data)
	case TypeCodeScope:
		return compareCodeScope(a, b)
	}
	return 0 // missing, undefined, null, MinKey, MaxKey: one value each.
}

// Equal tells whether Compare finds no difference. Equal values may differ in
// their bytes: 1 and 1.0 do.
func Equal(a, b Value) bool { return Compare(a, b) == 0 }

// CompareDocs compares two documents element by element, in the order in which
// they stand: bracket of the type, then name, then value. A document that ends
// first is less.
func CompareDocs(a, b Doc) int {
	x, y := Walk(a), Walk(b)
	for {
		more, other := x.Next(), y.Next()
		if !more || !other {
			return boolCompare(more, other)
		}
		if c := cmp.Compare(Bracket(x.value.Type), Bracket(y.value.Type)); c != 0 {
			return c
		}
		if c := bytes.Compare(x.key, y.key); c != 0 {
			return c
		}
		if c := Compare(x.value, y.value); c != 0 {
			return c
		}
	}
}

// compareArrays is CompareDocs but for the names, which say nothing.
func compareArrays(a, b Doc) int {
	x, y := Walk(a), Walk(b)
	for {
		more, other := x.Next(), y.Next()
		if !more || !other {
			return boolCompare(more, other)
		}
		if c := Compare(x.value, y.value); c != 0 {
			return c
		}
	}
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareBinary takes the length first, then the subtype, then the bytes.
func compareBinary(a, b []byte) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return bytes.Compare(a[4:], b[4:])
}

func compareCodeScope(a, b Value) int {
	codeA, scopeA := CodeScope(a)
	codeB, scopeB := CodeScope(b)
	if c := strings.Compare(codeA, codeB); c != 0 {
		return c
	}
	return CompareDocs(scopeA, scopeB)
}

// CodeScope returns the borrowed parts of a code-with-scope value.
func CodeScope(v Value) (code string, scope Doc) {
	n := int(binary.LittleEndian.Uint32(v.Data[4:]))
	return view(v.Data[8 : 8+n-1]), Doc(v.Data[8+n:])
}

// Bracket is the place of a type among the types: values of different brackets
// compare as their brackets do. The four numeric types share one, as do string
// and symbol, and missing and undefined. The numbers are the reference server's
// canonical ones; only their order means anything.
func Bracket(t Type) int {
	switch t {
	case TypeMinKey:
		return -1
	case TypeMissing, TypeUndefined:
		return 0
	case TypeNull:
		return 5
	case TypeDouble, TypeInt32, TypeInt64, TypeDecimal:
		return 10
	case TypeString, TypeSymbol:
		return 15
	case TypeDocument:
		return 20
	case TypeArray:
		return 25
	case TypeBinary:
		return 30
	case TypeObjectID:
		return 35
	case TypeBool:
		return 40
	case TypeDate:
		return 45
	case TypeTimestamp:
		return 47
	case TypeRegex:
		return 50
	case TypeDBPointer:
		return 55
	case TypeCode:
		return 60
	case TypeCodeScope:
		return 65
	case TypeMaxKey:
		return 127
	}
	panic("bsonx: unvalidated type")
}
