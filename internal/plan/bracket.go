package plan

import (
	"bytes"
	"math"

	"github.com/pandodb/pando/internal/bsonx"
)

// bracket is the values that a value of type t can be less or greater than in a
// filter, as an interval; ok is false for types that have no such interval with
// simple ends.
func bracket(t bsonx.Type) (iv Interval, ok bool) {
	iv = Interval{LoIn: true, HiIn: true}
	switch t {
	case bsonx.TypeDouble, bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDecimal:
		iv.Lo, iv.Hi = bsonx.Double(math.NaN()), bsonx.Double(math.Inf(1))
	case bsonx.TypeString, bsonx.TypeSymbol:
		iv.Lo, iv.Hi, iv.HiIn = bsonx.String(""), bsonx.DocValue(bsonx.Empty), false
	case bsonx.TypeDocument:
		iv.Lo, iv.Hi, iv.HiIn = bsonx.DocValue(bsonx.Empty), bsonx.ArrayValue(bsonx.Empty), false
	case bsonx.TypeBinary:
		iv.Lo, iv.Hi, iv.HiIn = bsonx.Value{Type: bsonx.TypeBinary, Data: make([]byte, 5)}, objectID(0), false
	case bsonx.TypeObjectID:
		iv.Lo, iv.Hi = objectID(0), objectID(0xff)
	case bsonx.TypeBool:
		iv.Lo, iv.Hi = bsonx.False, bsonx.True
	case bsonx.TypeDate:
		iv.Lo, iv.Hi = bsonx.Date(math.MinInt64), bsonx.Date(math.MaxInt64)
	case bsonx.TypeTimestamp:
		iv.Lo, iv.Hi = bsonx.Timestamp(0), bsonx.Timestamp(math.MaxUint64)
	case bsonx.TypeNull, bsonx.TypeUndefined, bsonx.TypeMinKey, bsonx.TypeMaxKey:
		iv.Lo, iv.Hi = bsonx.Value{Type: t}, bsonx.Value{Type: t}
	default:
		return iv, false
	}
	return iv, true
}

func objectID(fill byte) bsonx.Value {
	return bsonx.Value{Type: bsonx.TypeObjectID, Data: bytes.Repeat([]byte{fill}, 12)}
}

var (
	undefined = bsonx.Value{Type: bsonx.TypeUndefined}
	negInf    = bsonx.Double(math.Inf(-1))
)

// less is the set that {$lt: v} or {$lte: v} stands for. exact is false if it
// holds more than that.
func less(v bsonx.Value, in bool) (s Set, exact bool) {
	iv, ok := bracket(v.Type)
	switch {
	case v.Type == bsonx.TypeMaxKey || v.Type == bsonx.TypeMinKey:
		return between(minKey, true, v, in), v.Type == bsonx.TypeMaxKey
	case !ok || v.Type == bsonx.TypeUndefined:
		return everything(), false
	case v.Type == bsonx.TypeNull:
		return point(bsonx.Null), false
	case bsonx.IsNaN(v):
		return between(v, true, v, in), true
	case bsonx.IsNumber(v):
		iv.Lo = negInf
	}
	return between(iv.Lo, true, v, in), true
}

// greater is the same for {$gt: v} and {$gte: v}.
func greater(v bsonx.Value, in bool) (s Set, exact bool) {
	iv, ok := bracket(v.Type)
	switch {
	case v.Type == bsonx.TypeMinKey || v.Type == bsonx.TypeMaxKey:
		return between(v, in, maxKey, true), v.Type == bsonx.TypeMinKey
	case !ok || v.Type == bsonx.TypeUndefined:
		return everything(), false
	case v.Type == bsonx.TypeNull:
		return point(bsonx.Null), false
	case bsonx.IsNaN(v):
		return between(v, in, v, true), true
	}
	return between(v, in, iv.Hi, iv.HiIn), true
}

// equal is the set of index keys that a document with {$eq: v} has at least one of.
func equal(v bsonx.Value) (s Set, exact bool) {
	switch v.Type {
	case bsonx.TypeNull:
		return point(v), false
	case bsonx.TypeUndefined, bsonx.TypeRegex:
		return everything(), false
	case bsonx.TypeArray:
		// The array itself, as an element; or one that begins with its first element.
		_, first := bsonx.First(bsonx.AsDoc(v))
		if bsonx.IsMissing(first) {
			first = undefined
		}
		return union(point(first), point(v)), false
	}
	return point(v), true
}

// onePoint tells whether {$eq: v} means the one key of v: equal is that then, and exact.
func onePoint(v bsonx.Value) bool {
	switch v.Type {
	case bsonx.TypeNull, bsonx.TypeUndefined, bsonx.TypeRegex, bsonx.TypeArray:
		return false
	}
	return true
}

// prefixed is the strings that begin with prefix.
func prefixed(prefix string) Set {
	if prefix == "" {
		iv, _ := bracket(bsonx.TypeString)
		return Set{iv}
	}
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		iv, _ := bracket(bsonx.TypeString)
		return between(bsonx.String(prefix), true, iv.Hi, false)
	}
	end[len(end)-1]++
	return between(bsonx.String(prefix), true, bsonx.String(string(end)), false)
}

// regexValue is a regular expression as a BSON value.
func regexValue(pattern, options string) bsonx.Value {
	data := make([]byte, 0, len(pattern)+len(options)+2)
	data = append(append(data, pattern...), 0)
	data = append(append(data, options...), 0)
	return bsonx.Value{Type: bsonx.TypeRegex, Data: data}
}
