package expr

import (
	"math"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// arrayLen counts an array's elements.
func arrayLen(v bsonx.Value) int { return bsonx.Len(bsonx.AsDoc(v)) }

// elementAt is the i-th element; negative ones count from the end. Missing
// beyond the ends.
func elementAt(array bsonx.Value, i int64) bsonx.Value {
	if i < 0 {
		if i += int64(arrayLen(array)); i < 0 {
			return bsonx.Missing
		}
	}
	for it := bsonx.Walk(bsonx.AsDoc(array)); it.Next(); i-- {
		if i == 0 {
			return it.Value()
		}
	}
	return bsonx.Missing
}

func evalArrayElemAt(c *Context, _ *call, a, i bsonx.Value) (bsonx.Value, error) {
	switch {
	case a.Type != bsonx.TypeArray:
		return a, fail(28689, "$arrayElemAt's first argument must be an array, but is %s", nameOf(a))
	case !bsonx.IsNumber(i):
		return a, fail(28690, "$arrayElemAt's second argument must be a numeric value, but is %s", nameOf(i))
	}
	n, ok := exactInt32(i)
	if !ok {
		return a, fail(28691, "$arrayElemAt's second argument must be representable as a 32-bit integer: %s", shortDouble(asDouble(i)))
	}
	return elementAt(a, int64(n)), nil
}

// arrayEnd is $first (0) and $last (-1).
func arrayEnd(i int64) builder {
	return ofOne(func(c *Context, x *call, a bsonx.Value) (bsonx.Value, error) {
		if a.Type != bsonx.TypeArray {
			return a, fail(28689, "%s's argument must be an array, but is %s", x.name, nameOf(a))
		}
		return elementAt(a, i), nil
	})
}

func evalSize(c *Context, x *call) (bsonx.Value, error) {
	a, err := x.args[0].Eval(c)
	if err != nil {
		return a, err
	}
	if a.Type != bsonx.TypeArray {
		return a, fail(17124, "The argument to $size must be an array, but was of type: %s", nameOf(a))
	}
	return c.int32Value(int32(arrayLen(a))), nil
}

func evalIsArray(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	return bsonx.Bool(v.Type == bsonx.TypeArray), err
}

// evalSlice: [array, n] is the first n or the last -n; [array, position, n] is n
// from a position, which may count from the end.
func evalSlice(c *Context, x *call) (bsonx.Value, error) {
	a, second, err := x.two(c)
	switch {
	case err != nil:
		return a, err
	case bsonx.IsNullish(a) || bsonx.IsNullish(second):
		return bsonx.Null, nil
	case a.Type != bsonx.TypeArray:
		return a, fail(28724, "First argument to $slice must be an array, but is of type: %s", nameOf(a))
	case !bsonx.IsNumber(second):
		return a, fail(28725, "Second argument to $slice must be a numeric value, but is of type: %s", nameOf(second))
	}
	n, ok := exactInt32(second)
	if !ok {
		return a, fail(28726, "Second argument to $slice can't be represented as a 32-bit integer: %s", shortDouble(asDouble(second)))
	}
	size := int64(arrayLen(a))
	var from, to int64
	if x.args[2] == nil {
		from, to = 0, int64(n)
		if n < 0 {
			from, to = size+int64(n), size
		}
	} else {
		third, err := x.args[2].Eval(c)
		switch {
		case err != nil:
			return a, err
		case bsonx.IsNullish(third):
			return bsonx.Null, nil
		case !bsonx.IsNumber(third):
			return a, fail(28727, "Third argument to $slice must be numeric, but is of type: %s", nameOf(third))
		}
		count, ok := exactInt32(third)
		if !ok {
			return a, fail(28728, "Third argument to $slice can't be represented as a 32-bit integer: %s", shortDouble(asDouble(third)))
		}
		if count <= 0 {
			return a, fail(28729, "Third argument to $slice must be positive: %d", count)
		}
		if from = int64(n); n < 0 {
			from = max(size+int64(n), 0)
		}
		to = from + int64(count)
	}
	return c.subArray(a, from, to), nil
}

// subArray is the elements from..to, as far as there are any.
func (c *Context) subArray(a bsonx.Value, from, to int64) bsonx.Value {
	mark := len(c.stack)
	i := int64(0)
	for it := bsonx.Walk(bsonx.AsDoc(a)); i < to && it.Next(); i++ {
		if i >= from {
			c.stack = append(c.stack, it.Value())
		}
	}
	return c.arrayFrom(mark)
}

func evalIn(c *Context, x *call) (bsonx.Value, error) {
	v, a, err := x.two(c)
	if err != nil {
		return v, err
	}
	if a.Type != bsonx.TypeArray {
		return v, fail(40081, "$in requires an array as a second argument, found: %s", nameOf(a))
	}
	return bsonx.Bool(indexIn(a, v, 0, math.MaxInt) >= 0), nil
}

// indexIn is the place of the first element from lo up and before hi that
// equals v, or -1.
func indexIn(a, v bsonx.Value, lo, hi int) int {
	i := 0
	for it := bsonx.Walk(bsonx.AsDoc(a)); i < hi && it.Next(); i++ {
		if i >= lo && bsonx.Compare(it.Value(), v) == 0 {
			return i
		}
	}
	return -1
}

// prepareIndexOfArray looks at a constant array before any document.
func prepareIndexOfArray(x *call) error {
	a, ok := IsConstant(x.args[0])
	if _, both := IsConstant(x.args[1]); !ok || both || bsonx.IsNullish(a) || a.Type == bsonx.TypeArray {
		return nil
	}
	return fail(50809, "First operand of $indexOfArray must be an array. First argument is of type: %s", nameOf(a))
}

func evalIndexOfArray(c *Context, x *call) (bsonx.Value, error) {
	a, err := x.args[0].Eval(c)
	switch {
	case err != nil:
		return a, err
	case bsonx.IsNullish(a):
		return bsonx.Null, nil
	case a.Type != bsonx.TypeArray:
		return a, fail(40090, "$indexOfArray requires an array as a first argument, found: %s", nameOf(a))
	}
	v, err := x.args[1].Eval(c)
	if err != nil {
		return a, err
	}
	lo, hi, err := x.searchRange(c, 9711600, 9711601)
	if err != nil {
		return a, err
	}
	if hi < 0 {
		hi = math.MaxInt
	}
	return c.int32Value(int32(indexIn(a, v, lo, hi))), nil
}

// evalConcatArrays stops at the first null.
func evalConcatArrays(c *Context, x *call) (bsonx.Value, error) {
	mark := len(c.stack)
	null, err := x.pushArrays(c, 28664, "$concatArrays only supports arrays, not %s")
	if null || err != nil {
		return bsonx.Null, err
	}
	if err := c.room(x.name, mark); err != nil {
		return bsonx.Missing, err
	}
	return c.arrayFrom(mark), nil
}

// pushArrays pushes the elements of all operands, which must be arrays; code and
// format, which takes a type's name, are the error if one is not. At the first
// null it stops and tells so. It leaves nothing pushed then, nor after an error.
func (x *call) pushArrays(c *Context, code mongoerr.Code, format string) (null bool, err error) {
	mark := len(c.stack)
	for _, e := range x.args {
		a, err := e.Eval(c)
		null := err == nil && bsonx.IsNullish(a)
		if err == nil && !null && a.Type != bsonx.TypeArray {
			err = fail(code, format, nameOf(a))
		}
		if null || err != nil {
			c.stack = c.stack[:mark]
			return null, err
		}
		c.pushElements(a)
	}
	return false, nil
}

func evalReverseArray(c *Context, _ *call, a bsonx.Value) (bsonx.Value, error) {
	if a.Type != bsonx.TypeArray {
		return a, fail(34435, "The argument to $reverseArray must be an array, but was of type: %s", nameOf(a))
	}
	mark := len(c.stack)
	c.pushElements(a)
	elems := c.stack[mark:]
	for i, j := 0, len(elems)-1; i < j; i, j = i+1, j-1 {
		elems[i], elems[j] = elems[j], elems[i]
	}
	return c.arrayFrom(mark), nil
}

// rangeBytesMax is what the server lets $range use.
const rangeBytesMax = 100 << 20

func evalRange(c *Context, x *call) (bsonx.Value, error) {
	a, b, err := x.two(c)
	if err != nil {
		return a, err
	}
	lo, okLo := exactInt32(a)
	hi, okHi := exactInt32(b)
	switch {
	case !bsonx.IsNumber(a):
		return a, fail(34443, "$range requires a numeric starting value, found value of type: %s", nameOf(a))
	case !okLo:
		return a, fail(34444, "$range requires a starting value that can be represented as a 32-bit integer, found value: %s", ValueText(a))
	case !bsonx.IsNumber(b):
		return a, fail(34445, "$range requires a numeric ending value, found value of type: %s", nameOf(b))
	case !okHi:
		return a, fail(34446, "$range requires an ending value that can be represented as a 32-bit integer, found value: %s", ValueText(b))
	}
	step := int32(1)
	if x.args[2] != nil {
		s, err := x.args[2].Eval(c)
		if err != nil {
			return a, err
		}
		n, ok := exactInt32(s)
		switch {
		case !bsonx.IsNumber(s):
			return a, fail(34447, "$range requires a numeric step value, found value of type:%s", nameOf(s))
		case !ok:
			return a, fail(34448, "$range requires a step value that can be represented as a 32-bit integer, found value: %s", ValueText(s))
		case n == 0:
			return a, fail(34449, "$range requires a non-zero step value")
		}
		step = n
	}
	return c.rangeArray(int64(lo), int64(hi), int64(step))
}

func (c *Context) rangeArray(lo, hi, step int64) (bsonx.Value, error) {
	count := int64(0)
	switch {
	case step > 0 && lo < hi:
		count = (hi - lo + step - 1) / step
	case step < 0 && lo > hi:
		count = (lo - hi - step - 1) / -step
	}
	// The server counts sixteen bytes a number.
	if bytes := 40 + 16*count; bytes > rangeBytesMax {
		return bsonx.Missing, fail(mongoerr.ExceededMemoryLimit, "$range would use too much memory (%d bytes) and cannot spill to disk. Memory limit: %d bytes", bytes, int64(rangeBytesMax))
	}
	mark := len(c.stack)
	for range count {
		c.stack = append(c.stack, c.int32Value(int32(lo)))
		lo += step
	}
	return c.arrayFrom(mark), nil
}

// oneArray is the operand of $anyElementTrue and $allElementsTrue.
func (x *call) oneArray(c *Context, code mongoerr.Code) (bsonx.Value, error) {
	a, err := x.args[0].Eval(c)
	if err == nil && a.Type != bsonx.TypeArray {
		err = fail(code, "%s's argument must be an array, but is %s", x.name, nameOf(a))
	}
	return a, err
}

func evalAnyElementTrue(c *Context, x *call) (bsonx.Value, error) {
	a, err := x.oneArray(c, 17041)
	if err != nil {
		return a, err
	}
	for it := bsonx.Walk(bsonx.AsDoc(a)); it.Next(); {
		if Truthy(it.Value()) {
			return bsonx.True, nil
		}
	}
	return bsonx.False, nil
}

func evalAllElementsTrue(c *Context, x *call) (bsonx.Value, error) {
	a, err := x.oneArray(c, 17040)
	if err != nil {
		return a, err
	}
	for it := bsonx.Walk(bsonx.AsDoc(a)); it.Next(); {
		if !Truthy(it.Value()) {
			return bsonx.False, nil
		}
	}
	return bsonx.True, nil
}
