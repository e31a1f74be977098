package expr

import (
	"math"

	"github.com/pandodb/pando/internal/bsonx"
)

// rank orders the numeric types by what arithmetic promotes to: int32, int64,
// double, decimal. Anything else has none.
func rank(v bsonx.Value) int {
	switch v.Type {
	case bsonx.TypeInt32:
		return 1
	case bsonx.TypeInt64:
		return 2
	case bsonx.TypeDouble:
		return 3
	case bsonx.TypeDecimal:
		return 4
	}
	return 0
}

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
	f, _ := decimalToDouble(decimalOf(v))
	return f
}

// exactInt64 is the number as an int64 if it is one.
func exactInt64(v bsonx.Value) (int64, bool) {
	switch v.Type {
	case bsonx.TypeInt32, bsonx.TypeInt64:
		return asInt64(v), true
	case bsonx.TypeDouble:
		f := bsonx.AsDouble(v)
		if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
			return int64(f), true
		}
	case bsonx.TypeDecimal:
		d := decimalOf(v)
		if n, ok := decimalToInt64(d); ok && d.Cmp(toDecimal(bsonx.Int64(n))) == 0 {
			return n, true
		}
	}
	return 0, false
}

// exactInt32 is exactInt64 for what fits an int32.
func exactInt32(v bsonx.Value) (int32, bool) {
	n, ok := exactInt64(v)
	return int32(n), ok && n == int64(int32(n))
}

// clampInt64 is the number without its fraction, held within int64; NaN is 0.
func clampInt64(v bsonx.Value) int64 {
	switch v.Type {
	case bsonx.TypeInt32, bsonx.TypeInt64:
		return asInt64(v)
	case bsonx.TypeDecimal:
		d := decimalOf(v)
		if n, ok := decimalToInt64(d); ok {
			return n
		}
		return clampDouble(asDouble(v))
	}
	return clampDouble(bsonx.AsDouble(v))
}

func clampDouble(f float64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= 1<<63:
		return math.MaxInt64
	case f < -1<<63:
		return math.MinInt64
	}
	return int64(f)
}

// clampInt32 is clampInt64 held within int32.
func clampInt32(v bsonx.Value) int32 {
	return int32(min(max(clampInt64(v), math.MinInt32), math.MaxInt32))
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
