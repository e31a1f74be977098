package command

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
	"github.com/pandodb/pando/internal/session"
)

var updateStatement = NewFields("update.updates",
	Field{Name: "q", Type: Document, Required: true},
	Field{Name: "u", Type: Any, Required: true},
	Field{Name: "c", Type: Document},
	Field{Name: "multi", Type: Truthy},
	Field{Name: "upsert", Type: Truthy},
	Field{Name: "arrayFilters", Type: Array},
	Field{Name: "hint", Type: DocOrStr},
	Field{Name: "sort", Type: Document},
	Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
	Field{Name: "sampleId", Type: Any, NotYet: true},
	Field{Name: "allowShardKeyUpdatesWithoutFullShardKeyInQuery", Type: Any, NotYet: true},
	Field{Name: "upsertSupplied", Type: Boolean, NotYet: true, Unless: isFalse})

var update = Spec{
	Name: "update", Txn: Anywhere, Write: true, Writes: true, Retry: true, API: true,
	Help: "changes documents",
	Fields: NewFields("update",
		Field{Name: "updates", Type: Array, Required: true},
		Field{Name: "ordered", Type: Boolean},
		Field{Name: "let", Type: Document},
		Field{Name: "bypassDocumentValidation", Type: Truthy, NoEffect: "validators are refused at create"},
		Field{Name: "bypassEmptyTsReplacement", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "isTimeseriesNamespace", Type: Boolean, NotYet: true, Unless: isFalse},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true}),
}

// change is one update or delete statement, compiled.
type change struct {
	ns     catalog.Namespace
	filter *query.Filter
	update *query.Update // nil for a delete.
	multi  bool
	upsert bool
	hint   bsonx.Value
	sort   *query.Sort
	vars   *variables
	stmt   int32
}

func runUpdate(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	specs, err := c.Args.Docs("updates")
	if err != nil {
		return err
	}
	if err := batchSize(len(specs)); err != nil {
		return err
	}
	if err := c.writable(ns); err != nil {
		return err
	}
	args := make([]Args, len(specs))
	for i, s := range specs {
		if args[i], err = updateStatement.Decode(s); err != nil {
			return err
		}
		if u := args[i].Value("u"); u.Type != bsonx.TypeDocument && u.Type != bsonx.TypeArray {
			return mongoerr.New(mongoerr.FailedToParse, "Update argument must be either an object or an array")
		}
	}
	return c.eachStatement(ctx, len(specs), func(i int, stmt int32) (*change, error) {
		return c.compileUpdate(ns, &args[i], stmt)
	})
}

// eachStatement runs the statements of an update or delete command in order.
func (c *Call) eachStatement(ctx context.Context, n int, compile func(i int, stmt int32) (*change, error)) error {
	ids, err := c.stmtIDs(n)
	if err != nil {
		return err
	}
	ordered := c.Args.Bool("ordered", true)
	var reply writeReply
	for i := range n {
		o, err := c.statement(ctx, i, ids(i), compile)
		if err != nil {
			return err
		}
		reply.add(i, ids(i), o)
		if o.err != nil && (ordered || c.InTxn()) {
			break
		}
	}
	c.failed = len(reply.errors) > 0
	reply.appendTo(c)
	return nil
}

// statement runs one of them; its own failure is in the outcome.
func (c *Call) statement(ctx context.Context, i int, stmt int32, compile func(int, int32) (*change, error)) (outcome, error) {
	ch, err := compile(i, stmt)
	if err == nil && ch.multi && c.Gen.Retryable() {
		err = mongoerr.Newf(mongoerr.InvalidOptions, "Cannot use (or request) retryable writes with %s", multiName(ch))
	}
	var o outcome
	if err == nil {
		o, err = c.apply(ctx, ch)
	}
	if err == nil {
		return o, nil
	}
	e, ok := c.statementError(err)
	if !ok {
		return o, err
	}
	return outcome{err: e}, nil
}

func multiName(ch *change) string {
	if ch.update == nil {
		return "limit=0"
	}
	return "multi=true"
}

func (c *Call) compileUpdate(ns catalog.Namespace, a *Args, stmt int32) (*change, error) {
	c.D.metrics.update.Add(1)
	ch := &change{ns: ns, multi: a.Bool("multi", false), upsert: a.Bool("upsert", false), hint: a.Value("hint"), stmt: stmt}
	var constants bsonx.Doc
	if a.Has("c") {
		if a.Value("u").Type != bsonx.TypeArray {
			return nil, mongoerr.New(51198, "Constant values may only be specified for pipeline updates")
		}
		constants = a.Doc("c")
	}
	if s := a.Doc("sort"); s != nil {
		if ch.multi {
			return nil, mongoerr.New(mongoerr.FailedToParse, "Cannot specify sort with multi=true")
		}
		var err error
		if ch.sort, err = query.CompileSort(s); err != nil {
			return nil, err
		}
	}
	return ch, c.compileChange(ch, c.Args.Doc("let"), constants, a.Doc("q"), a.Value("u"), a.Doc("arrayFilters"))
}

// compileChange compiles a statement's filter and, if u is one, its update.
func (c *Call) compileChange(ch *change, let, constants, q bsonx.Doc, u bsonx.Value, arrayFilters bsonx.Doc) error {
	vars := let
	if constants != nil {
		b := bsonx.NewBuilder(nil)
		b.Fields(let)
		b.Fields(constants)
		vars = b.Doc()
	}
	var err error
	if ch.vars, err = c.variables(vars); err != nil {
		return err
	}
	sc := ch.vars.scope
	if ch.filter, err = query.CompileFilter(q, query.Options{Scope: sc}); err != nil {
		return err
	}
	if u.Type == bsonx.TypeMissing {
		return nil
	}
	filters, err := arrayFilterDocs(arrayFilters)
	if err != nil {
		return err
	}
	ch.update, err = query.CompileUpdate(u, query.UpdateOptions{Scope: sc, ArrayFilters: filters})
	if err == nil && ch.multi && ch.update.IsReplacement() {
		err = mongoerr.New(mongoerr.FailedToParse, "multi update is not supported for replacement-style update")
	}
	return err
}

func arrayFilterDocs(arr bsonx.Doc) (docs []bsonx.Doc, err error) {
	for it := bsonx.Walk(arr); it.Next(); {
		if it.Value().Type != bsonx.TypeDocument {
			return nil, mongoerr.Newf(mongoerr.TypeMismatch, "BSON field 'update.updates.arrayFilters.%s' is the wrong type '%s', expected type 'object'",
				it.Key(), bsonx.TypeName(it.Value().Type))
		}
		docs = append(docs, bsonx.AsDoc(it.Value()))
	}
	return docs, nil
}

// apply runs a statement: in the transaction, or in one of its own.
func (c *Call) apply(ctx context.Context, ch *change) (o outcome, err error) {
	if rec, ok := c.executed(ch.stmt); ok {
		how := Updating
		if ch.update == nil {
			how = Deleting
		}
		return replayed(rec, how), nil
	}
	if ch.multi && !c.InTxn() {
		return c.applyMany(ctx, ch)
	}
	var recs []session.Record
	err = c.Write(ctx, func(tx *docstore.Tx) error {
		o, recs = outcome{}, nil
		if ch.multi {
			return c.applyAll(ctx, tx, ch, &o)
		}
		changed, err := c.applyOne(ctx, tx, ch, &o)
		if err != nil {
			return err
		}
		if changed != nil && c.Gen.Retryable() && ch.stmt >= 0 {
			changed.Stmt = ch.stmt
			recs = []session.Record{*changed}
		}
		return c.stage(ctx, tx, recs)
	})
	if err != nil {
		return outcome{}, err
	}
	c.keep(recs)
	c.count(o)
	return o, nil
}

func (c *Call) count(o outcome) {
	c.D.metrics.docsUpdated.Add(o.modified)
	c.D.metrics.docsDeleted.Add(o.removed)
	if o.upserted.Type != bsonx.TypeMissing {
		c.D.metrics.docsInserted.Add(1)
	}
}

// applyOne changes the first document that matches, or upserts. The record says
// what a retry is to be told; nil if nothing was changed.
func (c *Call) applyOne(ctx context.Context, tx *docstore.Tx, ch *change, o *outcome) (*session.Record, error) {
	coll, err := target(ctx, tx, ch.ns)
	if err != nil {
		return nil, err
	}
	doc, err := c.firstMatch(ctx, tx, coll, ch)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		if !ch.upsert {
			return nil, nil
		}
		id, err := c.upsert(ctx, tx, ch)
		if err != nil {
			return nil, err
		}
		o.upserted = id
		return &session.Record{Kind: session.Inserted, Upserted: id}, nil
	}
	if ch.update == nil {
		o.removed = 1
		return &session.Record{Kind: session.Deleted}, c.remove(ctx, tx, coll, doc)
	}
	o.matched = 1
	changed, err := c.rewrite(ctx, tx, coll, ch, doc)
	if err != nil || !changed {
		return nil, err
	}
	o.modified = 1
	return &session.Record{Kind: session.Updated}, nil
}

// firstMatch returns the first document that matches, owned; nil if there is none.
func (c *Call) firstMatch(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection, ch *change) (bsonx.Doc, error) {
	if coll == nil {
		return nil, c.checkHint(ch.hint)
	}
	op, err := c.matches(ctx, tx, coll, ch, 1)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	doc, err := op.Next(ctx)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return slices.Clone(doc), err
}

// matches opens the operator over the documents that a statement is about.
func (c *Call) matches(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection, ch *change, limit int64) (session.Source, error) {
	return c.openFind(ctx, tx, plan.Request{NS: ch.ns, Coll: coll, Filter: ch.filter, Sort: ch.sort, Hint: ch.hint, Limit: limit, Eval: ch.vars.ctx}, ch.vars)
}

func (c *Call) remove(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection, doc bsonx.Doc) error {
	if err := tx.Claim(ctx, coll, bsonx.Get(doc, "_id")); err != nil {
		return err
	}
	return tx.Delete(ctx, coll, doc)
}

// rewrite applies the update to a document and stores the result, unless it
// changes nothing: a no-op claims nothing.
func (c *Call) rewrite(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection, ch *change, doc bsonx.Doc) (bool, error) {
	next, changed, err := c.updated(ch, doc)
	if err != nil || !changed {
		return false, err
	}
	if err := tx.Claim(ctx, coll, bsonx.Get(doc, "_id")); err != nil {
		return false, err
	}
	return true, tx.Update(ctx, coll, doc, next)
}

// updated is what a document becomes.
func (c *Call) updated(ch *change, doc bsonx.Doc) (bsonx.Doc, bool, error) {
	var pos query.MatchPos
	if ch.update.NeedsPosition() {
		var err error
		if _, pos, err = ch.filter.MatchPosition(doc, ch.vars.ctx); err != nil {
			return nil, false, err
		}
	}
	ch.vars.ctx.Reset()
	return ch.update.Apply(doc, pos, ch.vars.ctx, make([]byte, 0, len(doc)+64))
}

// upsert inserts the document that the statement describes and returns its _id, owned.
func (c *Call) upsert(ctx context.Context, tx *docstore.Tx, ch *change) (bsonx.Value, error) {
	doc, err := ch.update.Insert(ch.filter, ch.vars.ctx, func() bsonx.Value {
		id := c.D.Env.ObjectID()
		return bsonx.Value{Type: bsonx.TypeObjectID, Data: id[:]}
	})
	if err != nil {
		return bsonx.Missing, err
	}
	stored, err := c.insertOne(ctx, tx, ch.ns, doc)
	if err != nil {
		return bsonx.Missing, err
	}
	id := bsonx.Get(stored, "_id")
	return bsonx.Value{Type: id.Type, Data: slices.Clone(id.Data)}, nil
}

// applyAll changes every document that matches, inside one transaction. The
// scan does not see what it wrote.
func (c *Call) applyAll(ctx context.Context, tx *docstore.Tx, ch *change, o *outcome) error {
	coll, err := target(ctx, tx, ch.ns)
	if err != nil {
		return err
	}
	if coll != nil {
		op, err := c.matches(ctx, tx, coll, ch, 0)
		if err != nil {
			return err
		}
		defer op.Close()
		for {
			doc, err := op.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := c.changeMatched(ctx, tx, coll, ch, slices.Clone(doc), o); err != nil {
				return err
			}
		}
	}
	if ch.upsert && o.matched == 0 {
		o.upserted, err = c.upsert(ctx, tx, ch)
	}
	return err
}

func (c *Call) changeMatched(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection, ch *change, doc bsonx.Doc, o *outcome) error {
	if ch.update == nil {
		o.removed++
		return c.remove(ctx, tx, coll, doc)
	}
	o.matched++
	changed, err := c.rewrite(ctx, tx, coll, ch, doc)
	if changed {
		o.modified++
	}
	return err
}

// applyManyGroup is how many documents of a multi-document write outside a
// transaction are committed together while nobody else wants them.
const applyManyGroup = 128

// applyMany changes every document that matches on one snapshot, each as it is
// newest and only if it still matches (STORAGE section 3). It holds no document
// while it waits for another.
func (c *Call) applyMany(ctx context.Context, ch *change) (o outcome, err error) {
	found := false
	err = c.Read(ctx, func(tx *docstore.Tx, _ *bool) error {
		coll, err := target(ctx, tx, ch.ns)
		if err != nil || coll == nil {
			return err
		}
		op, err := c.matches(ctx, tx, coll, ch, 0)
		if err != nil {
			return err
		}
		defer op.Close()
		for {
			ids, err := nextIDs(ctx, op)
			if len(ids) == 0 || err != nil {
				return err
			}
			found = true
			if err := c.applyGroup(ctx, ch, ids, &o); err != nil {
				return err
			}
		}
	})
	if err == nil && !found && ch.upsert {
		err = c.Write(ctx, func(tx *docstore.Tx) error {
			o.upserted, err = c.upsert(ctx, tx, ch)
			return err
		})
	}
	c.count(o)
	return o, err
}

// nextIDs reads the next documents' ids, owned.
func nextIDs(ctx context.Context, op session.Source) (ids []bsonx.Value, err error) {
	for len(ids) < applyManyGroup {
		doc, err := op.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		id := bsonx.Get(doc, "_id")
		ids = append(ids, bsonx.Value{Type: id.Type, Data: slices.Clone(id.Data)})
	}
	return ids, nil
}

// applyGroup changes the documents of ids in one commit or, if somebody is in the
// way, each in its own.
func (c *Call) applyGroup(ctx context.Context, ch *change, ids []bsonx.Value, o *outcome) error {
	group := outcome{}
	err := c.once(ctx, func(tx *docstore.Tx) error {
		group = outcome{}
		return c.applyIDs(ctx, tx, ch, ids, &group)
	})
	if err == nil {
		o.merge(group)
		return nil
	}
	if _, ok := errors.AsType[*kv.Conflict](err); !ok && len(ids) == 1 {
		return err
	}
	for i := range ids {
		var one outcome
		err := c.Write(ctx, func(tx *docstore.Tx) error {
			one = outcome{}
			return c.applyIDs(ctx, tx, ch, ids[i:i+1], &one)
		})
		if err != nil {
			return err
		}
		o.merge(one)
	}
	return nil
}

func (o *outcome) merge(p outcome) {
	o.matched += p.matched
	o.modified += p.modified
	o.removed += p.removed
}

// applyIDs changes those documents of ids that are still there and still match.
func (c *Call) applyIDs(ctx context.Context, tx *docstore.Tx, ch *change, ids []bsonx.Value, o *outcome) error {
	coll, err := target(ctx, tx, ch.ns)
	if err != nil || coll == nil {
		return err
	}
	for _, id := range ids {
		doc, err := tx.Get(ctx, coll, id, nil)
		if errors.Is(err, kv.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		ch.vars.ctx.Reset()
		if ok, err := ch.filter.Matches(doc, ch.vars.ctx); !ok {
			if err != nil {
				return err
			}
			continue
		}
		if err := c.changeMatched(ctx, tx, coll, ch, doc, o); err != nil {
			return err
		}
	}
	return nil
}
