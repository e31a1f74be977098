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
		args, err := sc.exactArguments(3, name, arg)
		return &condExpr{call{name: name, args: args, fn: evalCond}}, err
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
	return &condExpr{call{name: name, args: args, fn: evalCond}}, nil
}

// condExpr is $cond.
type condExpr struct{ call }

// simplify is the branch that a constant condition chooses.
func (x *condExpr) simplify() (Expr, error) {
	v, ok := IsConstant(x.args[0])
	switch {
	case !ok:
		return x, nil
	case Truthy(v):
		return x.args[1], nil
	}
	return x.args[2], nil
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
	return &ifNullExpr{call{name: name, args: args, fn: evalIfNull}}, nil
}

// ifNullExpr is $ifNull.
type ifNullExpr struct{ call }

// simplify drops constants that are null, and what follows one that is not.
func (x *ifNullExpr) simplify() (Expr, error) {
	var rest []Expr
	for i, e := range x.args {
		v, ok := IsConstant(e)
		if ok && bsonx.IsNullish(v) && i < len(x.args)-1 {
			continue
		}
		rest = append(rest, e)
		if ok {
			break
		}
	}
	if len(rest) == 1 {
		return rest[0], nil
	}
	x.args = rest
	return x, nil
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

// fold drops the branches that are never taken, and ends at one that always is:
// what it drops is not folded, so that it cannot fail. The default comes first.
func (x *switchExpr) fold(e *Expr) error {
	kept := &switchExpr{}
	otherwise := Expr(nil)
	if x.hasDefault {
		otherwise = x.args[len(x.args)-1]
		if err := fold(&otherwise); err != nil {
			return err
		}
	}
	for i := 0; i+1 < len(x.args); i += 2 {
		if err := fold(&x.args[i]); err != nil {
			return err
		}
		v, constant := IsConstant(x.args[i])
		if constant && !Truthy(v) {
			continue
		}
		if err := fold(&x.args[i+1]); err != nil {
			return err
		}
		if constant {
			otherwise = x.args[i+1]
			break
		}
		kept.args = append(kept.args, x.args[i], x.args[i+1])
	}
	switch {
	case len(kept.args) > 0 && otherwise != nil:
		kept.args, kept.hasDefault = append(kept.args, otherwise), true
		*e = kept
	case len(kept.args) > 0:
		*e = kept
	case otherwise != nil:
		*e = otherwise
	default:
		return &FoldError{fail(40069, "Cannot execute a switch statement where all the cases evaluate to false without a default")}
	}
	return nil
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
