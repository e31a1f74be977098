package expr

import (
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
)

// sortSet sorts what lies on the stack from mark up and drops repetitions; of
// equal values the first one stays.
func (c *Context) sortSet(mark int) {
	elems := c.stack[mark:]
	slices.SortStableFunc(elems, bsonx.Compare)
	n := len(slices.CompactFunc(elems, bsonx.Equal))
	c.stack = c.stack[:mark+n]
}

// inSet tells whether a sorted set holds v.
func inSet(set []bsonx.Value, v bsonx.Value) bool {
	_, found := slices.BinarySearchFunc(set, v, bsonx.Compare)
	return found
}

func evalSetUnion(c *Context, x *call) (bsonx.Value, error) {
	mark := len(c.stack)
	null, err := x.pushArrays(c, 17043, "All operands of $setUnion must be arrays. One argument is of type: %s")
	if null || err != nil {
		return bsonx.Null, err
	}
	c.sortSet(mark)
	return c.arrayFrom(mark), nil
}

func evalSetIntersection(c *Context, x *call) (bsonx.Value, error) {
	mark := len(c.stack)
	defer func() { c.stack = c.stack[:mark] }()
	kept := mark // the intersection so far is stack[mark:kept].
	for i, e := range x.args {
		a, err := e.Eval(c)
		switch {
		case err != nil:
			return a, err
		case bsonx.IsNullish(a):
			return bsonx.Null, nil
		case a.Type != bsonx.TypeArray:
			return a, fail(17047, "All operands of $setIntersection must be arrays. One argument is of type: %s", nameOf(a))
		}
		c.pushElements(a)
		c.sortSet(kept)
		if i == 0 {
			kept = len(c.stack)
			continue
		}
		// Equal values may differ in type: those of the smaller set stay.
		from, in := c.stack[mark:kept], c.stack[kept:]
		if len(in) < len(from) {
			from, in = in, from
		}
		c.both = c.both[:0]
		for _, v := range from {
			if inSet(in, v) {
				c.both = append(c.both, v)
			}
		}
		kept = mark + copy(c.stack[mark:], c.both)
		c.stack = c.stack[:kept]
	}
	return c.array(c.stack[mark:kept]), nil
}

// evalSetDifference keeps the order of the first array.
func evalSetDifference(c *Context, _ *call, a, b bsonx.Value) (bsonx.Value, error) {
	switch {
	case a.Type != bsonx.TypeArray:
		return a, fail(17048, "both operands of $setDifference must be arrays. First argument is of type: %s", nameOf(a))
	case b.Type != bsonx.TypeArray:
		return a, fail(17049, "both operands of $setDifference must be arrays. Second argument is of type: %s", nameOf(b))
	}
	mark := len(c.stack)
	defer func() { c.stack = c.stack[:mark] }()
	c.pushElements(b)
	c.sortSet(mark)
	kept := len(c.stack)
	for it := bsonx.Walk(bsonx.AsDoc(a)); it.Next(); {
		v := it.Value()
		if !inSet(c.stack[mark:kept], v) && !slices.ContainsFunc(c.stack[kept:], func(w bsonx.Value) bool { return bsonx.Equal(v, w) }) {
			c.stack = append(c.stack, v)
		}
	}
	return c.array(c.stack[kept:]), nil
}

func buildSetEquals(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	args, err := sc.arguments(arg)
	if err != nil {
		return nil, err
	}
	if len(args) < 2 {
		return nil, fail(17045, "$setEquals needs at least two arguments had: %d", len(args))
	}
	return &setEqualsExpr{call{name: name, args: args, fn: evalSetEquals}}, nil
}

// setEqualsExpr is $setEquals, which itself is never folded.
type setEqualsExpr struct{ call }

// fold looks at constant operands before any document, one after the other.
func (x *setEqualsExpr) fold(*Expr) error {
	for i := range x.args {
		if err := fold(&x.args[i]); err != nil {
			return err
		}
		if v, ok := IsConstant(x.args[i]); ok && v.Type != bsonx.TypeArray {
			return &FoldError{fail(5887502, "All operands of $setEquals must be arrays. %d-th argument is of type: %s", i+1, nameOf(v))}
		}
	}
	return nil
}

func evalSetEquals(c *Context, x *call) (bsonx.Value, error) {
	mark := len(c.stack)
	defer func() { c.stack = c.stack[:mark] }()
	first := mark
	for i, e := range x.args {
		a, err := e.Eval(c)
		if err != nil {
			return a, err
		}
		if a.Type != bsonx.TypeArray {
			return a, fail(17044, "All operands of $setEquals must be arrays. %d-th argument is of type: %s", i+1, nameOf(a))
		}
		from := len(c.stack)
		c.pushElements(a)
		c.sortSet(from)
		if i == 0 {
			first = len(c.stack)
			continue
		}
		if !slices.EqualFunc(c.stack[mark:first], c.stack[from:], bsonx.Equal) {
			return bsonx.False, nil
		}
		c.stack = c.stack[:from]
	}
	return bsonx.True, nil
}

// prepareSetIsSubset looks at a constant second operand before any document.
func prepareSetIsSubset(x *call) error {
	if v, ok := IsConstant(x.args[1]); ok && v.Type != bsonx.TypeArray {
		if _, both := IsConstant(x.args[0]); !both {
			return fail(17311, "both operands of $setIsSubset must be arrays. Second argument is of type: %s", nameOf(v))
		}
	}
	return nil
}

func evalSetIsSubset(c *Context, x *call) (bsonx.Value, error) {
	a, err := x.args[0].Eval(c)
	if err == nil && a.Type != bsonx.TypeArray {
		err = fail(17046, "both operands of $setIsSubset must be arrays. First argument is of type: %s", nameOf(a))
	}
	if err != nil {
		return a, err
	}
	b, err := x.args[1].Eval(c)
	switch {
	case err != nil:
		return a, err
	case b.Type != bsonx.TypeArray:
		return a, fail(17042, "both operands of $setIsSubset must be arrays. Second argument is of type: %s", nameOf(b))
	}
	mark := len(c.stack)
	defer func() { c.stack = c.stack[:mark] }()
	c.pushElements(b)
	c.sortSet(mark)
	for it := bsonx.Walk(bsonx.AsDoc(a)); it.Next(); {
		if !inSet(c.stack[mark:], it.Value()) {
			return bsonx.False, nil
		}
	}
	return bsonx.True, nil
}
