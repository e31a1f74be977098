package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// Outside a transaction an insert's documents are committed in groups of at most
// so much: a group is atomic by accident, and its records are one entry.
const (
	insertGroupDocs  = 512
	insertGroupBytes = 1 << 20
)

var insert = Spec{
	Name: "insert", Txn: Anywhere, Write: true, Writes: true, Retry: true, API: true,
	Help: "adds documents to a collection",
	Fields: NewFields("insert",
		Field{Name: "stmtIds", Type: Array},
		Field{Name: "documents", Type: Array, Required: true},
		Field{Name: "ordered", Type: Boolean},
		bypassField,
		Field{Name: "bypassEmptyTsReplacement", Type: LooseBoolean},
		Field{Name: "isTimeseriesNamespace", Type: LooseBoolean, NotYet: true, Unless: isFalse},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true}),
}

func runInsert(ctx context.Context, c *Call) error {
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	docs := c.statements.docs
	if err := c.writable(ns); err != nil {
		return err
	}
	ids, err := c.stmtIDs(len(docs))
	if err != nil {
		return err
	}
	w := &inserter{c: c, ns: ns, docs: docs, stmt: ids, ordered: c.Args.Bool("ordered", true)}
	if err := w.run(ctx); err != nil {
		return err
	}
	w.reply.appendTo(c)
	return nil
}

// inserter is one insert command under way.
type inserter struct {
	c       *Call
	ns      catalog.Namespace
	docs    []bsonx.Doc
	stmt    func(int) int32
	ordered bool
	reply   writeReply

	single bool // groups of one, since a larger one has failed as a whole.

	// The group under way; reset whenever its transaction runs again.
	next    int
	results []outcome
	recs    []session.Record
}

func (w *inserter) run(ctx context.Context) error {
	for at := 0; at < len(w.docs); at = w.next {
		if err := w.c.Write(ctx, func(tx *docstore.Tx) error { return w.group(ctx, tx, at) }); err != nil {
			return err
		}
		w.c.keep(w.recs)
		for i, o := range w.results {
			w.reply.add(at+i, w.stmt(at+i), o)
			if o.retried {
				continue
			}
			w.c.D.metrics.insert.Add(1)
			w.c.D.metrics.docsInserted.Add(o.inserted)
			w.c.spent.Inserted += o.inserted
		}
		if len(w.reply.errors) > 0 && (w.ordered || w.c.InTxn()) {
			break
		}
	}
	w.c.failed = w.c.failed || len(w.reply.errors) > 0
	return nil
}

// group inserts documents from the at-th on, with their records. If they fail
// together, they are tried one by one.
func (w *inserter) group(ctx context.Context, tx *docstore.Tx, at int) error {
	start := tx.Savepoint()
	if err := w.fill(ctx, tx, at); err != nil {
		return err
	}
	err := w.c.failPrimaryWrite(w.recs)
	if err == nil {
		return w.c.stage(ctx, tx, w.recs)
	}
	e, ok := w.c.statementError(err)
	if !ok {
		return err
	}
	tx.RollbackTo(start)
	if w.next-at > 1 {
		w.single = true
		return w.group(ctx, tx, at)
	}
	w.results, w.recs = append(w.results[:0], outcome{err: e}), nil
	return nil
}

// fill inserts documents from the at-th on until the group is full or one fails.
func (w *inserter) fill(ctx context.Context, tx *docstore.Tx, at int) error {
	w.next, w.results, w.recs = at, w.results[:0], nil
	bytes, most := 0, insertGroupDocs
	if w.single {
		most = 1
	}
	for w.next < len(w.docs) && w.next-at < most && bytes < insertGroupBytes {
		i := w.next
		rec, ok, err := w.c.executed(w.stmt(i))
		if err != nil {
			return err
		}
		if ok {
			w.next++
			w.results = append(w.results, replayed(rec, Inserting))
			continue
		}
		mark := tx.Savepoint()
		doc, err := w.c.insertOne(ctx, tx, w.ns, w.docs[i])
		bytes += len(doc)
		if err == nil {
			err = w.c.recordable(w.ns)
		}
		if err != nil {
			e, ok := w.c.statementError(err)
			if !ok {
				return err
			}
			tx.RollbackTo(mark)
			w.next++
			w.results = append(w.results, outcome{err: e})
			break
		}
		w.next++
		w.results = append(w.results, outcome{inserted: 1})
		if w.c.Gen.Retryable() && w.stmt(i) != unrecorded {
			w.recs = append(w.recs, session.Record{Stmt: w.stmt(i), Kind: session.Inserted, Upserted: owned(bsonx.Get(doc, "_id"))})
		}
	}
	return nil
}

// insertOne stores one document of a client and returns it as it was stored.
func (c *Call) insertOne(ctx context.Context, tx *docstore.Tx, ns catalog.Namespace, doc bsonx.Doc) (bsonx.Doc, error) {
	stored, err := c.storable(doc, !c.keepsEmptyTimes())
	if err != nil {
		return nil, err
	}
	return stored, c.insertStorable(ctx, tx, ns, stored)
}

// insertStorable stores a document that storable has returned.
func (c *Call) insertStorable(ctx context.Context, tx *docstore.Tx, ns catalog.Namespace, doc bsonx.Doc) error {
	coll, err := c.targetOrNew(ctx, tx, ns)
	if err != nil {
		return err
	}
	if err := c.conform(coll, nil, doc); err != nil {
		return err
	}
	return c.fits(tx, tx.Insert(ctx, coll, doc))
}

// keepsEmptyTimes tells whether the client wants empty timestamps stored as they are.
func (c *Call) keepsEmptyTimes() bool { return c.Args.Bool("bypassEmptyTsReplacement", false) }

// storable returns doc with an _id as its first field and, if stamp is set, with the
// present in its empty timestamps, or why it cannot be stored. The result may be doc itself.
func (c *Call) storable(doc bsonx.Doc, stamp bool) (bsonx.Doc, error) {
	if len(doc) > bsonx.DocBytesMax {
		return nil, mongoerr.Newf(mongoerr.BadValue, "object to insert too large. size in bytes: %d, max size: %d", len(doc), bsonx.DocBytesMax)
	}
	if bsonx.Deeper(doc, bsonx.LevelsStoredMax) {
		return nil, mongoerr.Newf(mongoerr.Overflow, "cannot insert document because it exceeds %d levels of nesting", bsonx.LevelsStoredMax)
	}
	id, place, stamps := bsonx.Missing, 0, false
	for it, i := bsonx.Walk(doc), 0; it.Next(); i++ {
		switch v := it.Value(); {
		case it.Key() != "_id":
			stamps = stamps || stamp && isEmptyTime(v)
		case !bsonx.IsMissing(id):
			return nil, mongoerr.New(mongoerr.BadValue, "can't have multiple _id fields in one document")
		default:
			id, place = v, i
		}
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	if !bsonx.IsMissing(id) && place == 0 && !stamps {
		return doc, nil
	}
	return c.rebuilt(doc, id, stamp), nil
}

// rebuilt is doc with its _id first, or a new one if it is missing, and with the
// present in its empty timestamps if stamp is set.
func (c *Call) rebuilt(doc bsonx.Doc, id bsonx.Value, stamp bool) bsonx.Doc {
	const newID = 24 // bytes, and some more.
	b := bsonx.NewBuilder(make([]byte, 0, len(doc)+newID))
	if bsonx.IsMissing(id) {
		b.ObjectID("_id", c.D.Env.ObjectID())
	} else {
		b.Value("_id", id)
	}
	for it := bsonx.Walk(doc); it.Next(); {
		v := it.Value()
		switch {
		case it.Key() == "_id":
		case stamp && isEmptyTime(v):
			b.Timestamp(it.Key(), c.stamp())
		default:
			b.Value(it.Key(), v)
		}
	}
	return b.Doc()
}

func isEmptyTime(v bsonx.Value) bool {
	return v.Type == bsonx.TypeTimestamp && bsonx.AsInt64(v) == 0
}

// stamp is a timestamp that this command has not given out yet.
func (c *Call) stamp() uint64 {
	c.stamps++
	return uint64(c.started.Unix())<<32 | c.stamps
}

// checkID tells what cannot be an _id.
func checkID(id bsonx.Value) error {
	switch id.Type {
	case bsonx.TypeArray, bsonx.TypeRegex, bsonx.TypeUndefined:
		return mongoerr.Newf(mongoerr.InvalidIdField, "The '_id' value cannot be of type %s", bsonx.TypeName(id.Type))
	case bsonx.TypeDocument:
		return checkIDFields(bsonx.AsDoc(id))
	}
	return nil
}

// checkIDFields looks for names with a dollar, at every depth.
func checkIDFields(doc bsonx.Doc) error {
	for it := bsonx.Walk(doc); it.Next(); {
		if it.Key() != "" && it.Key()[0] == '$' {
			return mongoerr.Newf(mongoerr.DollarPrefixedFieldName, "_id fields may not contain '$'-prefixed fields: %s is not valid for storage.", it.Key())
		}
		if v := it.Value(); v.Type == bsonx.TypeDocument || v.Type == bsonx.TypeArray {
			if err := checkIDFields(bsonx.AsDoc(v)); err != nil {
				return err
			}
		}
	}
	return nil
}
