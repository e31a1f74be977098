package command

import (
	"context"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
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

var (
	bulkNamespace = NewFields("bulkWrite.nsInfo",
		Field{Name: "ns", Type: Text, Required: true},
		Field{Name: "collectionUUID", Type: UUID, NotYet: true},
		Field{Name: "encryptionInformation", Type: Document, NotYet: true},
		Field{Name: "isTimeseriesNamespace", Type: LooseBoolean, NotYet: true, Unless: isFalse})
	bulkInsert = NewFields("bulkWrite.ops",
		Field{Name: "insert", Type: Integer, Required: true, Bounded: true},
		Field{Name: "document", Type: Document, Required: true})
	bulkUpdate = NewFields("bulkWrite.ops",
		Field{Name: "update", Type: Integer, Required: true, Bounded: true},
		Field{Name: "filter", Type: Document, Required: true},
		Field{Name: "updateMods", Type: Any, Required: true},
		Field{Name: "sort", Type: Document},
		Field{Name: "multi", Type: Boolean},
		Field{Name: "upsert", Type: Boolean},
		Field{Name: "arrayFilters", Type: Array},
		Field{Name: "hint", Type: Hint},
		Field{Name: "constants", Type: Document},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation})
	bulkDelete = NewFields("bulkWrite.ops",
		Field{Name: "delete", Type: Integer, Required: true, Bounded: true},
		Field{Name: "filter", Type: Document, Required: true},
		Field{Name: "multi", Type: Boolean},
		Field{Name: "hint", Type: Hint},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation})
	bulkCursor = NewFields("bulkWrite.cursor", Field{Name: "batchSize", Type: Integer, Bounded: true})
)

// bulk is a bulkWrite, decoded.
type bulk struct {
	spaces []catalog.Namespace
	ops    []bulkOp
	limit  int64 // of the first batch's results; negative is none.
}

// bulkOp is one of its operations.
type bulkOp struct {
	kind string
	args Args
	ns   catalog.Namespace
}

func runBulkWrite(ctx context.Context, c *Call) error {
	ops := c.statements.bulk.ops
	for i := range ops {
		if err := c.writable(ops[i].ns); err != nil {
			return err
		}
	}
	ids, err := c.stmtIDs(len(ops))
	if err != nil {
		return err
	}
	r := bulkReply{errorsOnly: c.Args.Bool("errorsOnly", false), countsOnly: c.WriteConcern.Unacknowledged() && !c.InTxn()}
	ordered := c.Args.Bool("ordered", true)
	for i := range ops {
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

// checkBulkWrite is bulkWrite's Check: it decodes the operations.
func checkBulkWrite(c *Call) (err error) {
	cursor, err := bulkCursor.Decode(c.Args.Doc("cursor"))
	if err != nil {
		return err
	}
	if err := checkBatch("ops")(c); err != nil {
		return err
	}
	b := &bulk{limit: cursor.Int("batchSize", -1)}
	c.statements.bulk = b
	if b.spaces, err = c.bulkNamespaces(); err != nil {
		return err
	}
	b.ops, err = c.bulkOps(b.spaces)
	return err
}

// bulkOps decodes the operations.
func (c *Call) bulkOps(spaces []catalog.Namespace) ([]bulkOp, error) {
	ops := make([]bulkOp, len(c.statements.docs))
	for i, d := range c.statements.docs {
		// The first field tells the kind; the others are that kind's.
		kind, at := bsonx.First(d)
		fields := map[string]*Fields{"insert": bulkInsert, "update": bulkUpdate, "delete": bulkDelete}[kind]
		if fields == nil {
			path := strings.TrimSuffix("bulkWrite."+kind, ".")
			return nil, mongoerr.Newf(mongoerr.IDLUnknownField, "BSON field '%s' is an unknown field.", path)
		}
		args, err := fields.Decode(d)
		if err != nil {
			return nil, err
		}
		ops[i].kind, ops[i].args = kind, args
		n, _ := integer(at)
		if n < 0 || n >= int64(len(spaces)) {
			return nil, mongoerr.Newf(mongoerr.BadValue, "BulkWrite ops entry %s has an invalid nsInfo index.", bsonx.ShellString(bsonx.DocValue(d)))
		}
		ops[i].ns = spaces[n]
		if err := ops[i].check(); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// check tells what is wrong with an operation and fails the whole command.
func (op *bulkOp) check() error {
	if op.kind == "update" {
		if u := op.args.Value("updateMods"); u.Type != bsonx.TypeDocument && u.Type != bsonx.TypeArray {
			return mongoerr.New(mongoerr.FailedToParse, "Update argument must be either an object or an array")
		}
		if u := op.args.Value("updateMods"); u.Type == bsonx.TypeArray {
			if _, err := plan.Stages(u); err != nil {
				return err
			}
		}
		if _, err := op.args.Docs("arrayFilters"); err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) bulkNamespaces() ([]catalog.Namespace, error) {
	docs, err := c.Args.Docs("nsInfo")
	if err != nil {
		return nil, err
	}
	spaces := make([]catalog.Namespace, len(docs))
	for i, d := range docs {
		a, err := bulkNamespace.Decode(d)
		if err != nil {
			return nil, err
		}
		name := string([]byte(a.Str("ns")))
		if spaces[i] = catalog.ParseNamespace(name); spaces[i].DB == "" || spaces[i].Coll == "" {
			return nil, mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid namespace specified for bulkWrite: '%s'", name)
		}
	}
	return spaces, nil
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
	cur := &session.Cursor{Namespace: "admin.$cmd.bulkWrite", Batches: 1, Returned: int64(n)}
	var id int64
	if n < len(r.docs) {
		cur.Source = &docList{docs: r.docs[n:]}
		c.own(cur)
		id = c.D.Sessions.Cursors().Add(cur)
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
