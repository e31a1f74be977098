package command

import (
	"context"
	"strings"

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
		Field{Name: "explain", Type: Types{of: Boolean.of, bad: badExplain}},
		Field{Name: "hint", Type: Hint},
		Field{Name: "let", Type: Document},
		Field{Name: "allowDiskUse", Type: LooseBoolean, NoEffect: "stages stay in memory, and say so when they are too large"},
		Field{Name: "bypassDocumentValidation", Type: oneOf("bool", "int", "long", "decimal", "double"), NoEffect: "stages that write are refused"},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "exchange", Type: Document, NotYet: true},
		Field{Name: "runtimeConstants", Type: Document, NotYet: true},
		Field{Name: "fromRouter", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true},
		Field{Name: "fromMongos", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "isMapReduceCommand", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "needsMerge", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "querySettings", Type: Document, NotYet: true}),
}

func badPipeline(string, bsonx.Value) error {
	return mongoerr.New(mongoerr.TypeMismatch, "A pipeline must be an array of objects")
}

func badExplain(string, bsonx.Value) error {
	return mongoerr.New(mongoerr.TypeMismatch, "explain must be a boolean")
}

// refusedStage is 263 for a stage inside a transaction, in the words of the part
// of the original that finds it.
func refusedStage(stage string) error {
	format := "Operation not permitted in transaction :: caused by :: Aggregation stage %s cannot run within a multi-document transaction."
	switch stage {
	case "$out", "$merge":
		format = "%s cannot be used in a transaction"
	case "$listSessions": // the one collection for it is out of reach.
		return mongoerr.New(mongoerr.InvalidNamespace, "$listSessions may only be run against config.system.sessions")
	case "$unionWith", "$collStats", "$indexStats", "$listMqlEntities", "$listCatalog":
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
	stages   []bsonx.Doc
	pipeline *plan.Pipeline // of the stages.
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
		if c.WriteConcern.Given {
			return mongoerr.New(mongoerr.FailedToParse, "Aggregation explain does not support the'writeConcern' option")
		}
		a, err := c.compileAggregate(&c.Args)
		if err != nil {
			return err
		}
		return c.explainAggregate(ctx, a, explaining{command: c.Req.Body, verbosity: verbosityPlanner})
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
	return c.ReadKeeping(ctx, func(tx *docstore.Tx, keep *bool) error {
		src, err := c.openPipeline(ctx, tx, a)
		if err != nil {
			return err
		}
		cur := &session.Cursor{Namespace: a.cursorName(), Source: src}
		return c.answerFrom(ctx, tx, cur, firstBatch{docs: first}, keep)
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
		a.ns = catalog.Namespace{DB: strings.Clone(c.Gen.DB)}
	case !bsonx.IsNumber(c.Arg):
		return nil, checkCollection(c)
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
	if stage, found := plan.FindStage(stages, unstableStage); found && c.Gen.API.Strict {
		return nil, errUnstableStage(stage)
	}
	if stage, found := plan.FindStage(stages, plan.RefusedInTxn); found && c.InTxn() {
		return nil, refusedStage(stage)
	}
	stages, err := c.sourceStage(stages)
	if err != nil {
		return nil, err
	}
	if a.vars, err = c.variables(args.Doc("let")); err != nil {
		return nil, err
	}
	a.stages = stages
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

// checkAggregate asks for the cursor and for known stages.
func checkAggregate(c *Call) error {
	if c.Args.Doc("cursor") == nil && !c.Args.Bool("explain", false) {
		return mongoerr.New(mongoerr.FailedToParse, "The 'cursor' option is required, except for aggregate with the explain argument")
	}
	if c.Args.Has("needsMerge") && !c.Args.Has("fromRouter") {
		return mongoerr.New(mongoerr.FailedToParse, "Cannot specify 'needsMerge' without 'fromRouter'")
	}
	for it := bsonx.Walk(c.Args.Doc("pipeline")); it.Next(); {
		if it.Value().Type != bsonx.TypeDocument {
			return nil // told later, in other words.
		}
		name, _ := bsonx.First(bsonx.AsDoc(it.Value()))
		if bsonx.Len(bsonx.AsDoc(it.Value())) == 1 && !plan.IsStage(name) {
			return mongoerr.Newf(40324, "Unrecognized pipeline stage name: '%s'", name)
		}
	}
	return nil
}
