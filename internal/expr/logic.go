package expr

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// junction is an $and or $or. It is decided by the first operand whose truth is
// decides.
type junction struct {
	call
	decides bool
}

func buildJunction(decides bool, fn evalFunc) builder {
	return func(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
		args, err := sc.arguments(arg)
		return &junction{call{name: name, args: args, fn: fn}, decides}, err
	}
}

// simplify is the answer if one constant decides it, whatever stands before;
// constants that decide nothing go.
func (x *junction) simplify() (Expr, error) {
	var rest []Expr
	for _, e := range x.args {
		v, ok := IsConstant(e)
		if !ok {
			rest = append(rest, e)
		} else if Truthy(v) == x.decides {
			return &constant{bsonx.Bool(x.decides)}, nil
		}
	}
	x.args = rest
	return x, nil
}

// evalAnd and evalOr stop at the first operand that decides.
func evalAnd(c *Context, x *call) (bsonx.Value, error) {
	for _, e := range x.args {
		if v, err := e.Eval(c); err != nil {
			return v, err
		} else if !Truthy(v) {
			return bsonx.False, nil
		}
	}
	return bsonx.True, nil
}

func evalOr(c *Context, x *call) (bsonx.Value, error) {
	for _, e := range x.args {
		if v, err := e.Eval(c); err != nil {
			return v, err
		} else if Truthy(v) {
			return bsonx.True, nil
		}
	}
	return bsonx.False, nil
}

func evalNot(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	return bsonx.Bool(!Truthy(v)), err
}

// buildCond takes [if, then, else] or {if, then, else}.
func buildCond(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return exactly(3, evalCond)(sc, name, arg)
	}
	names := []string{"if", "then", "else"}
	args, err := sc.named(bsonx.AsDoc(arg), names, func(key string) error {
		return fail(17083, "Unrecognized parameter to $cond: %s", key)
	})
	if err != nil {
		return nil, err
	}
	for i, e := range args {
		if e == nil {
			return nil, fail(mongoerr.Code(17080+i), "Missing '%s' parameter to $cond", names[i])
		}
	}
	return &call{name: name, args: args, fn: evalCond}, nil
}

func evalCond(c *Context, x *call) (bsonx.Value, error) {
	v, err := x.args[0].Eval(c)
	if err != nil {
		return v, err
	}
	if Truthy(v) {
		return x.args[1].Eval(c)
	}
	return x.args[2].Eval(c)
}

func buildIfNull(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	args, err := sc.arguments(arg)
	if err != nil {
		return nil, err
	}
	if len(args) < 2 {
		return nil, fail(1257300, "$ifNull needs at least two arguments, had: %d", len(args))
	}
	return &call{name: name, args: args, fn: evalIfNull}, nil
}

// evalIfNull is the first operand that is not null, else the last whatever it is.
func evalIfNull(c *Context, x *call) (bsonx.Value, error) {
	for _, e := range x.args[:len(x.args)-1] {
		if v, err := e.Eval(c); err != nil || !bsonx.IsNullish(v) {
			return v, err
		}
	}
	return x.args[len(x.args)-1].Eval(c)
}

// switchExpr has its operands in pairs of case and then, and perhaps a default
// as the last.
type switchExpr struct {
	args       []Expr
	hasDefault bool
}

func (x *switchExpr) children(f func(*Expr)) {
	for i := range x.args {
		f(&x.args[i])
	}
}

func (x *switchExpr) Eval(c *Context) (bsonx.Value, error) {
	for i := 0; i+1 < len(x.args); i += 2 {
		if v, err := x.args[i].Eval(c); err != nil {
			return v, err
		} else if Truthy(v) {
			return x.args[i+1].Eval(c)
		}
	}
	if x.hasDefault {
		return x.args[len(x.args)-1].Eval(c)
	}
	return bsonx.Missing, fail(40066, "$switch could not find a matching branch for an input, and no default was specified.")
}

// simplify drops the branches that are never taken, and ends at one that always is.
func (x *switchExpr) simplify() (Expr, error) {
	kept := &switchExpr{}
	for i := 0; i+1 < len(x.args); i += 2 {
		v, constant := IsConstant(x.args[i])
		switch {
		case !constant:
			kept.args = append(kept.args, x.args[i], x.args[i+1])
		case Truthy(v) && len(kept.args) == 0:
			return x.args[i+1], nil
		case Truthy(v):
			kept.args = append(kept.args, x.args[i+1])
			kept.hasDefault = true
			return kept, nil
		}
	}
	if x.hasDefault {
		if len(kept.args) == 0 {
			return x.args[len(x.args)-1], nil
		}
		kept.args = append(kept.args, x.args[len(x.args)-1])
		kept.hasDefault = true
		return kept, nil
	}
	if len(kept.args) == 0 {
		return nil, fail(40069, "Cannot execute a switch statement where all the cases evaluate to false without a default")
	}
	return kept, nil
}

func buildSwitch(sc *Scope, name string, arg bsonx.Value) (Expr, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, fail(40060, "$switch requires an object as an argument, found: %s", nameOf(arg))
	}
	x := &switchExpr{}
	var otherwise Expr
	for key, v := range bsonx.All(bsonx.AsDoc(arg)) {
		var err error
		switch key {
		case "branches":
			if v.Type != bsonx.TypeArray {
				return nil, fail(40061, "$switch expected an array for 'branches', found: %s", nameOf(v))
			}
			for _, b := range bsonx.All(bsonx.AsDoc(v)) {
				if x.args, err = sc.branch(x.args, b); err != nil {
					return nil, err
				}
			}
		case "default":
			if otherwise, err = sc.operand(v); err != nil {
				return nil, err
			}
		default:
			return nil, fail(40067, "$switch found an unknown argument: %s", key)
		}
	}
	if len(x.args) == 0 {
		return nil, fail(40068, "$switch requires at least one branch")
	}
	if otherwise != nil {
		x.args = append(x.args, otherwise)
		x.hasDefault = true
	}
	return x, nil
}

// branch appends the case and the then of one branch.
func (sc *Scope) branch(args []Expr, b bsonx.Value) ([]Expr, error) {
	if b.Type != bsonx.TypeDocument {
		return nil, fail(40062, "$switch expected each branch to be an object, found: %s", nameOf(b))
	}
	parts, err := sc.named(bsonx.AsDoc(b), []string{"case", "then"}, func(key string) error {
		return fail(40063, "$switch found an unknown argument to a branch: %s", key)
	})
	switch {
	case err != nil:
		return nil, err
	case parts[0] == nil:
		return nil, fail(40064, "$switch requires each branch have a 'case' expression")
	case parts[1] == nil:
		return nil, fail(40065, "$switch requires each branch have a 'then' expression.")
	}
	return append(args, parts...), nil
}
