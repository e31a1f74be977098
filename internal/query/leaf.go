package query

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
)

// leaf tells whether one value satisfies a leaf; the value may be missing.
func (n *Node) leaf(v bsonx.Value) bool {
	switch n.Op {
	case OpEq, OpLt, OpLte, OpGt, OpGte:
		return n.compare(v)
	case OpExists:
		return v.Type != bsonx.TypeMissing
	case OpType:
		return v.Type != bsonx.TypeMissing && n.Types.Has(v.Type)
	case OpSize:
		return v.Type == bsonx.TypeArray && int64(bsonx.Len(bsonx.AsDoc(v))) == n.N
	case OpMod:
		return n.mod(v)
	case OpBitsAllSet, OpBitsAnySet, OpBitsAllClear, OpBitsAnyClear:
		return n.bits(v)
	}
	panic("query: no leaf")
}

// compare compares v with the operand if they are of one bracket of types.
// MinKey and MaxKey are below and above everything; nothing is equal to NaN but
// NaN, and nothing is less or greater.
func (n *Node) compare(v bsonx.Value) bool {
	want := n.Value
	if n.Op == OpEq && v.Type == want.Type && fixedForm(v.Type) {
		return string(v.Data) == string(want.Data)
	}
	if v.Type == bsonx.TypeMissing {
		v = bsonx.Null
	}
	if bsonx.Bracket(v.Type) != bsonx.Bracket(want.Type) {
		switch want.Type {
		case bsonx.TypeMaxKey:
			return n.Op == OpLt || n.Op == OpLte
		case bsonx.TypeMinKey:
			return n.Op == OpGt || n.Op == OpGte
		}
		return false
	}
	if a, b := bsonx.IsNaN(v), bsonx.IsNaN(want); a || b {
		return a && b && (n.Op == OpEq || n.Op == OpLte || n.Op == OpGte)
	}
	return n.Op.holds(bsonx.Compare(v, want))
}

func (op Op) holds(cmp int) bool {
	switch op {
	case OpEq:
		return cmp == 0
	case OpLt:
		return cmp < 0
	case OpLte:
		return cmp <= 0
	case OpGt:
		return cmp > 0
	}
	return cmp >= 0
}

// fixedForm tells whether values of a type are equal exactly when their bytes are.
func fixedForm(t bsonx.Type) bool {
	switch t {
	case bsonx.TypeString, bsonx.TypeObjectID, bsonx.TypeInt32, bsonx.TypeInt64,
		bsonx.TypeBool, bsonx.TypeDate, bsonx.TypeTimestamp:
		return true
	}
	return false
}

func (m *match) in(n *Node, v bsonx.Value) bool {
	for _, r := range n.Regexes {
		if m.regex(r, v) {
			return true
		}
	}
	if v.Type == bsonx.TypeMissing {
		v = bsonx.Null
	}
	_, ok := slices.BinarySearchFunc(n.Values, v, bsonx.Compare)
	return ok
}

// mod takes the remainder of the number's integer part, whose sign it keeps.
func (n *Node) mod(v bsonx.Value) bool {
	var i int64
	switch v.Type {
	case bsonx.TypeInt32:
		i = int64(bsonx.AsInt32(v))
	case bsonx.TypeInt64:
		i = bsonx.AsInt64(v)
	case bsonx.TypeDouble, bsonx.TypeDecimal:
		var ok bool
		if i, ok = truncate(v); !ok {
			return false
		}
	default:
		return false
	}
	if n.N == -1 {
		return n.Rem == 0 // MinInt64 % -1 is a fault on some machines.
	}
	return i%n.N == n.Rem
}

// truncate is a double's or decimal's integer part, if an int64 can hold it.
func truncate(v bsonx.Value) (int64, bool) {
	if i, ok := bsonx.ToInt64Exact(v); ok {
		return i, true
	}
	f, _ := bsonx.ToDouble(v)
	if math.IsNaN(f) || f < -1<<63 || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// bits looks at the two's complement of an integral number, whose sign goes on
// without end, or at binary data, least significant byte first.
func (n *Node) bits(v bsonx.Value) bool {
	switch v.Type {
	case bsonx.TypeBinary:
		data := binaryData(v)
		return n.bitsHold(func(i int) bool { return i>>3 < len(data) && data[i>>3]>>(i&7)&1 == 1 })
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble, bsonx.TypeDecimal:
		k, ok := bsonx.ToInt64Exact(v)
		return ok && n.bitsHold(func(i int) bool { return k>>min(i, 63)&1 == 1 })
	}
	return false
}

func (n *Node) bitsHold(set func(int) bool) bool {
	all := n.Op == OpBitsAllSet || n.Op == OpBitsAllClear
	want := n.Op == OpBitsAllSet || n.Op == OpBitsAnySet
	for _, i := range n.Bits {
		if (set(i) == want) != all {
			return !all
		}
	}
	return all
}

// binaryData is the payload of binary data.
func binaryData(v bsonx.Value) []byte {
	return v.Data[5 : 5+binary.LittleEndian.Uint32(v.Data)]
}
