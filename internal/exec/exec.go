package exec

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

// Operator is one step of a running plan.
type Operator interface {
	// Next returns the next document, or io.EOF after the last. The bytes are
	// the operator's: they stay valid until the following Next or Close.
	Next(ctx context.Context) (bsonx.Doc, error)

	// Close releases the operator and its inputs. It may be called at any point, once.
	Close() error
}

// Var is the value of a variable of a command's let.
type Var struct {
	Slot  int
	Value bsonx.Value
}

// Options is what an execution needs beside its plan.
type Options struct {
	Scope       *expr.Scope // that the plan's expressions were compiled in; nil: they need none.
	Vars        []Var
	Now         int64  // $$NOW, in milliseconds.
	ClusterTime uint64 // $$CLUSTER_TIME

	// Rand is the dice, in [0, 1), for $sample and $rand.
	Rand func() float64

	// MemoryBytesMax is what one blocking operator may hold; zero: 100 MB.
	MemoryBytesMax int64

	// Clock has operators measure their time by it; nil: they do not.
	Clock func() time.Time
}

// memoryBytesMax is the limit of blocking operators if none is given.
const memoryBytesMax = 100 << 20

// Open readies a plan for running within tx.
func Open(ctx context.Context, tx *docstore.Tx, node plan.Node, o Options) (*Execution, error) {
	if o.MemoryBytesMax == 0 {
		o.MemoryBytesMax = memoryBytesMax
	}
	e := &Execution{reading: reading{tx: tx, ctx: ctx}}
	e.run = run{Options: o, reading: &e.reading}
	op, err := e.run.open(ctx, node)
	if err != nil {
		return nil, err
	}
	e.Operator, e.computes = op, computes(node)
	return e, nil
}

// NewContext is an expression context with the execution's variables.
func (o *Options) NewContext() *expr.Context {
	c := expr.NewContext(o.Scope)
	c.Now, c.ClusterTime, c.Rand = o.Now, o.ClusterTime, o.Rand
	for _, v := range o.Vars {
		c.SetVar(v.Slot, v.Value)
	}
	return c
}

// run is what operators need of the execution that they are part of. Sub-pipelines
// run with a copy.
type run struct {
	Options
	*reading      // the same in all copies.
	tee      *tee // of the facet branch that is being opened; else nil.
}

// reading is what an execution reads in, which Execution.Resume changes.
type reading struct {
	tx      *docstore.Tx
	resumed bool            // tx is not what the plan was made on.
	ctx     context.Context // of the Next that runs: expressions have no other way to it.
	steps   int             // documents that went from one operator to the next.
}

// interrupted is why the Next that runs has to end, if it has.
func (r *reading) interrupted() error { return interrupted(r.ctx) }

// NewContext is an expression context that minds the context of the Next that runs.
func (r *run) NewContext() *expr.Context {
	c := r.Options.NewContext()
	c.Interrupted = r.reading.interrupted
	return c
}

// open makes the operator of a node that gives documents.
func (r *run) open(ctx context.Context, node plan.Node) (Operator, error) {
	switch n := node.(type) {
	case *plan.EOF:
		return &nothing{base: r.base(n)}, nil
	case *plan.CollScan:
		return r.collScan(n), nil
	case *plan.Express:
		return r.express(n), nil
	case *plan.Fetch:
		return r.fetch(n)
	case *plan.Covered:
		return r.covered(n)
	case *plan.Tee:
		return r.tee, nil
	case *plan.Branches:
		return r.facet(ctx, n)
	case *plan.Lookup:
		return r.lookup(ctx, n)
	case *plan.Apply:
		return r.apply(ctx, n)
	}
	var in Operator
	if inputs := node.Inputs(); len(inputs) == 1 {
		var err error
		if in, err = r.open(ctx, inputs[0]); err != nil {
			return nil, err
		}
	}
	b := r.base(node, in)
	switch n := node.(type) {
	case *plan.Sort:
		return r.sort(b, n.Sort, n.Limit), nil
	case *plan.Skip:
		return &skip{base: b, n: n.N}, nil
	case *plan.Limit:
		return &limit{base: b, n: n.N}, nil
	case *plan.Project:
		return r.project(b, n.Projection, n.Filter), nil
	}
	return nil, fmt.Errorf("exec: no operator for %T", node)
}

// apply makes the operator of a pipeline's stage.
func (r *run) apply(ctx context.Context, n *plan.Apply) (Operator, error) {
	var in Operator
	if n.Input != nil {
		var err error
		if in, err = r.open(ctx, n.Input); err != nil {
			return nil, err
		}
	}
	b := r.base(n, in)
	switch s := n.Stage.(type) {
	case *plan.Match:
		return &filter{base: b, check: r.check(s.Filter)}, nil
	case *plan.Shape:
		return r.project(b, s.Projection, nil), nil
	case *plan.Order:
		return r.sort(b, s.Sort, s.Limit), nil
	case *plan.Cut:
		if s.Name() == "$skip" {
			return &skip{base: b, n: s.N}, nil
		}
		return &limit{base: b, n: s.N}, nil
	case *plan.Count:
		return &count{base: b, field: s.Field}, nil
	case *plan.Unwind:
		return &unwind{base: b, stage: s}, nil
	case *plan.Replace:
		return &replace{base: b, stage: s, ctx: r.NewContext()}, nil
	case *plan.Group:
		return r.group(b, s), nil
	case *plan.Sample:
		return &sample{base: b, size: s.Size}, nil
	case *plan.Documents:
		return &documents{base: b, stage: s}, nil
	}
	return nil, fmt.Errorf("exec: no operator for stage %s", n.Stage.Name())
}

// base is what every operator has.
type base struct {
	run   *run
	node  plan.Node
	in    []Operator
	stats Stats
}

func (r *run) base(node plan.Node, in ...Operator) base {
	b := base{run: r, node: node}
	for _, op := range in {
		if op != nil {
			b.in = append(b.in, op)
		}
	}
	return b
}

func (b *base) self() *base { return b }

// next takes the input's next document, and now and then minds ctx: a document of
// arrays can be unwound into any number of others without a scan's being asked.
func (b *base) next(ctx context.Context) (bsonx.Doc, error) {
	if b.run.steps++; b.run.steps%interruptEvery == 0 {
		if err := interrupted(ctx); err != nil {
			return nil, err
		}
	}
	return b.in[0].Next(ctx)
}

// Close closes the inputs.
func (b *base) Close() error {
	var first error
	for _, in := range b.in {
		if err := in.Close(); err != nil && first == nil {
			first = err
		}
	}
	b.in = b.in[:0:0]
	return first
}

// done notes the end.
func (b *base) done() error {
	b.stats.EOF = true
	return io.EOF
}

// gave notes a document that is passed on.
func (b *base) gave(doc bsonx.Doc) (bsonx.Doc, error) {
	b.stats.Returned++
	return doc, nil
}

// check is a filter with the context that it needs.
type check struct {
	filter *query.Filter // nil: everything matches.
	ctx    *expr.Context // nil: not needed.
}

func (r *run) check(f *query.Filter) check {
	c := check{filter: f}
	if f != nil && f.NeedsContext() {
		c.ctx = r.NewContext()
	}
	return c
}

func (c *check) matches(doc bsonx.Doc) (bool, error) {
	if c.filter == nil {
		return true, nil
	}
	if c.ctx != nil {
		c.ctx.Reset()
	}
	return c.filter.Matches(doc, c.ctx)
}

// nothing is an empty result.
type nothing struct{ base }

// Next is the end.
func (n *nothing) Next(context.Context) (bsonx.Doc, error) { return nil, n.done() }

// interrupted is why ctx ended, if it did.
func interrupted(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// lasting is a context for an iterator, which outlives the call that opens it: a
// scan goes on in the next batch. Those who move it mind their own context.
func lasting(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func fail(code mongoerr.Code, format string, args ...any) error {
	return mongoerr.Newf(code, format, args...)
}
