package command

import (
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/exec"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// variables are a command's let: the names that its expressions may use, their
// values, and a context to evaluate in.
type variables struct {
	scope *expr.Scope
	ctx   *expr.Context
	list  []exec.Var // owned.
}

// variables compiles a command's let. Its values may use the built-in variables
// and those defined before, and no fields.
func (c *Call) variables(let bsonx.Doc) (*variables, error) {
	v := &variables{scope: expr.NewScope()}
	v.ctx = expr.NewContext(v.scope)
	v.ctx.Now, v.ctx.ClusterTime, v.ctx.Rand = c.now(), c.clusterTime(), c.D.dice
	v.ctx.Interrupted = c.interrupted
	for it := bsonx.Walk(let); it.Next(); {
		if err := v.define(it.Key(), it.Value()); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *variables) define(name string, spec bsonx.Value) error {
	if err := expr.CheckVariable(name); err != nil {
		return mongoerr.From(err).Prefix("Invalid 'let' parameter")
	}
	e, err := expr.Compile(v.scope, spec)
	if err != nil {
		return err
	}
	if paths, root := expr.Deps(e); root || len(paths) > 0 {
		return mongoerr.New(4890500, "Command let Expression tried to access a field, but this is not allowed becauseCommand let Expressions run before the query examines any documents.")
	}
	value, err := e.Eval(v.ctx)
	if err != nil {
		return err
	}
	v.set(name, value)
	return nil
}

// set defines a variable with a value, which is copied.
func (v *variables) set(name string, value bsonx.Value) {
	value.Data = slices.Clone(value.Data)
	slot := v.scope.Define(name)
	v.ctx.SetVar(slot, value)
	v.list = append(v.list, exec.Var{Slot: slot, Value: value})
}

// now is $$NOW: one for the whole command.
func (c *Call) now() int64 { return c.started.UnixMilli() }

func (c *Call) clusterTime() uint64 { return uint64(c.D.Store.Visible()) }

// running is what an execution of this command needs beside its plan.
func (c *Call) running(v *variables) exec.Options {
	return exec.Options{
		Scope: v.scope, Vars: v.list, Now: v.ctx.Now, ClusterTime: v.ctx.ClusterTime,
		Rand: c.D.dice, MemoryBytesMax: c.D.Params.SortMemoryBytes.Get(),
	}
}
