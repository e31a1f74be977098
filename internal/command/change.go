package command

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
	"github.com/pandodb/pando/internal/session"
)

// eachStatement runs the statements of an update or delete command in order.
func (c *Call) eachStatement(ctx context.Context, n int, how retryAs, compile func(i int, stmt int32) (*change, error)) error {
	ids, err := c.stmtIDs(n)
	if err != nil {
		return err
	}
	ordered := c.Args.Bool("ordered", true)
	var reply writeReply
	for i := range n {
		o, err := c.statement(ctx, i, ids(i), how, compile)
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

// statement runs one of them; its own failure is in the outcome. What has run
// before is answered from its record, whatever it says now.
func (c *Call) statement(ctx context.Context, i int, stmt int32, how retryAs, compile func(int, int32) (*change, error)) (outcome, error) {
	if rec, ok, err := c.executed(stmt); ok || err != nil {
		return replayed(rec, how), err
	}
	if how == Deleting {
		c.D.metrics.remove.Add(1)
	} else {
		c.D.metrics.update.Add(1)
	}
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

// apply runs a statement: in the transaction, or in one of its own.
func (c *Call) apply(ctx context.Context, ch *change) (o outcome, err error) {
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
		if changed != nil && c.Gen.Retryable() && ch.stmt != unrecorded {
			if err := c.recordable(ch.ns); err != nil {
				return err
			}
			changed.Stmt = ch.stmt
			recs = []session.Record{*changed}
		}
		if err := c.failPrimaryWrite(recs); err != nil {
			return c.duringChange(ctx, ch, err)
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

// count notes what a statement did: in serverStatus as the original, whose updated
// documents are those that matched, and whose inserted ones are insert's.
func (c *Call) count(o outcome) {
	c.D.metrics.docsUpdated.Add(o.matched)
	c.D.metrics.docsDeleted.Add(o.removed)
	if o.upserted.Type != bsonx.TypeMissing {
		c.spent.Inserted++
	}
	c.spent.Modified += o.modified
	c.spent.Deleted += o.removed
}

// changing is a statement under way in a transaction, and what it changes.
type changing struct {
	*Call
	ch   *change
	tx   *docstore.Tx
	coll *catalog.Collection // nil: there is none, and so nothing to change.
}

func (c *Call) changing(ctx context.Context, tx *docstore.Tx, ch *change) (changing, error) {
	coll, err := c.writeTarget(ctx, tx, ch.ns)
	return changing{c, ch, tx, coll}, err
}

// applyOne changes the first document that matches, or upserts. The record says
// what a retry is to be told; nil if nothing was changed.
func (c *Call) applyOne(ctx context.Context, tx *docstore.Tx, ch *change, o *outcome) (*session.Record, error) {
	w, err := c.changing(ctx, tx, ch)
	if err != nil {
		return nil, err
	}
	doc, err := w.first(ctx)
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
		return &session.Record{Kind: session.Deleted}, w.remove(ctx, doc)
	}
	o.matched = 1
	next, err := w.rewrite(ctx, doc)
	if err != nil || next == nil {
		return nil, err
	}
	o.modified = 1
	return &session.Record{Kind: session.Updated}, nil
}

// first returns the first document that matches, owned; nil if there is none.
func (w *changing) first(ctx context.Context) (bsonx.Doc, error) {
	if w.coll == nil {
		return nil, w.checkHint(w.ch.hint)
	}
	op, err := w.matches(ctx)
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

// matches opens the operator over the documents that the statement is about.
func (w *changing) matches(ctx context.Context) (session.Source, error) {
	ch := w.ch
	req := plan.Request{NS: ch.ns, Coll: w.coll, Filter: ch.filter, Sort: ch.sort, SortSpec: ch.sortSpec, Hint: ch.hint, Eval: ch.vars.ctx}
	if ch.sort != nil && !ch.multi {
		req.Limit = 1
	}
	src, err := w.openFind(ctx, w.tx, req, ch.vars)
	if err != nil {
		return nil, err
	}
	return matched{src, w.Call, ch}, nil
}

// one changes a document that matches.
func (w *changing) one(ctx context.Context, doc bsonx.Doc, o *outcome) error {
	if w.ch.update == nil {
		o.removed++
		return w.remove(ctx, doc)
	}
	o.matched++
	next, err := w.rewrite(ctx, doc)
	if next != nil {
		o.modified++
	}
	return err
}

func (w *changing) remove(ctx context.Context, doc bsonx.Doc) error {
	err := w.tx.Claim(ctx, w.coll, bsonx.Get(doc, "_id"))
	if err == nil {
		err = w.fits(w.tx, w.tx.Delete(ctx, w.coll, doc))
	}
	return w.duringChange(ctx, w.ch, err)
}

// rewrite applies the update to a document, and stores and returns the result. It
// is nil if that changes nothing: a no-op claims nothing.
func (w *changing) rewrite(ctx context.Context, doc bsonx.Doc) (bsonx.Doc, error) {
	next, changed, err := w.ch.updated(doc)
	if err == nil && !changed {
		return nil, nil
	}
	if err == nil {
		err = w.tx.Claim(ctx, w.coll, bsonx.Get(doc, "_id"))
	}
	if err == nil {
		err = w.conform(w.coll, doc, next) // not before: of a document that is somebody else's there is nothing to tell.
	}
	if err == nil {
		err = w.fits(w.tx, w.tx.Update(ctx, w.coll, doc, next))
	}
	if err != nil {
		return nil, w.duringChange(ctx, w.ch, err)
	}
	return next, nil
}

// updated is what a document becomes.
func (ch *change) updated(doc bsonx.Doc) (next bsonx.Doc, changed bool, err error) {
	var pos query.MatchPos
	if ch.update.NeedsPosition() {
		if _, pos, err = ch.filter.MatchPosition(doc, ch.vars.ctx); err != nil {
			return nil, false, err
		}
	}
	ch.vars.ctx.Reset()
	return ch.update.Apply(doc, pos, ch.vars.ctx, make([]byte, 0, len(doc)+64))
}

// upsert inserts the document that the statement describes and returns its _id, owned.
func (c *Call) upsert(ctx context.Context, tx *docstore.Tx, ch *change) (bsonx.Value, error) {
	stored, err := ch.update.Insert(ch.filter, ch.vars.ctx, func() bsonx.Value {
		id := c.D.Env.ObjectID()
		return bsonx.Value{Type: bsonx.TypeObjectID, Data: id[:]}
	})
	if err == nil {
		// A replacement has its times by now; what operators write they mean.
		stored, err = c.storable(stored, false)
	}
	if err == nil {
		err = c.insertStorable(ctx, tx, ch.ns, stored)
	}
	if err != nil {
		return bsonx.Missing, c.duringChange(ctx, ch, err)
	}
	id := bsonx.Get(stored, "_id")
	return owned(id), nil
}
