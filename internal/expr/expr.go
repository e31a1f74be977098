package expr

import (
	"errors"
	"math"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Expr is a compiled expression. It never changes after Compile: any number of
// goroutines may evaluate it at once, each with a Context of its own.
type Expr interface {
	// Eval computes the value on the context's root document. The value may be
	// Missing. Its bytes belong to the document, to the expression or to the
	// context's arena, and are good until the context's next Reset.
	Eval(c *Context) (bsonx.Value, error)

	// children calls f with a pointer to each operand, so that passes over the
	// tree may look at them or replace them.
	children(f func(*Expr))
}

// constant is a value known at compile time.
type constant struct{ v bsonx.Value }

func (x *constant) Eval(*Context) (bsonx.Value, error) { return x.v, nil }
func (x *constant) children(func(*Expr))               {}

// IsConstant tells whether e has the same value on every document, and which.
func IsConstant(e Expr) (bsonx.Value, bool) {
	if k, ok := e.(*constant); ok {
		return k.v, true
	}
	return bsonx.Missing, false
}

// call is an operator applied to operands: the node that nearly every operator
// is. An operand that was not given is nil.
type call struct {
	name     string
	args     []Expr
	fn       func(*Context, *call) (bsonx.Value, error)
	data     any  // what the operator worked out at compile time.
	volatile bool // two evaluations may differ: never folded.
	unfolded bool // its operands are folded, but never itself: failures come with the evaluation.
	opaque   bool // the server never looks inside before it evaluates: no folding.

	// unordered: the order of the operands does not matter, and any of them may
	// be replaced by what the operator makes of them.
	unordered bool

	// prepare is run once, when the operands have been folded: what can be told
	// of constant ones, errors too, is told then. errNull makes null of the whole.
	// May be nil.
	prepare func(*call) error
}

// errNull is what a prepare says of a call that is null whatever the document.
var errNull = errors.New("null")

func (x *call) simplify() (Expr, error) {
	if x.unordered {
		if err := x.gather(); err != nil {
			return nil, err
		}
	}
	if x.prepare != nil {
		err := x.prepare(x)
		if err == errNull {
			return &constant{bsonx.Null}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (x *call) Eval(c *Context) (bsonx.Value, error) { return x.fn(c, x) }

func (x *call) children(f func(*Expr)) {
	for i := range x.args {
		if x.args[i] != nil {
			f(&x.args[i])
		}
	}
}

// arg evaluates the i-th operand; one that was not given is missing.
func (x *call) arg(c *Context, i int) (bsonx.Value, error) {
	if x.args[i] == nil {
		return bsonx.Missing, nil
	}
	return x.args[i].Eval(c)
}

// two evaluates the first two operands.
func (x *call) two(c *Context) (a, b bsonx.Value, err error) {
	if a, err = x.args[0].Eval(c); err != nil {
		return a, b, err
	}
	b, err = x.args[1].Eval(c)
	return a, b, err
}

// twoLastFirst is two in the other order, which the server has where it shows
// only in which of two failures is told.
func (x *call) twoLastFirst(c *Context) (a, b bsonx.Value, err error) {
	if b, err = x.args[1].Eval(c); err != nil {
		return a, b, err
	}
	a, err = x.args[0].Eval(c)
	return a, b, err
}

// push evaluates all operands onto the context's stack.
func (x *call) push(c *Context) error {
	for i := range x.args {
		v, err := x.arg(c, i)
		if err != nil {
			return err
		}
		c.stack = append(c.stack, v)
	}
	return nil
}

// Truthy is the truth of a value as $and, $cond and $expr see it: false, null,
// undefined, missing and zero are false, everything else is true, NaN too.
func Truthy(v bsonx.Value) bool {
	switch v.Type {
	case bsonx.TypeMissing, bsonx.TypeNull, bsonx.TypeUndefined:
		return false
	case bsonx.TypeBool:
		return bsonx.AsBool(v)
	case bsonx.TypeInt32:
		return bsonx.AsInt32(v) != 0
	case bsonx.TypeInt64:
		return bsonx.AsInt64(v) != 0
	case bsonx.TypeDouble:
		f := bsonx.AsDouble(v)
		return f != 0 || math.IsNaN(f)
	case bsonx.TypeDecimal:
		return !bsonx.AsDecimal(v).IsZero()
	}
	return true
}

// fail is the client's error.
func fail(code mongoerr.Code, format string, args ...any) error {
	return mongoerr.Newf(code, format, args...)
}

// nameOf is the type's name in messages.
func nameOf(v bsonx.Value) string { return bsonx.TypeName(v.Type) }
