package expr

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// depthMax is how deep an expression may nest.
const depthMax = 250

// Compile makes an expression of its BSON form, in the names of sc. It keeps a
// copy of v's bytes, not v's.
//
// What can be computed once is. If that computation fails, as 1/0 does, so
// would every evaluation, and the server says so even where there is no
// document to evaluate on: the error is then a *FoldError, which callers that
// give such errors another context than errors of form may recognise.
func Compile(sc *Scope, v bsonx.Value) (Expr, error) {
	e, err := sc.operand(bsonx.Value{Type: v.Type, Data: bytes.Clone(v.Data)})
	if err != nil {
		return nil, err
	}
	return e, sc.PutOff(fold(&e))
}

// operand compiles whatever may stand where a value is wanted.
func (sc *Scope) operand(v bsonx.Value) (Expr, error) {
	switch v.Type {
	case bsonx.TypeString:
		if s := bsonx.Str(v); strings.HasPrefix(s, "$") {
			return sc.path(s)
		}
	case bsonx.TypeDocument, bsonx.TypeArray:
		if sc.depth++; sc.depth > depthMax {
			return nil, fail(15, "expression exceeds the maximum nesting depth of %d", depthMax)
		}
		defer func() { sc.depth-- }()
		if v.Type == bsonx.TypeArray {
			return sc.arrayLiteral(bsonx.AsDoc(v))
		}
		return sc.objectOrOperator(bsonx.AsDoc(v))
	}
	return &constant{v}, nil
}

// objectOrOperator compiles a document: an operator if its first field's name
// starts with a dollar, else a constructor.
func (sc *Scope) objectOrOperator(d bsonx.Doc) (Expr, error) {
	key, arg := bsonx.First(d)
	if !strings.HasPrefix(key, "$") {
		return sc.objectLiteral(d)
	}
	if bsonx.Len(d) != 1 {
		return nil, fail(15983, "An object representing an expression must have exactly one field: %s", bsonx.ShellString(bsonx.DocValue(d)))
	}
	return sc.operator(key, arg)
}

func (sc *Scope) operator(name string, arg bsonx.Value) (Expr, error) {
	if build := lookup(name); build != nil {
		return build(sc, name, arg)
	}
	if knownToMongoDB(name) {
		return nil, mongoerr.NotYet(name)
	}
	return nil, fail(mongoerr.InvalidPipelineOperator, "Unrecognized expression '%s'", name)
}

// CheckFieldName says what is wrong with one name of a field path or of an
// object constructor.
func CheckFieldName(name string) error {
	const advice = "Consider using $getField or $setField for a field path with '.' or '$'. :: caused by :: "
	switch {
	case name == "":
		return fail(15998, advice+"FieldPath field names may not be empty strings.")
	case name[0] == '$' && !isDBRefField(name):
		return fail(16410, advice+"FieldPath field names may not start with '$', given '%s'.", name)
	case strings.IndexByte(name, 0) >= 0:
		return fail(16411, advice+"FieldPath field names may not contain '\\0'.")
	case strings.IndexByte(name, '.') >= 0:
		return fail(16412, advice+"FieldPath field names may not contain '.', given '%s'.", name)
	}
	return nil
}

// isDBRefField tells the dollar names that DBRefs have.
func isDBRefField(name string) bool { return name == "$id" || name == "$ref" || name == "$db" }

func (sc *Scope) objectLiteral(d bsonx.Doc) (Expr, error) {
	if bsonx.Len(d) == 0 {
		return &constant{bsonx.DocValue(d)}, nil
	}
	x := &objectExpr{}
	for key, v := range bsonx.All(d) {
		if err := CheckFieldName(key); err != nil {
			return nil, err
		}
		for _, k := range x.keys {
			if k == key {
				return nil, fail(16406, "duplicate field name specified in object literal: %s", bsonx.ShellString(bsonx.DocValue(d)))
			}
		}
		e, err := sc.operand(v)
		if err != nil {
			return nil, err
		}
		x.keys = append(x.keys, key)
		x.values = append(x.values, e)
	}
	return x, nil
}

// objectExpr constructs a document.
type objectExpr struct {
	keys   []string
	values []Expr
}

func (x *objectExpr) Eval(c *Context) (bsonx.Value, error) {
	mark := len(c.stack)
	for _, e := range x.values {
		v, err := e.Eval(c)
		if err != nil {
			return v, err
		}
		c.stack = append(c.stack, v)
	}
	if err := c.room("object", mark); err != nil {
		return bsonx.Missing, err
	}
	v := c.object(x.keys, c.stack[mark:])
	c.stack = c.stack[:mark]
	return v, nil
}

func (x *objectExpr) children(f func(*Expr)) {
	for i := range x.values {
		f(&x.values[i])
	}
}

func (sc *Scope) arrayLiteral(d bsonx.Doc) (Expr, error) {
	args, err := sc.elements(d)
	if err != nil {
		return nil, err
	}
	return &call{name: "array", args: args, fn: evalArrayLiteral}, nil
}

func (sc *Scope) elements(d bsonx.Doc) ([]Expr, error) {
	args := make([]Expr, 0, bsonx.Len(d))
	for _, v := range bsonx.All(d) {
		e, err := sc.operand(v)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	return args, nil
}

func evalArrayLiteral(c *Context, x *call) (bsonx.Value, error) {
	mark := len(c.stack)
	if err := x.push(c); err != nil {
		return bsonx.Missing, err
	}
	if err := c.room("array", mark); err != nil {
		return bsonx.Missing, err
	}
	return c.arrayFrom(mark), nil
}

// arguments compiles an operator's operands: the elements of an array, or the
// one thing that stands in its place.
func (sc *Scope) arguments(arg bsonx.Value) ([]Expr, error) {
	if arg.Type == bsonx.TypeArray {
		return sc.elements(bsonx.AsDoc(arg))
	}
	e, err := sc.operand(arg)
	return []Expr{e}, err
}

// builder compiles one operator from its name and argument.
type builder func(sc *Scope, name string, arg bsonx.Value) (Expr, error)

type evalFunc = func(*Context, *call) (bsonx.Value, error)

// variadic is an operator of any number of operands.
func variadic(fn evalFunc) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		args, err := sc.arguments(arg)
		return &call{name: name, args: args, fn: fn}, err
	}
}

// unordered is variadic, of operands whose order does not matter.
func unordered(fn evalFunc) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		args, err := sc.arguments(arg)
		return &call{name: name, args: args, fn: fn, unordered: true}, err
	}
}

// prepared gives the calls that a builder makes a step before they are used.
func prepared(b builder, prepare func(*call) error) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		e, err := b(sc, name, arg)
		if x, ok := e.(*call); ok && err == nil {
			x.prepare = prepare
		}
		return e, err
	}
}

// exactly is an operator of n operands.
func exactly(n int, fn evalFunc) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		args, err := sc.exactArguments(n, name, arg)
		return &call{name: name, args: args, fn: fn}, err
	}
}

// ofOne is an operator of one operand that makes null of null.
func ofOne(fn func(c *Context, x *call, v bsonx.Value) (bsonx.Value, error)) builder {
	return exactly(1, func(c *Context, x *call) (bsonx.Value, error) {
		v, err := x.args[0].Eval(c)
		if err != nil || bsonx.IsNullish(v) {
			return bsonx.Null, err
		}
		return fn(c, x, v)
	})
}

// ofTwo is an operator of two operands that makes null of null, whichever it is.
func ofTwo(fn func(c *Context, x *call, a, b bsonx.Value) (bsonx.Value, error)) builder {
	return exactly(2, func(c *Context, x *call) (bsonx.Value, error) {
		a, b, err := x.two(c)
		if err != nil || bsonx.IsNullish(a) || bsonx.IsNullish(b) {
			return bsonx.Null, err
		}
		return fn(c, x, a, b)
	})
}

func (sc *Scope) exactArguments(n int, name string, arg bsonx.Value) ([]Expr, error) {
	args, err := sc.arguments(arg)
	if err == nil && len(args) != n {
		err = fail(16020, "Expression %s takes exactly %d arguments. %d were passed in.", name, n, len(args))
	}
	return args, err
}

// between is an operator of least to most operands; those not given are nil.
func between(least, most int, fn evalFunc) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		args, err := sc.arguments(arg)
		if err != nil {
			return nil, err
		}
		if len(args) < least || len(args) > most {
			return nil, fail(28667, "Expression %s takes at least %d arguments, and at most %d, but %d were passed in.", name, least, most, len(args))
		}
		for len(args) < most {
			args = append(args, nil)
		}
		return &call{name: name, args: args, fn: fn}, nil
	}
}

// namedLater is named for operators that look at all names before they compile an
// operand, and then begin with the last of names. check is asked in between.
func (sc *Scope) namedLater(d bsonx.Doc, names []string, unknown func(key string) error, check func(given []bsonx.Value) error) ([]Expr, error) {
	given, err := fieldsOf(d, names, unknown)
	if err != nil {
		return nil, err
	}
	if err := check(given); err != nil {
		return nil, err
	}
	args := make([]Expr, len(names))
	for i := len(names) - 1; i >= 0; i-- {
		if bsonx.IsMissing(given[i]) {
			continue
		}
		if args[i], err = sc.operand(given[i]); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// named compiles the fields of an argument document into operands, in the order
// of names; those not given are nil. The caller has checked that d is a document.
func (sc *Scope) named(d bsonx.Doc, names []string, unknown func(key string) error) ([]Expr, error) {
	args := make([]Expr, len(names))
	for key, v := range bsonx.All(d) {
		i := slices.Index(names, key)
		if i < 0 {
			return nil, unknown(key)
		}
		e, err := sc.operand(v)
		if err != nil {
			return nil, err
		}
		args[i] = e
	}
	return args, nil
}

// fieldsOf is named for operands that are not compiled as they come: it returns
// them as they are written, those not given as Missing.
func fieldsOf(d bsonx.Doc, names []string, unknown func(key string) error) ([]bsonx.Value, error) {
	fields := make([]bsonx.Value, len(names))
	for key, v := range bsonx.All(d) {
		i := slices.Index(names, key)
		if i < 0 {
			return nil, unknown(key)
		}
		fields[i] = v
	}
	return fields, nil
}
