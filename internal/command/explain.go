package command

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/exec"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

// explain tells how a find or an aggregate would run, or ran.
var explain = Spec{
	Name: "explain", Read: ReadAll, API: true, Help: "explains a query",
	Fields: NewFields("explain", Field{Name: "verbosity", Type: Text}),
}

// The verbosities.
const (
	verbosityPlanner = "queryPlanner"
	verbosityStats   = "executionStats"
	verbosityAll     = "allPlansExecution"
)

func runExplain(ctx context.Context, c *Call) error {
	if err := c.checkArg("explain", Document); err != nil {
		return err
	}
	verbosity := verbosityAll
	if c.Args.Has("verbosity") {
		verbosity = c.Args.Str("verbosity")
	}
	switch verbosity {
	case verbosityPlanner, verbosityStats, verbosityAll:
	default:
		return mongoerr.Newf(mongoerr.BadValue, "Enumeration value '%s' for field 'explain.verbosity' is not a valid value.", verbosity)
	}
	inner := bsonx.AsDoc(c.Arg)
	if db := bsonx.Get(inner, "$db"); db.Type == bsonx.TypeString && bsonx.Str(db) != c.Gen.DB {
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Mismatched $db in explain command. Expected %s but got %s", c.Gen.DB, bsonx.Str(db))
	}
	name, arg := bsonx.First(inner)
	spec := c.D.table.byName[name]
	if spec == nil {
		return mongoerr.Newf(mongoerr.CommandNotFound, "Explain failed due to unknown command: %s", name)
	}
	if spec.Name == "explain" {
		return mongoerr.New(mongoerr.IllegalOperation, "Explain cannot explain itself.")
	}
	b := bsonx.NewBuilder(nil)
	b.Fields(inner)
	b.String("$db", c.Gen.DB)
	inner = b.Doc()
	gen, args, err := spec.parse(inner, nil)
	if err != nil {
		return err
	}
	if c.ReadConcern, err = parseReadConcern(gen.ReadConcern); err != nil {
		return err
	}
	if err := c.D.waitReadConcern(c); err != nil {
		return err
	}
	c.Arg = arg
	return c.explain(ctx, spec.Name, &args, explaining{command: inner, verbosity: verbosity})
}

// explaining is what an explanation shows beside the plan, and how much of it.
type explaining struct {
	command   bsonx.Doc // that is explained.
	verbosity string
}

// explain tells of one command that is decoded.
func (c *Call) explain(ctx context.Context, name string, args *Args, how explaining) error {
	switch name {
	case "find":
		f, err := c.compileFind(args)
		if err == nil {
			err = c.explainFind(ctx, f, how)
		}
		return err
	case "aggregate":
		if args.Bool("explain", false) {
			return mongoerr.New(mongoerr.FailedToParse, "The 'explain' option is illegal when a explain verbosity is also provided")
		}
		a, err := c.compileAggregate(args)
		if err == nil {
			err = c.explainAggregate(ctx, a, how)
		}
		return err
	case "count", "distinct", "update", "delete", "findAndModify", "bulkWrite":
		return mongoerr.NotYet("explain of " + name)
	}
	return mongoerr.Newf(mongoerr.IllegalOperation, "Cannot explain cmd: %s", name)
}

func (c *Call) explainFind(ctx context.Context, f finding, how explaining) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if err := readable(ns); err != nil {
		return err
	}
	view := false
	err = c.Read(ctx, func(tx *docstore.Tx) error {
		f.req.NS, view = ns, false
		if f.req.Coll, err = tx.Cat.Lookup(ctx, ns); err != nil {
			return err
		}
		if isView(f.req.Coll) {
			view = true
			return nil
		}
		node, err := plan.Find(ctx, tx, f.req)
		if err != nil {
			return err
		}
		e := exec.Explanation{NS: ns, Filter: f.req.Filter, Plan: node}
		return c.explainPlan(ctx, tx, &e, f.vars, how)
	})
	if err != nil || !view {
		return err
	}
	a, err := f.asPipeline()
	if err != nil {
		return err
	}
	return c.explainAggregate(ctx, a, how)
}

func (c *Call) explainAggregate(ctx context.Context, a *aggregation, how explaining) error {
	return c.Read(ctx, func(tx *docstore.Tx) error {
		req, err := a.request(ctx, tx)
		if err != nil {
			return err
		}
		if req.NS != a.ns {
			on, err := a.below(ctx, tx)
			if err != nil {
				return err
			}
			how.command = on.command(a.hint)
		}
		node, err := plan.Aggregate(ctx, tx, req)
		if err != nil {
			return err
		}
		e := exec.Explanation{NS: req.NS, Filter: req.Filter(), Plan: node, Pipeline: true}
		return c.explainPlan(ctx, tx, &e, a.vars, how)
	})
}

// explainPlan runs the plan if the verbosity asks for it, and appends what there
// is to tell of it.
func (c *Call) explainPlan(ctx context.Context, tx *docstore.Tx, e *exec.Explanation, v *variables, how explaining) error {
	if how.verbosity != verbosityPlanner {
		o := c.running(v)
		o.Clock = c.D.Env.Now
		op, err := exec.Open(ctx, tx, e.Plan, o)
		if err != nil {
			return err
		}
		defer op.Close()
		start := c.D.Env.Now()
		err = drain(ctx, op)
		e.Ran, e.Took, e.AllPlans = op, c.D.Env.Since(start), how.verbosity == verbosityAll
		if e.Failed, err = executionError(err); err != nil {
			return err
		}
		if _, stages := plan.Split(e.Plan); e.Failed != nil && len(stages) > 0 {
			return e.Failed // a pipeline's failure has no place in its explanation.
		}
	}
	b, d := c.Reply, c.D
	e.Append(b)
	b.EmbedDoc("command", how.command)
	b.OpenDoc("serverInfo")
	b.String("host", d.Host.Hostname)
	if _, port, err := net.SplitHostPort(c.Peer.Local); err == nil {
		if n, err := strconv.ParseInt(port, 10, 32); err == nil {
			b.Int32("port", int32(n))
		}
	}
	b.String("version", mongoVersion)
	b.String("gitVersion", d.Persona.GitCommit)
	b.Close()
	return nil
}

func drain(ctx context.Context, op exec.Operator) error {
	for {
		if _, err := op.Next(ctx); err != nil {
			return err
		}
	}
}

// executionError tells failures of the query, which an explanation tells of, from
// those of the command that explains it. The end is neither.
func executionError(err error) (failed *mongoerr.Error, other error) {
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	failed, ok := errors.AsType[*mongoerr.Error](err)
	if !ok || failed.Code.Is(mongoerr.Interruption) {
		return nil, err
	}
	return failed, nil
}

// request is the plan request of an aggregate on what tx sees.
func (a *aggregation) request(ctx context.Context, tx *docstore.Tx) (plan.AggregateRequest, error) {
	req := plan.AggregateRequest{NS: a.ns, Pipeline: a.pipeline, Hint: a.hint, Eval: a.vars.ctx}
	if a.ns.Coll == "" {
		return req, nil
	}
	var err error
	if req.Coll, err = tx.Cat.Lookup(ctx, a.ns); err != nil || req.Coll == nil || req.Coll.Kind != catalog.KindView {
		return req, err
	}
	on, err := a.below(ctx, tx)
	if err != nil {
		return req, err
	}
	req.NS, req.Coll, req.Pipeline = on.NS, on.Coll, on.pipeline
	return req, nil
}
