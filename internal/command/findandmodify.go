package command

import (
	"context"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
	"github.com/pandodb/pando/internal/session"
)

var findAndModify = Spec{
	Name: "findAndModify", Aliases: []string{"findandmodify"}, Txn: Anywhere, Write: true, Writes: true, Retry: true, API: true,
	Help: "changes one document and returns it",
	Fields: NewFields("findAndModify",
		Field{Name: "query", Type: Document},
		Field{Name: "sort", Type: Document},
		Field{Name: "remove", Type: Truthy},
		Field{Name: "update", Type: Any},
		Field{Name: "new", Type: Truthy},
		Field{Name: "fields", Type: Document},
		Field{Name: "upsert", Type: Truthy},
		Field{Name: "arrayFilters", Type: Array},
		Field{Name: "hint", Type: Hint},
		Field{Name: "let", Type: Document},
		bypassField,
		Field{Name: "bypassEmptyTsReplacement", Type: LooseBoolean},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "runtimeConstants", Type: Document, NotYet: true},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true}),
}

// modification is a findAndModify command, compiled.
type modification struct {
	change
	removing bool
	post     bool // the answer is the document after.
	fields   *query.Projection
}

func runFindAndModify(ctx context.Context, c *Call) error {
	m, err := c.decodeModification()
	if err != nil {
		return err
	}
	switch rec, ok, err := c.executed(m.stmt); {
	case err != nil:
		return err
	case ok:
		return c.replayModification(m, rec)
	}
	if err := c.compileModification(m); err != nil {
		return err
	}
	var o outcome
	var value bsonx.Doc
	var recs []session.Record
	err = c.Write(ctx, func(tx *docstore.Tx) error {
		o, value, recs = outcome{}, nil, nil
		rec, v, err := c.modify(ctx, tx, m, &o)
		if err != nil {
			return err
		}
		if value, err = m.project(v); err != nil {
			return c.duringChange(ctx, &m.change, err)
		}
		if rec != nil && c.Gen.Retryable() && m.stmt != unrecorded {
			if err := c.recordable(m.ns); err != nil {
				return err
			}
			if rec.Image == nil {
				rec.Image = v
			}
			rec.Stmt, rec.FindAndModify, rec.Post = m.stmt, true, m.post
			recs = []session.Record{*rec}
		}
		if err := c.failPrimaryWrite(recs); err != nil {
			return c.duringChange(ctx, &m.change, err)
		}
		return c.stage(ctx, tx, recs)
	})
	if err != nil {
		return err
	}
	c.keep(recs)
	c.count(o)
	c.appendModified(m, o, value)
	return nil
}

// decodeModification reads what a retry is answered by, too.
func (c *Call) decodeModification() (*modification, error) {
	ns, err := c.Namespace()
	if err != nil {
		return nil, err
	}
	a := &c.Args
	m := &modification{removing: a.Bool("remove", false), post: a.Bool("new", false)}
	m.change = change{ns: ns, upsert: a.Bool("upsert", false), hint: a.Value("hint")}
	if err := m.check(a); err != nil {
		return nil, err
	}
	if err := c.writable(ns); err != nil {
		return nil, err
	}
	ids, err := c.stmtIDs(1)
	if err != nil {
		return nil, err
	}
	m.stmt = ids(0)
	return m, nil
}

// compileModification readies what the command says; a retry of what has run needs
// none of it, and may say anything.
func (c *Call) compileModification(m *modification) (err error) {
	a := &c.Args
	t := changeText{let: a.Doc("let"), filter: orEmpty(a.Doc("query")), update: a.Value("update"), sort: a.Doc("sort")}
	if t.arrayFilters, err = a.Docs("arrayFilters"); err != nil {
		return err
	}
	if err := c.compile(&m.change, t); err != nil {
		return err
	}
	if f := a.Doc("fields"); bsonx.Len(f) > 0 {
		if m.fields, err = query.CompileProjection(f, query.Options{Scope: m.vars.scope}); err != nil {
			return err
		}
		if m.post && m.fields.NeedsPosition() {
			return mongoerr.New(mongoerr.BadValue, "cannot use a positional projection and return the new document")
		}
	}
	return nil
}

// check tells what in the command does not go together.
func (m *modification) check(a *Args) error {
	removing, filters, u := m.removing, a.Has("arrayFilters"), a.Value("update")
	fail := func(msg string) error { return mongoerr.New(mongoerr.FailedToParse, msg) }
	has := u.Type != bsonx.TypeMissing
	switch {
	case removing && has:
		return fail("Cannot specify both an update and remove=true")
	case removing && m.upsert:
		return fail("Cannot specify both upsert=true and remove=true ")
	case removing && m.post:
		return fail("Cannot specify both new=true and remove=true; 'remove' always returns the deleted document")
	case removing && filters:
		return fail("Cannot specify arrayFilters and remove=true")
	case !removing && !has:
		return fail("Either an update or remove=true must be specified")
	case has && u.Type != bsonx.TypeDocument && u.Type != bsonx.TypeArray:
		return fail("Update argument must be either an object or an array")
	case u.Type == bsonx.TypeArray && filters:
		return fail("Cannot specify arrayFilters and a pipeline update")
	}
	return nil
}

// modify changes the first match and returns the answer before its projection,
// owned: nil for none.
func (c *Call) modify(ctx context.Context, tx *docstore.Tx, m *modification, o *outcome) (*session.Record, bsonx.Doc, error) {
	w, err := c.changing(ctx, tx, &m.change)
	if err != nil {
		return nil, nil, err
	}
	before, err := w.first(ctx)
	if err != nil {
		return nil, nil, err
	}
	if before == nil {
		if !m.upsert {
			return nil, nil, nil
		}
		id, err := c.upsert(ctx, tx, &m.change)
		if err != nil {
			return nil, nil, err
		}
		o.upserted = id
		rec := &session.Record{Kind: session.Inserted, Upserted: id}
		if !m.post && !c.Gen.Retryable() {
			return rec, nil, nil
		}
		coll, err := c.writeTarget(ctx, tx, m.ns) // which may be as new as the document.
		if err != nil {
			return nil, nil, err
		}
		after, err := tx.Get(ctx, coll, id, nil)
		if err != nil {
			return nil, nil, err
		}
		if !m.post {
			rec.Image, after = after, nil // a retry may ask for it.
		}
		return rec, after, nil
	}
	if m.removing {
		o.removed = 1
		return &session.Record{Kind: session.Deleted}, before, w.remove(ctx, before)
	}
	o.matched = 1
	after, err := w.rewrite(ctx, before)
	if err != nil || after == nil {
		return nil, before, err
	}
	o.modified = 1
	if m.post {
		before = after
	}
	return &session.Record{Kind: session.Updated}, before, nil
}

func (m *modification) project(doc bsonx.Doc) (bsonx.Doc, error) {
	if m.fields == nil || doc == nil {
		return doc, nil
	}
	var pos query.MatchPos
	if m.fields.NeedsPosition() {
		var err error
		if _, pos, err = m.filter.MatchPosition(doc, m.vars.ctx); err != nil {
			return nil, err
		}
	}
	v, err := m.fields.ApplyAt(doc, pos, m.vars.ctx, nil)
	if err == nil {
		err = query.CheckComputed(v)
	}
	return slices.Clone(v), err
}

func (c *Call) appendModified(m *modification, o outcome, value bsonx.Doc) {
	b := c.Reply
	b.OpenDoc("lastErrorObject")
	n := o.matched + o.removed
	if o.upserted.Type != bsonx.TypeMissing {
		n++
	}
	b.Int32("n", int32(n))
	if o.removed == 0 && !m.removing || o.matched > 0 { // a retry goes by its record.
		b.Bool("updatedExisting", o.matched > 0)
		b.Value("upserted", o.upserted)
	}
	b.Close()
	if value == nil {
		b.Null("value")
		return
	}
	b.EmbedDoc("value", value)
	c.D.metrics.docsReturned.Add(1)
}

// replayModification answers a retry from its record (7.1), with the whole
// document that was kept, as the original does.
func (c *Call) replayModification(m *modification, rec session.Record) error {
	if code, why := m.unlike(rec); code != 0 {
		return mongoerr.Newf(code, why, shownRequest(c.Req.Body))
	}
	o, value := outcome{}, rec.Image
	switch rec.Kind {
	case session.Inserted:
		o.upserted = rec.Upserted
		if !m.post {
			value = nil
		}
	case session.Deleted:
		o.removed = 1
	default:
		o.matched = 1
	}
	c.appendModified(m, o, value)
	c.Reply.Int32("retriedStmtId", rec.Stmt)
	c.D.Sessions.Retried(1)
	return nil
}

// shownRequest is a command as messages show it.
func shownRequest(body bsonx.Doc) string {
	b := bsonx.NewBuilder(nil)
	for it := bsonx.Walk(body); it.Next(); {
		if it.Key() != "$db" {
			b.Value(it.Key(), it.Value())
		}
	}
	return bsonx.ShellString(bsonx.DocValue(b.Doc()))
}

// unlike tells why a findAndModify cannot be answered from a record; the text has
// a place for the request.
func (m *modification) unlike(rec session.Record) (mongoerr.Code, string) {
	other := "findAndModify retry request: %s is not compatible with previous write in the transaction of type: " + string(rune(rec.Kind))
	switch {
	case rec.Kind == session.Deleted && !m.removing:
		return 40606, other
	case rec.Kind == session.Inserted && !m.upsert:
		return 40608, other
	case rec.FindAndModify || rec.Kind == session.Inserted:
		return 0, ""
	case rec.Kind == session.Deleted:
		return 40607, "No pre-image available for findAndModify retry request:%s"
	case m.post:
		return 40611, "findAndModify retry request: %s wants the document after update returned, but only before update document is stored"
	}
	return 40612, "findAndModify retry request: %s wants the document before update returned, but only after update document is stored"
}
