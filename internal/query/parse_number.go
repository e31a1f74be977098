package query

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// element is an element as the server prints it in messages.
func element(name string, v bsonx.Value) string { return name + ": " + bsonx.ShellString(v) }

// integer reads an operand that is an integer of any numeric type, or says in
// the server's words what is wrong with it.
func integer(name string, v bsonx.Value) (n int64, problem string) {
	if !bsonx.IsNumber(v) {
		return 0, "Expected a number in: " + element(name, v)
	}
	if n, ok := bsonx.ToInt64Exact(v); ok {
		return n, ""
	}
	if v.Type == bsonx.TypeDouble {
		switch f := bsonx.AsDouble(v); {
		case math.IsNaN(f):
			return 0, "Expected an integer, but found NaN in: " + element(name, v)
		case math.Abs(f) < 1<<63:
			return 0, "Expected an integer: " + element(name, v)
		}
	}
	return 0, "Cannot represent as a 64-bit integer: " + element(name, v)
}

func (p *parser) mod(path string, v bsonx.Value) (*Node, error) {
	if v.Type != bsonx.TypeArray {
		return nil, bad("malformed mod, needs to be an array")
	}
	var parts []bsonx.Value
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		parts = append(parts, it.Value())
	}
	switch {
	case len(parts) > 0 && !bsonx.IsNumber(parts[0]):
		return nil, bad("malformed mod, divisor not a number")
	case len(parts) < 2:
		return nil, bad("malformed mod, not enough elements")
	case !bsonx.IsNumber(parts[1]):
		return nil, bad("malformed mod, remainder not a number")
	case len(parts) > 2:
		return nil, bad("malformed mod, too many elements")
	}
	divisor, err := modPart("divisor", parts[0])
	if err != nil {
		return nil, err
	}
	rem, err := modPart("remainder", parts[1])
	if err != nil {
		return nil, err
	}
	if divisor == 0 {
		return nil, bad("divisor cannot be 0")
	}
	return (&Node{Op: OpMod, N: divisor, Rem: rem}).setPath(path), nil
}

func modPart(what string, v bsonx.Value) (int64, error) {
	if n, ok := truncate(v); ok {
		return n, nil
	}
	why := "Out of bounds coercing to integral value"
	if f, _ := bsonx.ToDouble(v); bsonx.IsNaN(v) || math.IsInf(f, 0) && !finiteDecimal(v) {
		why = "Unable to coerce NaN/Inf to integral type"
	}
	return 0, bad("malformed mod, %s value is invalid :: caused by :: %s", what, why)
}

// finiteDecimal tells a decimal that may be too large for a double from infinity.
func finiteDecimal(v bsonx.Value) bool {
	return v.Type == bsonx.TypeDecimal && bsonx.AsDecimal(v).String() != "Infinity" && bsonx.AsDecimal(v).String() != "-Infinity"
}

// bits parses the three forms of a bit mask: a number, binary data, an array of positions.
func (p *parser) bits(op Op, path, name string, v bsonx.Value) (*Node, error) {
	n := (&Node{Op: op}).setPath(path)
	switch v.Type {
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble, bsonx.TypeDecimal:
		mask, problem := integer(name, v)
		if problem == "" && mask < 0 {
			problem = "Expected a non-negative number in: " + element(name, v)
		}
		if problem != "" {
			return nil, mongoerr.New(mongoerr.FailedToParse, problem)
		}
		n.Bits = bitsOf(binary.LittleEndian.AppendUint64(nil, uint64(mask)))
	case bsonx.TypeBinary:
		n.Bits = bitsOf(binaryData(v))
	case bsonx.TypeArray:
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
			bit, err := bitPosition(it.Key(), it.Value())
			if err != nil {
				return nil, err
			}
			n.Bits = append(n.Bits, int(bit))
		}
		slices.Sort(n.Bits)
		n.Bits = slices.Compact(n.Bits)
	default:
		return nil, bad("%s takes an Array, a number, or a BinData but received: %s", p.pathName(path), element(name, v))
	}
	return n, nil
}

func bitPosition(index string, v bsonx.Value) (int64, error) {
	bit, problem := integer(index, v)
	switch {
	case problem != "":
	case bit != int64(int32(bit)):
		problem = "Cannot represent " + element(index, v) + " in an int"
	case bit < 0:
		problem = "Expected a non-negative number in: " + element(index, v)
	}
	if problem != "" {
		return 0, bad("Failed to parse bit position. %s", problem)
	}
	return bit, nil
}

func bitsOf(mask []byte) (bits []int) {
	for i := range len(mask) * 8 {
		if mask[i>>3]>>(i&7)&1 == 1 {
			bits = append(bits, i)
		}
	}
	return bits
}
