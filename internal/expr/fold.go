package expr

import (
	"bytes"
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
)

// FoldError is the failure of a part of an expression that depends on nothing.
type FoldError struct{ Err error }

// Error is the message of the failure itself.
func (e *FoldError) Error() string { return e.Err.Error() }

// Unwrap gives the client's error.
func (e *FoldError) Unwrap() error { return e.Err }

// FoldsLast runs compile, in which Compile does not fail for the sake of constants:
// the server optimizes when all is parsed. If all is well otherwise it returns the
// first of those failures, a *FoldError.
func (sc *Scope) FoldsLast(compile func() error) error {
	now := &sc.family.folds
	outer := *now
	*now = folds{later: true}
	err := compile()
	first := now.first
	*now = outer
	if err == nil {
		err = first
	}
	return err
}

// PutOff keeps a failure of folding for FoldsLast, if that is under way; it returns
// every other error. The expression that failed will fail on every document.
func (sc *Scope) PutOff(err error) error {
	now := &sc.family.folds
	if _, failed := errors.AsType[*FoldError](err); !failed || !now.later {
		return err
	}
	if now.first == nil {
		now.first = err
	}
	return nil
}

// fold replaces every part of the tree that depends on nothing by its value.
func fold(e *Expr) error {
	if x, ok := (*e).(*call); ok && x.opaque {
		return nil
	}
	if s, ok := (*e).(folder); ok {
		return s.fold(e)
	}
	var failed error
	constants := true
	(*e).children(func(child *Expr) {
		if failed == nil {
			failed = fold(child)
		}
		if _, ok := (*child).(*constant); !ok {
			constants = false
		}
	})
	if failed != nil {
		return failed
	}
	if s, ok := (*e).(simplifier); ok && (!constants || !foldable(*e)) {
		simpler, err := s.simplify()
		if err != nil {
			return &FoldError{err}
		}
		*e = simpler
	}
	if !constants || !foldable(*e) {
		return nil
	}
	c := NewContext(nil)
	v, err := (*e).Eval(c)
	if err != nil {
		return &FoldError{err}
	}
	*e = &constant{bsonx.Value{Type: v.Type, Data: bytes.Clone(v.Data)}}
	return nil
}

// flatten takes the operands of calls of the same operator for its own.
func (x *call) flatten() {
	var flat []Expr
	for _, e := range x.args {
		if inner, ok := e.(*call); ok && inner.name == x.name {
			flat = append(flat, inner.args...)
		} else {
			flat = append(flat, e)
		}
	}
	x.args = flat
}

// gather moves the constant operands to the end and makes one of them, as the
// server does: a null before them then decides although they are wrong.
func (x *call) gather() error {
	if x.name == "$setUnion" || x.name == "$setIntersection" { // accumulators treat an only operand otherwise.
		x.flatten()
	}
	var rest, constants []Expr
	for _, e := range x.args {
		if _, ok := IsConstant(e); ok {
			constants = append(constants, e)
		} else {
			rest = append(rest, e)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	if len(constants) > 1 {
		v, err := x.fn(NewContext(nil), &call{name: x.name, args: constants})
		if err != nil {
			return err
		}
		constants = []Expr{&constant{bsonx.Value{Type: v.Type, Data: bytes.Clone(v.Data)}}}
	}
	x.args = append(rest, constants...)
	return nil
}

// lead makes one of the constant operands that stand before all others.
func (x *call) lead() error {
	n := 0
	for n < len(x.args) {
		if _, ok := IsConstant(x.args[n]); !ok {
			break
		}
		n++
	}
	if n < 2 || n == len(x.args) {
		return nil
	}
	v, err := x.fn(NewContext(nil), &call{name: x.name, args: x.args[:n]})
	if err != nil {
		return err
	}
	first := &constant{bsonx.Value{Type: v.Type, Data: bytes.Clone(v.Data)}}
	x.args = append([]Expr{first}, x.args[n:]...)
	return nil
}

// join makes one of constant operands that stand side by side.
func (x *call) join() error {
	x.flatten()
	var joined []Expr
	for i := 0; i < len(x.args); {
		n := i
		for n < len(x.args) {
			if _, ok := IsConstant(x.args[n]); !ok {
				break
			}
			n++
		}
		if n-i < 2 || n-i == len(x.args) {
			n = max(n, i+1)
			joined = append(joined, x.args[i:n]...)
		} else {
			v, err := x.fn(NewContext(nil), &call{name: x.name, args: x.args[i:n]})
			if err != nil {
				return err
			}
			joined = append(joined, &constant{bsonx.Value{Type: v.Type, Data: bytes.Clone(v.Data)}})
		}
		i = n
	}
	x.args = joined
	return nil
}

// folder is an expression that folds its operands itself, in an order or to an
// extent of its own.
type folder interface{ fold(e *Expr) error }

// simplifier is an expression that may become another once its operands are folded.
type simplifier interface{ simplify() (Expr, error) }

// foldable tells whether an expression without operands that vary is constant.
func foldable(e Expr) bool {
	switch x := e.(type) {
	case *call:
		return !x.volatile && !x.unfolded
	case *junction:
		return len(x.args) == 0
	case *objectExpr, *varPath, *condExpr, *ifNullExpr:
		return true
	}
	return false
}
