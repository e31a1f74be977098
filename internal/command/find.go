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
	"github.com/pandodb/pando/internal/query"
	"github.com/pandodb/pando/internal/session"
)

var find = Spec{
	Name: "find", Txn: Anywhere, Read: ReadAll, API: true, Help: "reads documents",
	Fields: NewFields("FindCommandRequest",
		Field{Name: "filter", Type: LooseDocument},
		Field{Name: "sort", Type: LooseDocument},
		Field{Name: "projection", Type: LooseDocument},
		Field{Name: "hint", Type: Hint},
		Field{Name: "skip", Type: Integer, Bounded: true},
		Field{Name: "limit", Type: Integer, Bounded: true},
		Field{Name: "batchSize", Type: Integer, Bounded: true},
		Field{Name: "singleBatch", Type: LooseBoolean},
		Field{Name: "let", Type: Document},
		Field{Name: "noCursorTimeout", Type: LooseBoolean},
		Field{Name: "allowDiskUse", Type: LooseBoolean, NoEffect: "sorts stay in memory, and say so when they are too large"},
		Field{Name: "allowPartialResults", Type: LooseBoolean, NoEffect: "for sharded clusters"},
		Field{Name: "oplogReplay", Type: Types{of: Boolean.of, bad: LooseDocument.bad}, NoEffect: "the original ignores it too"},
		Field{Name: "tailable", Type: LooseBoolean},
		Field{Name: "awaitData", Type: LooseBoolean},
		Field{Name: "readOnce", Type: LooseBoolean, NoEffect: "a hint to a cache; refused in transactions, as there"},
		Field{Name: "max", Type: LooseDocument, NotYet: true},
		Field{Name: "min", Type: LooseDocument, NotYet: true},
		Field{Name: "returnKey", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "showRecordId", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "collation", Type: LooseDocument, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "includeQueryStatsMetrics", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "rawData", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "mirrored", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true},
		Field{Name: "runtimeConstants", Type: Document, NotYet: true},
		Field{Name: "querySettings", Type: Document, NotYet: true}),
}

// finding is a find command, compiled.
type finding struct {
	req  plan.Request
	vars *variables
	text Args // as it was given.
}

func runFind(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if err := readable(ns); err != nil {
		return err
	}
	if err := c.checkFindInTxn(); err != nil {
		return err
	}
	f, err := c.compileFind(&c.Args)
	if err != nil {
		return err
	}
	first := c.Args.Int("batchSize", firstBatchDocs)
	f.req.Tailable = c.Args.Bool("tailable", false)
	f.req.NS, f.req.BatchSize = ns, c.Args.Int("batchSize", 0)
	return c.ReadKeeping(ctx, func(tx *docstore.Tx, keep *bool) error {
		if f.req.Coll, err = tx.Cat.Lookup(ctx, ns); err != nil {
			return err
		}
		if f.req.Coll == nil {
			first = firstBatchDocs // a first batch of 0 leaves no cursor open on what is not there.
		}
		src, err := c.openFinding(ctx, tx, f)
		if err != nil {
			return err
		}
		cur := &session.Cursor{
			Namespace: ns.String(), Source: src, Limit: f.req.Limit,
			NoTimeout: c.Args.Bool("noCursorTimeout", false),
		}
		want := firstBatch{docs: first, single: c.Args.Bool("singleBatch", false), timeless: f.req.Coll == nil}
		return c.answerFrom(ctx, tx, cur, want, keep)
	})
}

// readable tells what find and distinct, other than count and aggregate, refuse
// as the name of a collection.
func readable(ns catalog.Namespace) error {
	if strings.Contains(ns.Coll, "$") {
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid collection name specified '%s'", ns)
	}
	return nil
}

// firstBatch is how a new cursor is answered.
type firstBatch struct {
	docs     int64
	single   bool // the cursor is closed all the same.
	timeless bool // it tells no time, being of a collection that is not there.
}

// answerFrom answers with a cursor that reads from tx, which it takes over if it
// stays open and tx is no transaction's of the client.
func (c *Call) answerFrom(ctx context.Context, tx *docstore.Tx, cur *session.Cursor, want firstBatch, keep *bool) error {
	if c.Txn == nil {
		*keep = true
		cur.Reads, cur.Majority = tx, c.ReadConcern.Durable()
		if c.ReadConcern.Level == levelSnapshot && !want.timeless {
			cur.AtTime = uint64(tx.KV.ReadTime())
		}
	}
	return c.answer(ctx, cur, batch{field: "firstBatch", docs: want.docs, left: cur.Left()}, want.single)
}

// checkFind is find's Check: the options that contradict each other.
func checkFind(c *Call) error {
	if err := checkCollection(c); err != nil {
		return err
	}
	tailable, await := c.Args.Bool("tailable", false), c.Args.Bool("awaitData", false)
	switch {
	case await && !tailable:
		return mongoerr.New(mongoerr.FailedToParse, "Cannot set 'awaitData' without also setting 'tailable'")
	case tailable && c.Args.Bool("singleBatch", false):
		return mongoerr.New(mongoerr.BadValue, "cannot use tailable option with the 'singleBatch' option")
	case tailable && !naturalOrder(c.Args.Doc("sort")):
		return mongoerr.New(mongoerr.BadValue, "cannot use tailable option with a sort other than {$natural: 1}")
	}
	return nil
}

// checkFindInTxn refuses the options that a transaction cannot hold.
func (c *Call) checkFindInTxn() error {
	switch {
	case !c.InTxn():
		return nil
	case c.Args.Bool("readOnce", false):
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "The 'readOnce' option is not supported within a transaction.")
	case c.Args.Bool("tailable", false):
		return mongoerr.New(mongoerr.InvalidOptions, "It is illegal to open a tailable cursor in a transaction")
	}
	return nil
}

// naturalOrder tells whether a sort is none, or that of a forward scan.
func naturalOrder(sort bsonx.Doc) bool {
	if bsonx.Len(sort) == 0 {
		return true
	}
	n, exact := integer(bsonx.Get(sort, "$natural"))
	return bsonx.Len(sort) == 1 && exact && n == 1
}

// compileFind compiles the fields that find shares with its explanation.
func (c *Call) compileFind(a *Args) (f finding, err error) {
	f.text = *a
	if f.vars, err = c.variables(a.Doc("let")); err != nil {
		return f, err
	}
	err = f.vars.scope.FoldsLast(func() error { return f.compile(a) })
	return f, err
}

func (f *finding) compile(a *Args) (err error) {
	o := query.Options{Scope: f.vars.scope, NoExpr: query.Positional(a.Doc("projection"))}
	f.req = plan.Request{Skip: a.Int("skip", 0), Limit: a.Int("limit", 0), Hint: hintOf(a.Value("hint")), Eval: f.vars.ctx}
	if f.req.Filter, err = query.CompileFilter(orEmpty(a.Doc("filter")), o); err != nil {
		return err
	}
	if s := a.Doc("sort"); bsonx.Len(s) > 0 {
		if f.req.Sort, f.req.Hint, err = compileSort(s, f.req.Hint); err != nil {
			return err
		}
		if f.req.Sort != nil {
			f.req.SortSpec = s
		}
	}
	if p := a.Doc("projection"); bsonx.Len(p) > 0 {
		f.req.ProjSpec = p
		f.req.Projection, err = query.CompileProjection(p, o)
	}
	return err
}

func orEmpty(d bsonx.Doc) bsonx.Doc {
	if d == nil {
		return bsonx.Empty
	}
	return d
}

// hintOf is a hint, or none: an empty document hints at nothing.
func hintOf(v bsonx.Value) bsonx.Value {
	if v.Type == bsonx.TypeDocument && bsonx.Len(bsonx.AsDoc(v)) == 0 {
		return bsonx.Missing
	}
	return v
}

// compileSort compiles a sort, which may say the same as a hint: {$natural: 1} is
// the order of a scan. It returns the hint that then holds.
func compileSort(spec bsonx.Doc, hint bsonx.Value) (*query.Sort, bsonx.Value, error) {
	natural := bsonx.Get(spec, "$natural")
	if bsonx.IsMissing(natural) {
		s, err := query.CompileSort(spec)
		return s, hint, err
	}
	fail := func(msg string) (*query.Sort, bsonx.Value, error) {
		return nil, hint, mongoerr.New(mongoerr.BadValue, msg)
	}
	n, exact := integer(natural)
	if bsonx.Len(spec) != 1 || !exact || n != 1 && n != -1 {
		return fail("$natural sort cannot be set to a value other than -1 or 1.")
	}
	if hint.Type == bsonx.TypeMissing {
		return nil, bsonx.DocValue(spec), nil
	}
	if hint.Type != bsonx.TypeDocument || bsonx.IsMissing(bsonx.Get(bsonx.AsDoc(hint), "$natural")) {
		return fail("index hint not allowed with $natural sort order")
	}
	if m, _ := integer(bsonx.Get(bsonx.AsDoc(hint), "$natural")); m != n {
		return fail("$natural hint must be in the same direction as $natural sort order")
	}
	return nil, hint, nil
}

// checkHint judges a hint on a collection that does not exist: any will do.
func (c *Call) checkHint(bsonx.Value) error { return nil }

// openFind plans and opens a query. The operators outlive the request if a cursor
// does, so nothing in them may end with its context: Next minds the one it is given.
func (c *Call) openFind(ctx context.Context, tx *docstore.Tx, req plan.Request, vars *variables) (session.Source, error) {
	node, err := plan.Find(ctx, tx, req)
	if err != nil {
		return nil, err
	}
	return exec.Open(context.WithoutCancel(ctx), tx, node, c.running(vars))
}
