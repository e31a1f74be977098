package expr

import "github.com/pandodb/pando/internal/bsonx"

// comparison is the builder of an operator that compares two values in BSON
// order, types included.
func comparison(holds func(int) bool) builder {
	return exactly(2, func(c *Context, x *call) (bsonx.Value, error) {
		a, b, err := x.twoLastFirst(c)
		if err != nil {
			return a, err
		}
		return bsonx.Bool(holds(bsonx.Compare(a, b))), nil
	})
}

func evalCmp(c *Context, x *call) (bsonx.Value, error) {
	a, b, err := x.twoLastFirst(c)
	if err != nil {
		return a, err
	}
	return c.int32Value(int32(bsonx.Compare(a, b))), nil
}

// Cmp is one of the comparison operators.
type Cmp string

// The comparison operators.
const (
	Eq  Cmp = "$eq"
	Ne  Cmp = "$ne"
	Lt  Cmp = "$lt"
	Lte Cmp = "$lte"
	Gt  Cmp = "$gt"
	Gte Cmp = "$gte"
)

// AsComparison takes a comparison apart, so that a planner may use it; ok is
// false for any other expression.
func AsComparison(e Expr) (op Cmp, a, b Expr, ok bool) {
	x, isCall := e.(*call)
	if !isCall {
		return "", nil, nil, false
	}
	switch op = Cmp(x.name); op {
	case Eq, Ne, Lt, Lte, Gt, Gte:
		return op, x.args[0], x.args[1], true
	}
	return "", nil, nil, false
}

// AsAnd gives the operands of an $and; ok is false for any other expression.
func AsAnd(e Expr) (operands []Expr, ok bool) {
	if x, ok := e.(*junction); ok && x.name == "$and" {
		return x.args, true
	}
	return nil, false
}
