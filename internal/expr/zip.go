package expr

import (
	"github.com/pandodb/pando/internal/bsonx"
)

// zipExpr transposes arrays.
type zipExpr struct {
	inputs, defaults []Expr
	longest          bool
}

func (x *zipExpr) children(f func(*Expr)) {
	for i := range x.inputs {
		f(&x.inputs[i])
	}
	for i := range x.defaults {
		f(&x.defaults[i])
	}
}

func buildZip(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(34460, "$zip only supports an object as an argument, found %s", nameOf(arg))
	}
	x := &zipExpr{}
	for key, v := range bsonx.All(bsonx.AsDoc(arg)) {
		var err error
		switch key {
		case "inputs":
			if v.Type != bsonx.TypeArray {
				return nil, fail(34461, "inputs must be an array of expressions, found %s", nameOf(v))
			}
			x.inputs, err = sc.elements(bsonx.AsDoc(v))
		case "defaults":
			if v.Type != bsonx.TypeArray {
				return nil, fail(34462, "defaults must be an array of expressions, found %s", nameOf(v))
			}
			x.defaults, err = sc.elements(bsonx.AsDoc(v))
		case "useLongestLength":
			if v.Type != bsonx.TypeBool {
				// The server names the type of the whole argument here.
				return nil, fail(34463, "useLongestLength must be a bool, found %s", nameOf(arg))
			}
			x.longest = bsonx.AsBool(v)
		default:
			return nil, fail(34464, "$zip found an unknown argument: %s", key)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case len(x.inputs) == 0:
		return nil, fail(34465, "$zip requires at least one input array")
	case len(x.defaults) > 0 && !x.longest:
		return nil, fail(34466, "cannot specify defaults unless useLongestLength is true")
	case len(x.defaults) > 0 && len(x.defaults) != len(x.inputs):
		return nil, fail(34467, "defaults and inputs must have the same length")
	}
	return x, nil
}

func (x *zipExpr) Eval(c *Context) (bsonx.Value, error) {
	mark := len(c.stack)
	defer func() { c.stack = c.stack[:mark] }()
	least, most := -1, 0
	iters := make([]bsonx.Iter, len(x.inputs))
	for i, e := range x.inputs {
		a, err := e.Eval(c)
		switch {
		case err != nil:
			return a, err
		case bsonx.IsNullish(a):
			return bsonx.Null, nil
		case a.Type != bsonx.TypeArray:
			return a, fail(34468, "$zip found a non-array expression in input: %s", ValueText(a))
		}
		n := arrayLen(a)
		if least < 0 || n < least {
			least = n
		}
		most = max(most, n)
		iters[i] = bsonx.Walk(bsonx.AsDoc(a))
	}
	defaults := make([]bsonx.Value, len(x.inputs))
	for i := range defaults {
		defaults[i] = bsonx.Null
	}
	for i, e := range x.defaults {
		v, err := e.Eval(c)
		if err != nil {
			return v, err
		}
		defaults[i] = v
	}
	rows := least
	if x.longest {
		rows = most
	}
	for range rows {
		row := len(c.stack)
		for i := range iters {
			v := defaults[i]
			if iters[i].Next() {
				v = iters[i].Value()
			}
			if !bsonx.IsMissing(v) { // a default that is missing leaves no trace.
				c.stack = append(c.stack, v)
			}
		}
		c.stack = append(c.stack[:row], c.array(c.stack[row:]))
	}
	return c.array(c.stack[mark:]), nil
}
