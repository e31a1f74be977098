package command

import (
	"context"
	"io"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/exec"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/session"
)

var aggregate = Spec{
	Name: "aggregate", Txn: Anywhere, Read: ReadAll, Write: true, API: true, Help: "runs a pipeline",
	Fields: NewFields("aggregate",
		Field{Name: "pipeline", Type: Types{of: Array.of, bad: badPipeline}, Required: true},
		Field{Name: "cursor", Type: Types{of: Document.of, bad: badCursor}},
		Field{Name: "explain", Type: Truthy},
		Field{Name: "hint", Type: Types{bad: badHint, of: DocOrStr.of}},
		Field{Name: "let", Type: Document},
		Field{Name: "allowDiskUse", Type: Truthy, NoEffect: "stages stay in memory, and say so when they are too large"},
		Field{Name: "bypassDocumentValidation", Type: Truthy, NoEffect: "stages that write are refused"},
		Field{Name: "bypassEmptyTsReplacement", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "exchange", Type: Document, NotYet: true},
		Field{Name: "runtimeConstants", Type: Document, NotYet: true},
		Field{Name: "fromRouter", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "needsMerge", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "requestReshardingResumeToken", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "querySettings", Type: Document, NotYet: true}),
}

func badPipeline(string, bsonx.Value) error {
	return mongoerr.New(mongoerr.TypeMismatch, "A pipeline must be an array of objects")
}

// refusedStage is 263 for a stage inside a transaction, in the words of the part
// of the original that finds it.
func refusedStage(stage string) error {
	format := "Operation not permitted in transaction :: caused by :: Aggregation stage %s cannot run within a multi-document transaction."
	switch stage {
	case "$out", "$merge":
		format = "%s cannot be used in a transaction"
	case "$unionWith", "$collStats", "$indexStats":
		format = "Stage not supported inside of a multi-document transaction: %s"
	}
	return mongoerr.Newf(mongoerr.OperationNotSupportedInTransaction, format, stage)
}

func badCursor(string, bsonx.Value) error {
	return mongoerr.New(mongoerr.TypeMismatch, "cursor field must be missing or an object")
}

var aggregateCursor = NewFields("cursor", Field{Name: "batchSize", Type: Integer, Bounded: true})

// aggregation is an aggregate command, compiled.
type aggregation struct {
	ns       catalog.Namespace // Coll is "" for a pipeline that begins with its own documents.
	pipeline *plan.Pipeline
	vars     *variables
	hint     bsonx.Value
}

func runAggregate(ctx context.Context, c *Call) error {
	first := int64(firstBatchDocs)
	switch cur := c.Args.Doc("cursor"); {
	case c.Args.Bool("explain", false):
		if c.InTxn() {
			return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "Operation not permitted in transaction :: caused by :: Explain for the aggregate command cannot run within a multi-document transaction")
		}
		a, err := c.compileAggregate(&c.Args)
		if err != nil {
			return err
		}
		return c.explainAggregate(ctx, a, c.Req.Body, verbosityPlanner)
	case cur == nil:
		return mongoerr.New(mongoerr.FailedToParse, "The 'cursor' option is required, except for aggregate with the explain argument")
	default:
		a, err := aggregateCursor.Decode(cur)
		if err != nil {
			return err
		}
		first = a.Int("batchSize", first)
	}
	a, err := c.compileAggregate(&c.Args)
	if err != nil {
		return err
	}
	return c.Read(ctx, func(tx *docstore.Tx, keep *bool) error {
		src, err := c.openPipeline(ctx, tx, a)
		if err != nil {
			return err
		}
		cur := &session.Cursor{Namespace: a.cursorName(), Source: src}
		return c.answerFrom(ctx, tx, cur, first, false, keep)
	})
}

func (a *aggregation) cursorName() string {
	if a.ns.Coll == "" {
		return a.ns.DB + ".$cmd.aggregate"
	}
	return a.ns.String()
}

// compileAggregate compiles the fields that aggregate shares with its explanation.
func (c *Call) compileAggregate(args *Args) (*aggregation, error) {
	a := &aggregation{hint: hintOf(args.Value("hint"))}
	switch n, exact := integer(c.Arg); {
	case c.Arg.Type == bsonx.TypeString:
		ns, err := c.Namespace()
		if err != nil {
			return nil, err
		}
		a.ns = ns
	case bsonx.IsNumber(c.Arg) && n == 1 && exact:
		a.ns = catalog.Namespace{DB: c.Gen.DB}
	default:
		return nil, mongoerr.New(mongoerr.BadValue, "Invalid command format: the 'aggregate' field must specify a collection name or 1")
	}
	var stages []bsonx.Doc
	for it := bsonx.Walk(args.Doc("pipeline")); it.Next(); {
		if it.Value().Type != bsonx.TypeDocument {
			return nil, mongoerr.New(mongoerr.TypeMismatch, "Each element of the 'pipeline' array must be an object")
		}
		stages = append(stages, bsonx.AsDoc(it.Value()))
	}
	if stage, refused := plan.RefusedInTxn(stages); refused && c.InTxn() {
		return nil, refusedStage(stage)
	}
	stages, err := c.sourceStage(stages)
	if err != nil {
		return nil, err
	}
	if a.vars, err = c.variables(args.Doc("let")); err != nil {
		return nil, err
	}
	a.pipeline, err = plan.CompilePipeline(stages, plan.PipelineOptions{Scope: a.vars.scope, NS: a.ns})
	return a, err
}

// planPipeline chooses the plan of a pipeline on what tx sees.
func (c *Call) planPipeline(ctx context.Context, tx *docstore.Tx, a *aggregation) (plan.Node, error) {
	req, err := a.request(ctx, tx)
	if err != nil {
		return nil, err
	}
	return plan.Aggregate(ctx, tx, req)
}

func (c *Call) openPipeline(ctx context.Context, tx *docstore.Tx, a *aggregation) (session.Source, error) {
	node, err := c.planPipeline(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	return exec.Open(context.WithoutCancel(ctx), tx, node, c.running(a.vars))
}

// count tells how many documents match. It is refused inside a transaction, as in
// the original: a driver's countDocuments sends an aggregate instead.
var count = Spec{
	Name: "count", Read: ReadMajority, API: true, Help: "counts documents",
	Fields: NewFields("count",
		Field{Name: "query", Type: Document.OrNull()},
		Field{Name: "limit", Type: Types{of: Integer.of, bad: badCountLimit}},
		Field{Name: "skip", Type: Integer, Bounded: true},
		Field{Name: "hint", Type: Types{bad: badHint, of: DocOrStr.of}},
		Field{Name: "fields", Type: Document, NoEffect: "the original ignores it too"},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "querySettings", Type: Document, NotYet: true}),
}

func badCountLimit(string, bsonx.Value) error {
	return mongoerr.New(mongoerr.BadValue, "limit value is not a valid number")
}

func runCount(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	f, err := c.compileQuery(c.Args.Doc("query"), c.Args.Value("hint"))
	if err != nil {
		return err
	}
	f.req.NS = ns
	limit := c.Args.Int("limit", 0)
	f.req.Skip, f.req.Limit = c.Args.Int("skip", 0), max(limit, -limit)
	n := int64(0)
	err = c.Read(ctx, func(tx *docstore.Tx, _ *bool) error {
		if f.req.Coll, err = tx.Cat.Lookup(ctx, ns); err != nil || f.req.Coll == nil {
			return err
		}
		return c.each(ctx, tx, f, func(bsonx.Doc) error { n++; return nil })
	})
	if err != nil {
		return err
	}
	appendNumber(c.Reply, "n", n)
	return nil
}

// appendNumber appends an int32 if n fits, else an int64.
func appendNumber(b *bsonx.Builder, name string, n int64) {
	if n == int64(int32(n)) {
		b.Int32(name, int32(n))
		return
	}
	b.Int64(name, n)
}

// compileQuery compiles a filter and hint alone.
func (c *Call) compileQuery(q bsonx.Doc, hint bsonx.Value) (finding, error) {
	a := Args{f: find.Fields, vals: make([]bsonx.Value, len(find.Fields.list))}
	a.vals[find.Fields.index["filter"]] = bsonx.DocValue(orEmpty(q))
	a.vals[find.Fields.index["hint"]] = hint
	return c.compileFind(&a)
}

// each runs a query to its end.
func (c *Call) each(ctx context.Context, tx *docstore.Tx, f finding, do func(bsonx.Doc) error) error {
	src, err := c.openFind(ctx, tx, f.req, f.vars)
	if err != nil {
		return err
	}
	defer src.Close()
	for {
		doc, err := src.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return c.duringRead(ctx, f.req.NS.String(), err)
		}
		if err := do(doc); err != nil {
			return err
		}
	}
}

// distinct lists the values of a field, each once.
var distinct = Spec{
	Name: "distinct", Txn: Anywhere, Read: ReadAll, API: false, Help: "lists a field's values", parsesLate: true,
	Fields: NewFields("distinctCommandRequest",
		Field{Name: "key", Type: Text, Required: true},
		Field{Name: "query", Type: Document.OrNull()},
		Field{Name: "hint", Type: Types{bad: badHint, of: DocOrStr.of}},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "querySettings", Type: Document, NotYet: true}),
}

func runDistinct(ctx context.Context, c *Call) error {
	if c.Args.late != nil {
		return c.Args.late
	}
	if err := c.Args.complete(); err != nil {
		return err
	}
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	f, err := c.compileQuery(c.Args.Doc("query"), c.Args.Value("hint"))
	if err != nil {
		return err
	}
	f.req.NS = ns
	values := valueSet{bytesMax: bsonx.DocBytesMax}
	key := c.Args.Str("key")
	err = c.Read(ctx, func(tx *docstore.Tx, _ *bool) error {
		if c.ReadConcern.Level == levelSnapshot && c.Txn == nil {
			defer c.Reply.Timestamp("atClusterTime", uint64(tx.KV.ReadTime()))
		}
		if f.req.Coll, err = tx.Cat.Lookup(ctx, ns); err != nil || f.req.Coll == nil {
			return err
		}
		return c.each(ctx, tx, f, func(doc bsonx.Doc) error { return values.addPath(doc, key) })
	})
	if err != nil {
		return err
	}
	c.Reply.OpenArray("values")
	for i, v := range values.list {
		c.Reply.Value(bsonx.Index(i), v)
	}
	c.Reply.Close()
	return nil
}

// valueSet is the distinct values, sorted; owned.
type valueSet struct {
	list     []bsonx.Value
	bytes    int
	bytesMax int
}

// addPath adds the values that a dotted path leads to, arrays opened on the way
// and at its end.
func (s *valueSet) addPath(doc bsonx.Doc, path string) error {
	head, rest, more := cutPath(path)
	v := bsonx.Get(doc, head)
	switch {
	case v.Type == bsonx.TypeMissing:
		return nil
	case !more && v.Type == bsonx.TypeArray:
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
			if err := s.add(it.Value()); err != nil {
				return err
			}
		}
		return nil
	case !more:
		return s.add(v)
	case v.Type == bsonx.TypeDocument:
		return s.addPath(bsonx.AsDoc(v), rest)
	case v.Type == bsonx.TypeArray:
		return s.addElements(bsonx.AsDoc(v), rest)
	}
	return nil
}

func (s *valueSet) addElements(arr bsonx.Doc, path string) error {
	head, _, _ := cutPath(path)
	if isIndex(head) {
		return s.addPath(arr, path)
	}
	for it := bsonx.Walk(arr); it.Next(); {
		if it.Value().Type != bsonx.TypeDocument {
			continue
		}
		if err := s.addPath(bsonx.AsDoc(it.Value()), path); err != nil {
			return err
		}
	}
	return nil
}

func (s *valueSet) add(v bsonx.Value) error {
	i, found := slices.BinarySearchFunc(s.list, v, bsonx.Compare)
	if found {
		return nil
	}
	if s.bytes += len(v.Data) + 8; s.bytes > s.bytesMax {
		return mongoerr.Newf(17217, "distinct too big, %dMB cap", s.bytesMax>>20)
	}
	s.list = slices.Insert(s.list, i, bsonx.Value{Type: v.Type, Data: slices.Clone(v.Data)})
	return nil
}
