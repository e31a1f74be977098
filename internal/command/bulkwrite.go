package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

var bulkWrite = Spec{
	Name: "bulkWrite", Admin: true, Txn: Anywhere, Write: true, Writes: true, Retry: true, API: true,
	Help: "writes to several collections",
	Fields: NewFields("bulkWrite",
		Field{Name: "stmtIds", Type: Array},
		Field{Name: "ops", Type: Array, Required: true},
		Field{Name: "nsInfo", Type: Array, Required: true},
		Field{Name: "ordered", Type: Boolean},
		Field{Name: "errorsOnly", Type: Boolean},
		Field{Name: "let", Type: Document},
		Field{Name: "cursor", Type: Document},
		bypassField,
		Field{Name: "bypassEmptyTsReplacement", Type: LooseBoolean}),
}

func runBulkWrite(ctx context.Context, c *Call) error {
	ops := c.statements.bulk.ops
	ids, err := c.stmtIDs(len(ops))
	if err != nil {
		return err
	}
	r := bulkReply{errorsOnly: c.Args.Bool("errorsOnly", false), countsOnly: c.WriteConcern.Unacknowledged() && !c.InTxn()}
	ordered := c.Args.Bool("ordered", true)
	judged := 0 // operations before it need not be asked about again.
	for i := range ops {
		if i >= judged {
			n, err := c.insertable(ops[i:])
			if err != nil {
				return err
			}
			judged = i + n
		}
		if err := c.passChanges(ctx, ops[i].ns); err != nil {
			return err
		}
		o, err := c.bulkOne(ctx, &ops[i], ids(i))
		if err != nil {
			return err
		}
		r.add(i, ids(i), &ops[i], o)
		if o.err != nil && (ordered || c.InTxn()) {
			break
		}
	}
	c.failed = r.errors > 0
	r.appendTo(c, c.statements.bulk.limit)
	return nil
}

// insertable refuses the inserts that ops begins with, if they go to one namespace
// and it, or that of the insert behind them, may not be written to: the original
// gathers inserts, and looks at the next one before it writes those it has. Unlike
// other operations' failures this one is the command's. n is how many these are.
func (c *Call) insertable(ops []bulkOp) (n int, err error) {
	for i := range ops {
		switch {
		case ops[i].kind != "insert":
			return i, nil
		case i > 0 && ops[i].ns == ops[0].ns:
			continue
		}
		if err := c.bulkWritable(ops[i].ns); err != nil || i > 0 {
			return i, err
		}
	}
	return len(ops), nil
}

// bulkWritable is writable for an operation, as which every name is judged as if it
// were to be created.
func (c *Call) bulkWritable(ns catalog.Namespace) error {
	if err := ns.ValidateNew(); err != nil {
		return err
	}
	return c.writable(ns)
}

// bulkOne runs one operation; its own failure is in the outcome.
func (c *Call) bulkOne(ctx context.Context, op *bulkOp, stmt int32) (outcome, error) {
	if op.kind == "insert" {
		w := &inserter{c: c, ns: op.ns, docs: []bsonx.Doc{op.args.Doc("document")}, stmt: func(int) int32 { return stmt }, ordered: true}
		if err := w.run(ctx); err != nil {
			return outcome{}, err
		}
		return w.results[0], nil
	}
	multi := op.args.Bool("multi", false)
	if multi && c.Gen.Retryable() { // here, unlike in the other commands, the record does not help.
		return outcome{err: mongoerr.New(mongoerr.InvalidOptions, "Cannot use retryable writes with multi=true")}, nil
	}
	if err := c.bulkWritable(op.ns); err != nil {
		return outcome{err: mongoerr.From(err)}, nil
	}
	how := Updating
	if op.kind == "delete" {
		how = Deleting
	}
	return c.statement(ctx, 0, stmt, how, func(int, int32) (*change, error) {
		a := &op.args
		ch := &change{ns: op.ns, multi: multi, hint: a.Value("hint"), stmt: stmt}
		t := changeText{let: c.Args.Doc("let"), filter: a.Doc("filter")}
		if op.kind == "update" {
			ch.upsert = a.Bool("upsert", false)
			t.update, t.constants, t.sort = a.Value("updateMods"), a.Doc("constants"), a.Doc("sort")
			var err error
			if t.arrayFilters, err = a.Docs("arrayFilters"); err != nil {
				return nil, err
			}
		}
		return ch, c.compile(ch, t)
	})
}

// bulkReply gathers the outcomes.
type bulkReply struct {
	errorsOnly, countsOnly                                 bool // countsOnly: the client does not acknowledge.
	docs                                                   []bsonx.Doc
	retried                                                []int32
	errors, inserted, matched, modified, upserted, removed int64
}

func (r *bulkReply) add(i int, stmt int32, op *bulkOp, o outcome) {
	b := bsonx.NewBuilder(nil)
	if o.err != nil {
		r.errors++
		b.Double("ok", 0)
		b.Int32("idx", int32(i))
		appendWriteError(b, o.err)
		b.Int32("n", 0)
		if op.kind == "update" {
			b.Int32("nModified", 0)
		}
		r.result(b)
		return
	}
	up := o.upserted.Type != bsonx.TypeMissing
	n := o.inserted + o.matched + o.removed
	if up {
		n++
		r.upserted++
	}
	r.inserted += o.inserted
	r.matched += o.matched
	r.modified += o.modified
	r.removed += o.removed
	if o.retried {
		r.retried = append(r.retried, stmt)
	}
	if r.errorsOnly {
		return
	}
	b.Double("ok", 1)
	b.Int32("idx", int32(i))
	b.Int32("n", int32(n))
	if op.kind == "update" {
		b.Int32("nModified", int32(o.modified))
	}
	if up {
		b.OpenDoc("upserted")
		b.Value("_id", o.upserted)
		b.Close()
	}
	r.result(b)
}

func (r *bulkReply) result(b *bsonx.Builder) {
	if !r.countsOnly {
		r.docs = append(r.docs, b.Doc())
	}
}

func (r *bulkReply) appendTo(c *Call, limit int64) {
	r.results(c, limit)
	b := c.Reply
	b.Int32("nErrors", int32(r.errors))
	b.Int32("nInserted", int32(r.inserted))
	b.Int32("nMatched", int32(r.matched))
	b.Int32("nModified", int32(r.modified))
	b.Int32("nUpserted", int32(r.upserted))
	b.Int32("nDeleted", int32(r.removed))
	c.appendElection()
	c.appendRetried(r.retried)
}

// results appends the cursor over the operations' results. Its id comes first,
// unlike a query's, and a getMore reads on from it.
func (r *bulkReply) results(c *Call, limit int64) {
	n, bytes := 0, 0
	for n < len(r.docs) && (limit < 0 || int64(n) < limit) {
		if bytes += len(r.docs[n]); n > 0 && bytes > bsonx.DocBytesMax {
			break
		}
		n++
	}
	c.D.metrics.docsReturned.Add(int64(n))
	cur := &session.Cursor{Namespace: "admin.$cmd.bulkWrite", Batches: 1, Returned: int64(n)}
	var id int64
	if n < len(r.docs) {
		cur.Source = &docList{docs: r.docs[n:]}
		c.own(cur)
		id, _ = c.D.Sessions.Cursors().Add(cur, 0)
	}
	b := c.Reply
	b.OpenDoc("cursor")
	b.Int64("id", id)
	b.OpenArray("firstBatch")
	for i, d := range r.docs[:n] {
		b.EmbedDoc(bsonx.Index(i), d)
	}
	b.Close()
	b.String("ns", cur.Namespace)
	b.Close()
}
