package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// explain tells how a find, count, distinct or aggregate would run, or ran.
var explain = Spec{
	Name: "explain", Read: ReadAll, API: true, Help: "explains a query",
	Fields: NewFields("explain", Field{Name: "verbosity", Type: Text}),
}

func runExplain(ctx context.Context, c *Call) error {
	if c.Arg.Type != bsonx.TypeDocument {
		return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field 'explain.explain' is the wrong type '%s', expected type 'object'", bsonx.TypeName(c.Arg.Type))
	}
	verbosity := "allPlansExecution"
	if v := c.Args.Str("verbosity"); v != "" {
		verbosity = v
	}
	switch verbosity {
	case "queryPlanner", "executionStats", "allPlansExecution":
	default:
		return mongoerr.Newf(mongoerr.BadValue, "Enumeration value '%s' for field 'explain.verbosity' is not a valid value.", verbosity)
	}
	inner := bsonx.AsDoc(c.Arg)
	name, arg := bsonx.First(inner)
	spec := c.D.table.byName[name]
	if spec == nil {
		return mongoerr.Newf(mongoerr.CommandNotFound, "Explain failed due to unknown command: %s", name)
	}
	_, args, err := spec.parse(inner, nil)
	if err != nil {
		return err
	}
	c.Arg = arg
	switch spec.Name {
	case "find", "count", "distinct":
		f, err := c.explained(spec.Name, &args)
		if err != nil {
			return err
		}
		return c.explainFind(ctx, f, verbosity)
	case "aggregate":
		a, err := c.compileAggregate(&args)
		if err != nil {
			return err
		}
		return c.explainAggregate(ctx, a, verbosity)
	case "insert", "getMore":
		return mongoerr.Newf(mongoerr.IllegalOperation, "Cannot explain cmd: %s", spec.Name)
	case "update", "delete", "findAndModify", "bulkWrite":
		return mongoerr.NotYet("explain of " + spec.Name)
	}
	return mongoerr.Newf(mongoerr.IllegalOperation, "Cannot explain cmd: %s", spec.Name)
}

func (c *Call) explained(name string, args *Args) (finding, error) {
	if name == "find" {
		return c.compileFind(args)
	}
	return c.compileQuery(args.Doc("query"), args.Value("hint"))
}

func (c *Call) explainFind(ctx context.Context, f finding, verbosity string) error { return nil }
func (c *Call) explainAggregate(ctx context.Context, a *aggregation, verbosity string) error {
	return nil
}
