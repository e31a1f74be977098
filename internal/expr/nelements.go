package expr

import (
	"slices"
	"sort"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// buildN is $firstN, $lastN, $minN and $maxN: the operands are n and input.
func buildN(shapeCode mongoerr.Code, pick func(c *Context, a bsonx.Value, n int64) bsonx.Value) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		if arg.Type != bsonx.TypeDocument {
			return nil, fail(shapeCode, "specification must be an object; found %s: %s", name, bsonx.ShellString(arg))
		}
		args, err := sc.named(bsonx.AsDoc(arg), []string{"n", "input"}, func(key string) error {
			return fail(5787901, "Unknown argument for 'n' operator: %s", key)
		})
		switch {
		case err != nil:
			return nil, err
		case args[0] == nil:
			return nil, fail(5787906, "Missing value for 'n'")
		case args[1] == nil:
			return nil, fail(5787907, "Missing value for 'input'")
		}
		return &call{name: name, args: args, opaque: true, fn: func(c *Context, x *call) (bsonx.Value, error) {
			v, err := x.args[0].Eval(c)
			if err != nil {
				return v, err
			}
			n, err := CheckN(v)
			if err != nil {
				return v, err
			}
			a, err := x.args[1].Eval(c)
			if err != nil {
				return a, err
			}
			if a.Type != bsonx.TypeArray {
				return a, fail(5788200, "Input must be an array")
			}
			return pick(c, a, n), nil
		}}, nil
	}
}

// CheckN is the n of $firstN and its like: a positive integer.
func CheckN(v bsonx.Value) (int64, error) {
	if !bsonx.IsNumber(v) {
		return 0, fail(5787902, "Value for 'n' must be of integral type, but found %s", ValueText(v))
	}
	if _, err := coerceToInt64(v); err != nil {
		return 0, err
	}
	n, ok := bsonx.ToInt64Exact(v)
	switch {
	case !ok:
		return 0, fail(5787903, "Value for 'n' must be of integral type, but found %s", ValueText(v))
	case n <= 0:
		return 0, fail(5787908, "'n' must be greater than 0, found %d", n)
	}
	return n, nil
}

func pickFirst(c *Context, a bsonx.Value, n int64) bsonx.Value { return c.subArray(a, 0, n) }

func pickLast(c *Context, a bsonx.Value, n int64) bsonx.Value {
	size := int64(arrayLen(a))
	return c.subArray(a, size-min(n, size), size)
}

func pickMin(c *Context, a bsonx.Value, n int64) bsonx.Value { return c.extremes(a, n, 1) }
func pickMax(c *Context, a bsonx.Value, n int64) bsonx.Value { return c.extremes(a, n, -1) }

// extremes is the n least elements in order, or the n greatest in the other
// one; nulls do not count. Equal elements may differ in type, so it keeps, drops
// and orders them as the server does.
func (c *Context) extremes(a bsonx.Value, n int64, sign int) bsonx.Value {
	mark := len(c.stack) // from here up are the best so far, in ascending order.
	for it := bsonx.Walk(bsonx.AsDoc(a)); it.Next(); {
		v := it.Value()
		if bsonx.IsNullish(v) {
			continue
		}
		if best := c.stack[mark:]; int64(len(best)) == n {
			worst := len(best) - 1
			if sign < 0 {
				worst = 0
			}
			if bsonx.Compare(v, best[worst])*sign >= 0 {
				continue
			}
			c.stack = slices.Delete(c.stack, mark+worst, mark+worst+1)
		}
		at := sort.Search(len(c.stack)-mark, func(i int) bool { return bsonx.Compare(c.stack[mark+i], v) > 0 })
		c.stack = slices.Insert(c.stack, mark+at, v)
	}
	if sign < 0 {
		slices.Reverse(c.stack[mark:])
	}
	return c.arrayFrom(mark)
}

// sortKey is one field of $sortArray's sortBy; the whole element has no parts.
type sortKey struct {
	parts []string
	sign  int
}

func buildSortArray(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(2942500, "$sortArray requires an object as an argument, found: %s", nameOf(arg))
	}
	x := &call{name: name, args: []Expr{nil}, fn: evalSortArray, unfolded: true}
	var by bsonx.Value
	for key, v := range bsonx.All(bsonx.AsDoc(arg)) {
		var err error
		switch key {
		case "input":
			x.args[0], err = sc.operand(v)
		case "sortBy":
			by = v
			x.data, err = sortKeys(v)
		default:
			return nil, fail(2942501, "$sortArray found an unknown argument: %s", key)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case x.args[0] == nil:
		return nil, fail(2942502, "$sortArray requires 'input' to be specified")
	case bsonx.IsMissing(by):
		return nil, fail(2942503, "$sortArray requires 'sortBy' to be specified")
	}
	return x, nil
}

func sortKeys(by bsonx.Value) ([]sortKey, error) {
	if bsonx.IsNumber(by) {
		if n, ok := bsonx.ToInt64Exact(by); ok && (n == 1 || n == -1) {
			return []sortKey{{sign: int(n)}}, nil
		}
		return nil, fail(2942506, "The $sort element value must be either 1 or -1")
	}
	if by.Type != bsonx.TypeDocument {
		return nil, fail(2942507, "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields")
	}
	var keys []sortKey
	for key, v := range bsonx.All(bsonx.AsDoc(by)) {
		n, ok := bsonx.ToInt64Exact(v)
		if !ok || n != 1 && n != -1 {
			return nil, fail(2942505, "BadValue: The sort element value must be either 1 or -1")
		}
		parts := strings.Split(key, ".")
		switch {
		case key == "":
			return nil, fail(2942505, "BadValue: The sort field cannot be empty")
		case slices.Contains(parts, ""):
			return nil, fail(2942505, "BadValue: The sort field is a dotted field but has an empty part: %s", key)
		}
		keys = append(keys, sortKey{parts, int(n)})
	}
	if len(keys) == 0 {
		return nil, fail(2942505, "BadValue: The sort pattern is empty when it should be a set of fields.")
	}
	return keys, nil
}

func evalSortArray(c *Context, x *call) (bsonx.Value, error) {
	a, err := x.args[0].Eval(c)
	switch {
	case err != nil:
		return a, err
	case bsonx.IsNullish(a):
		return bsonx.Null, nil
	case a.Type != bsonx.TypeArray:
		return a, fail(2942504, "The input argument to $sortArray must be an array, but was of type: %s", nameOf(a))
	}
	keys := x.data.([]sortKey)
	mark := len(c.stack)
	c.pushElements(a)
	// What walking arrays puts on the stack lies above the elements, and is
	// taken away again before the next comparison.
	elems := c.stack[mark:]
	slices.SortStableFunc(elems, func(a, b bsonx.Value) int {
		for _, k := range keys {
			p, q := a, b
			if k.parts != nil {
				p, q = c.sortPart(a, k.parts), c.sortPart(b, k.parts)
			}
			if n := bsonx.Compare(p, q); n != 0 {
				return n * k.sign
			}
		}
		return 0
	})
	v := c.array(elems)
	c.stack = c.stack[:mark]
	return v, nil
}

// sortPart is the part of an element to sort by. Only documents have any.
func (c *Context) sortPart(v bsonx.Value, parts []string) bsonx.Value {
	if v.Type != bsonx.TypeDocument {
		return bsonx.Missing
	}
	return c.walk(bsonx.AsDoc(v), parts)
}
