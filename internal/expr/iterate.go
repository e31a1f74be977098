package expr

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// letExpr binds variables for an expression.
type letExpr struct {
	slots  []int
	values []Expr
	in     Expr
}

func (x *letExpr) children(f func(*Expr)) {
	for i := range x.values {
		f(&x.values[i])
	}
	f(&x.in)
}

func (x *letExpr) Eval(c *Context) (bsonx.Value, error) {
	for i, e := range x.values {
		v, err := e.Eval(c)
		if err != nil {
			return v, err
		}
		c.SetVar(x.slots[i], v)
	}
	return x.in.Eval(c)
}

// fold puts the values of constant variables into the body, and forgets those that
// the body does not need: they are not evaluated.
func (x *letExpr) fold(e *Expr) error {
	known := map[int]*constant{}
	for i := range x.values {
		if err := fold(&x.values[i]); err != nil {
			return err
		}
		if k, ok := x.values[i].(*constant); ok {
			known[x.slots[i]] = k
		}
	}
	used := map[int]bool{}
	var visit func(*Expr)
	visit = func(p *Expr) {
		if v, ok := (*p).(*variable); ok {
			if k := known[v.slot]; k != nil {
				*p = k
			} else {
				used[v.slot] = true
			}
		}
		(*p).children(visit)
	}
	visit(&x.in)
	if err := fold(&x.in); err != nil {
		return err
	}
	clear(used)
	visit(&x.in)
	kept := &letExpr{in: x.in}
	for i, slot := range x.slots {
		if used[slot] {
			kept.slots, kept.values = append(kept.slots, slot), append(kept.values, x.values[i])
		}
	}
	if *e = kept; len(kept.slots) == 0 {
		*e = x.in
	}
	return nil
}

func buildLet(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(16874, "$let only supports an object as its argument")
	}
	parts, err := fieldsOf(bsonx.AsDoc(arg), []string{"vars", "in"}, func(key string) error {
		return fail(16875, "Unrecognized parameter to $let: %s", key)
	})
	if err != nil {
		return nil, err
	}
	vars, in := parts[0], parts[1]
	switch {
	case bsonx.IsMissing(vars):
		return nil, fail(16876, "Missing 'vars' parameter to $let")
	case bsonx.IsMissing(in):
		return nil, fail(16877, "Missing 'in' parameter to $let")
	case vars.Type != bsonx.TypeDocument && vars.Type != bsonx.TypeArray:
		return nil, fail(10065, "invalid parameter: expected an object (vars)")
	}
	x := &letExpr{}
	inner := sc.Sub()
	for _, v := range bsonx.All(bsonx.AsDoc(vars)) {
		e, err := sc.operand(v) // in the outer scope: variables do not see each other.
		if err != nil {
			return nil, err
		}
		x.values = append(x.values, e)
	}
	for key := range bsonx.All(bsonx.AsDoc(vars)) {
		if err := CheckVariable(key); err != nil {
			return nil, err
		}
		x.slots = append(x.slots, inner.Define(key))
	}
	x.in, err = inner.operand(in)
	return x, err
}

// eachExpr runs an expression for every element of an array: $map and $filter.
type eachExpr struct {
	input, body, limit Expr
	slot               int
	filter             bool
}

func (x *eachExpr) children(f func(*Expr)) {
	f(&x.input)
	f(&x.body)
	if x.limit != nil {
		f(&x.limit)
	}
}

func (x *eachExpr) Eval(c *Context) (bsonx.Value, error) {
	a, err := x.input.Eval(c)
	switch {
	case err != nil:
		return a, err
	case bsonx.IsNullish(a):
		return bsonx.Null, nil
	case a.Type != bsonx.TypeArray && x.filter:
		return a, fail(28651, "input to $filter must be an array not %s", nameOf(a))
	case a.Type != bsonx.TypeArray:
		return a, fail(16883, "input to $map must be an array not %s", nameOf(a))
	}
	if arrayLen(a) == 0 {
		return a, nil // the server does not ask for the limit then.
	}
	limit, err := x.evalLimit(c)
	if err != nil {
		return a, err
	}
	mark, memory, size := len(c.stack), c.mark(), 0
	for it := bsonx.Walk(bsonx.AsDoc(a)); limit != 0 && it.Next(); {
		v := it.Value()
		c.SetVar(x.slot, v)
		r, err := x.body.Eval(c)
		if err == nil {
			err = c.worked(len(r.Data))
		}
		if err != nil {
			c.stack = c.stack[:mark]
			return a, err
		}
		if !x.filter {
			c.stack = append(c.stack, r)
			if size += len(r.Data); size > memoryBytesMax {
				c.stack = c.stack[:mark]
				return a, fail(mongoerr.ExceededMemoryLimit, "$map would use too much memory and cannot spill")
			}
			continue
		}
		if Truthy(r) {
			c.stack = append(c.stack, v)
			limit--
		}
		c.release(memory)
		memory = c.mark()
	}
	return c.arrayFrom(mark), nil
}

// evalLimit is how many elements a $filter keeps; negative without a limit.
func (x *eachExpr) evalLimit(c *Context) (int32, error) {
	if x.limit == nil {
		return -1, nil
	}
	v, err := x.limit.Eval(c)
	if err != nil || bsonx.IsNullish(v) {
		return -1, err
	}
	n, ok := exactInt32(v)
	switch {
	case !ok:
		return 0, fail(327391, "$filter: limit must be represented as a 32-bit integral value: %s", ValueText(v))
	case n <= 0:
		return 0, fail(327392, "$filter: limit must be greater than 0: %d", n)
	}
	return n, nil
}

// asName is the variable's name that "as" gives; a value that is no string is
// an empty name.
func asName(as bsonx.Value) (string, error) {
	name := "this"
	if !bsonx.IsMissing(as) {
		name = ""
		if as.Type == bsonx.TypeString {
			name = bsonx.Str(as)
		}
	}
	return name, CheckVariable(name)
}

func buildMap(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(16878, "$map only supports an object as its argument")
	}
	parts, err := fieldsOf(bsonx.AsDoc(arg), []string{"input", "as", "in"}, func(key string) error {
		return fail(16879, "Unrecognized parameter to $map: %s", key)
	})
	if err != nil {
		return nil, err
	}
	p := eachParts{input: parts[0], as: parts[1], body: parts[2]}
	switch {
	case bsonx.IsMissing(p.input):
		return nil, fail(16880, "Missing 'input' parameter to $map")
	case bsonx.IsMissing(p.body):
		return nil, fail(16882, "Missing 'in' parameter to $map")
	}
	return sc.each(p, false)
}

func buildFilter(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(28646, "$filter only supports an object as its argument")
	}
	parts, err := fieldsOf(bsonx.AsDoc(arg), []string{"input", "as", "cond", "limit"}, func(key string) error {
		return fail(28647, "Unrecognized parameter to $filter: %s", key)
	})
	if err != nil {
		return nil, err
	}
	p := eachParts{input: parts[0], as: parts[1], body: parts[2], limit: parts[3]}
	switch {
	case bsonx.IsMissing(p.input):
		return nil, fail(28648, "Missing 'input' parameter to $filter")
	case bsonx.IsMissing(p.body):
		return nil, fail(28650, "Missing 'cond' parameter to $filter")
	}
	return sc.each(p, true)
}

// eachParts are the operands of an eachExpr as they are written; as and limit may
// be missing.
type eachParts struct{ input, as, body, limit bsonx.Value }

func (sc *Scope) each(p eachParts, filter bool) (Expr, error) {
	x := &eachExpr{filter: filter}
	var err error
	if x.input, err = sc.operand(p.input); err != nil {
		return nil, err
	}
	variable, err := asName(p.as)
	if err != nil {
		return nil, err
	}
	inner := sc.Sub()
	x.slot = inner.Define(variable)
	if x.body, err = inner.operand(p.body); err != nil {
		return nil, err
	}
	if !bsonx.IsMissing(p.limit) {
		x.limit, err = sc.operand(p.limit)
	}
	return x, err
}

// reduceExpr folds an array into one value.
type reduceExpr struct {
	input, initial, in Expr
	this, value        int
}

func (x *reduceExpr) children(f func(*Expr)) { f(&x.input); f(&x.initial); f(&x.in) }

func (x *reduceExpr) Eval(c *Context) (bsonx.Value, error) {
	a, err := x.input.Eval(c)
	switch {
	case err != nil:
		return a, err
	case bsonx.IsNullish(a):
		return bsonx.Null, nil
	case a.Type != bsonx.TypeArray:
		return a, fail(40080, "$reduce requires that 'input' be an array, found: %s", ValueText(a))
	}
	sum, err := x.initial.Eval(c)
	if err != nil {
		return a, err
	}
	rounds := 0
	var kept [2][]byte // the value so far and the one before, where they are large.
	memory := c.mark()
	for it := bsonx.Walk(bsonx.AsDoc(a)); it.Next(); {
		c.SetVar(x.this, it.Value())
		c.SetVar(x.value, sum)
		if sum, err = x.in.Eval(c); err != nil {
			return a, err
		}
		if err := c.worked(len(sum.Data)); err != nil {
			return a, err
		}
		if len(sum.Data) > memoryBytesMax {
			return a, fail(mongoerr.ExceededMemoryLimit, "$reduce would use too much memory and cannot spill")
		}
		if rounds++; rounds%reduceRounds == 0 && tooNested(sum) {
			return a, fail(mongoerr.Overflow, "$reduce would nest its value in more than %d levels", reduceLevelsMax)
		}
		if c.spent(memory, reduceGarbageMax) {
			kept[0], kept[1] = append(kept[1][:0], sum.Data...), kept[0]
			sum.Data = kept[0]
			c.release(memory)
			memory = c.mark()
		}
	}
	return sum, nil
}

// reduceLevelsMax is how deep a $reduce may nest its value, which it looks at every so
// many rounds. Each round can nest it deeper, and whoever reads it goes down as deep:
// a stack has an end, and the process with it.
const (
	reduceLevelsMax = 10_000
	reduceRounds    = 64
)

func tooNested(v bsonx.Value) bool {
	return (v.Type == bsonx.TypeDocument || v.Type == bsonx.TypeArray) && bsonx.Deeper(bsonx.AsDoc(v), reduceLevelsMax)
}

// reduceGarbageMax is how much a $reduce leaves in the arena before it moves its
// value out and gives the rest back.
const reduceGarbageMax = 64 << 10

func buildReduce(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(40075, "$reduce requires an object as an argument, found: %s", nameOf(arg))
	}
	x := &reduceExpr{}
	inner := sc.Sub()
	x.this, x.value = inner.Define("this"), inner.Define("value")
	for key, v := range bsonx.All(bsonx.AsDoc(arg)) {
		var err error
		switch key {
		case "input":
			x.input, err = sc.operand(v)
		case "initialValue":
			x.initial, err = sc.operand(v)
		case "in":
			x.in, err = inner.operand(v)
		default:
			return nil, fail(40076, "$reduce found an unknown argument: %s", key)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case x.input == nil:
		return nil, fail(40077, "$reduce requires 'input' to be specified")
	case x.initial == nil:
		return nil, fail(40078, "$reduce requires 'initialValue' to be specified")
	case x.in == nil:
		return nil, fail(40079, "$reduce requires 'in' to be specified")
	}
	return x, nil
}
