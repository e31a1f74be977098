package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

var updateStatement = NewFields("update.updates",
	Field{Name: "q", Type: Document, Required: true},
	Field{Name: "u", Type: Any, Required: true},
	Field{Name: "c", Type: Document},
	Field{Name: "multi", Type: Boolean},
	Field{Name: "upsert", Type: Boolean},
	Field{Name: "arrayFilters", Type: Array},
	Field{Name: "hint", Type: Hint},
	Field{Name: "sort", Type: Document},
	Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
	Field{Name: "sampleId", Type: Any, NotYet: true},
	Field{Name: "allowShardKeyUpdatesWithoutFullShardKeyInQuery", Type: Any, NotYet: true},
	Field{Name: "upsertSupplied", Type: LooseBoolean, NotYet: true, Unless: isFalse})

var update = Spec{
	Name: "update", Txn: Anywhere, Write: true, Writes: true, Retry: true, API: true,
	Help: "changes documents",
	Fields: NewFields("update",
		Field{Name: "stmtIds", Type: Array},
		Field{Name: "updates", Type: Array, Required: true},
		Field{Name: "ordered", Type: Boolean},
		Field{Name: "let", Type: Document},
		bypassField,
		Field{Name: "bypassEmptyTsReplacement", Type: LooseBoolean},
		Field{Name: "isTimeseriesNamespace", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true}),
}

func runUpdate(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if err := c.writable(ns); err != nil {
		return err
	}
	return c.eachStatement(ctx, c.statements.n, Updating, func(i int, stmt int32) (*change, error) {
		return c.compileUpdate(ns, &c.statements.args[i], stmt)
	})
}

// checkUpdate decodes the statements.
func checkUpdate(c *Call) error {
	return c.decodeStatements("updates", updateStatement, func(a *Args) error {
		if u := a.Value("u"); u.Type != bsonx.TypeDocument && u.Type != bsonx.TypeArray {
			return mongoerr.New(mongoerr.FailedToParse, "Update argument must be either an object or an array")
		}
		if a.Bool("multi", false) && a.Has("sort") {
			return errSortMulti
		}
		if _, err := a.Docs("arrayFilters"); err != nil {
			return err
		}
		return checkStages(a.Value("u"))
	})
}

// checkStages asks for stages in an update that is a pipeline. The original tells
// the same of the whole command, but only after the other statements have run.
func checkStages(u bsonx.Value) error {
	if u.Type != bsonx.TypeArray {
		return nil
	}
	stages, err := plan.Stages(u)
	if err != nil {
		return err
	}
	for _, s := range stages {
		name, _ := bsonx.First(s)
		if bsonx.Len(s) != 1 {
			return mongoerr.New(40323, "A pipeline stage specification object must contain exactly one field.")
		}
		if !plan.IsStage(name) {
			return mongoerr.Newf(40324, "Unrecognized pipeline stage name: '%s'", name)
		}
	}
	return nil
}

func (c *Call) compileUpdate(ns catalog.Namespace, a *Args, stmt int32) (*change, error) {
	ch := &change{ns: ns, multi: a.Bool("multi", false), upsert: a.Bool("upsert", false), hint: a.Value("hint"), stmt: stmt}
	filters, err := a.Docs("arrayFilters")
	if err != nil {
		return nil, err
	}
	return ch, c.compile(ch, changeText{
		let: c.Args.Doc("let"), constants: a.Doc("c"), filter: a.Doc("q"), update: a.Value("u"),
		arrayFilters: filters, sort: a.Doc("sort"),
	})
}
