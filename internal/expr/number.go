package expr

import (
	"math"

	"github.com/pandodb/pando/internal/bsonx"
)

// rank orders the numeric types by what arithmetic promotes to; anything else has none.
type rank uint8

const (
	ofInt32 rank = iota + 1
	ofInt64
	ofDouble
	ofDecimal
)

func rankOf(v bsonx.Value) rank {
	switch v.Type {
	case bsonx.TypeInt32:
		return ofInt32
	case bsonx.TypeInt64:
		return ofInt64
	case bsonx.TypeDouble:
		return ofDouble
	case bsonx.TypeDecimal:
		return ofDecimal
	}
	return 0
}

// promoted is the rank that arithmetic on two numbers has.
func promoted(a, b bsonx.Value) rank { return max(rankOf(a), rankOf(b)) }

// asInt64 is the number of an int32 or int64.
func asInt64(v bsonx.Value) int64 {
	if v.Type == bsonx.TypeInt32 {
		return int64(bsonx.AsInt32(v))
	}
	return bsonx.AsInt64(v)
}

// asDouble is the nearest double of any number.
func asDouble(v bsonx.Value) float64 {
	switch v.Type {
	case bsonx.TypeInt32:
		return float64(bsonx.AsInt32(v))
	case bsonx.TypeInt64:
		return float64(bsonx.AsInt64(v))
	case bsonx.TypeDouble:
		return bsonx.AsDouble(v)
	}
	return bsonx.AsDecimal(v).Float64()
}

// exactInt32 is the number as an int32 if it is one.
func exactInt32(v bsonx.Value) (int32, bool) {
	n, ok := bsonx.ToInt64Exact(v)
	return int32(n), ok && n == int64(int32(n))
}

// addInt64 and mulInt64 tell overflow.
func addInt64(a, b int64) (int64, bool) {
	s := a + b
	return s, (s > a) == (b > 0)
}

func subInt64(a, b int64) (int64, bool) {
	s := a - b
	return s, (s < a) == (b > 0)
}

func mulInt64(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	p := a * b
	return p, p/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
}
