package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// outcome is what one statement of a write command did.
type outcome struct {
	matched  int64
	modified int64
	removed  int64
	inserted int64
	upserted bsonx.Value // the _id that an upsert inserted; owned.
	err      *mongoerr.Error
	retried  bool
}

// writeReply gathers the outcomes of a command's statements.
type writeReply struct {
	n, modified int64
	upserted    []indexed[bsonx.Value]
	errors      []indexed[*mongoerr.Error]
	retried     []int32
}

type indexed[T any] struct {
	index int
	of    T
}

// add takes one statement's outcome.
func (r *writeReply) add(index int, stmt int32, o outcome) {
	if o.err != nil {
		r.errors = append(r.errors, indexed[*mongoerr.Error]{index, o.err})
		return
	}
	r.n += o.matched + o.removed + o.inserted
	r.modified += o.modified
	if o.upserted.Type != bsonx.TypeMissing {
		r.n++
		r.upserted = append(r.upserted, indexed[bsonx.Value]{index, o.upserted})
	}
	if o.retried {
		r.retried = append(r.retried, stmt)
	}
}

// appendTo writes the fields of the reply.
func (r *writeReply) appendTo(c *Call) {
	b := c.Reply
	b.Int32("n", int32(r.n))
	c.appendElection()
	if len(r.errors) > 0 {
		b.OpenArray("writeErrors")
		for i, e := range r.errors {
			b.OpenDoc(bsonx.Index(i))
			b.Int32("index", int32(e.index))
			appendWriteError(b, e.of)
			b.Close()
		}
		b.Close()
	}
	c.appendRetried(r.retried)
	if len(r.upserted) > 0 {
		b.OpenArray("upserted")
		for i, u := range r.upserted {
			b.OpenDoc(bsonx.Index(i))
			b.Int32("index", int32(u.index))
			b.Value("_id", u.of)
			b.Close()
		}
		b.Close()
	}
	if c.Spec.Name == "update" {
		b.Int32("nModified", int32(r.modified))
	}
}

func appendWriteError(b *bsonx.Builder, e *mongoerr.Error) {
	b.Int32("code", int32(e.Code))
	b.String("errmsg", e.Msg)
	b.Fields(e.Info)
}

// statementError tells the failure of one statement, which stands in the reply's
// writeErrors, from that of the command (3.6).
func (c *Call) statementError(err error) (*mongoerr.Error, bool) {
	e, ok := errors.AsType[*mongoerr.Error](err)
	if !ok {
		if errors.Is(err, kv.ErrTooLarge) || isCrowded(err) && c.wrote {
			return c.D.told(c, err), true
		}
		return nil, false
	}
	if e.Code.Is(mongoerr.Interruption) || e.Code == mongoerr.InternalError || e.Code == 50791 || e.Code == 50790 {
		return nil, false
	}
	if c.InTxn() && transient(false, e.Code, 0) {
		return nil, false
	}
	return e, true
}

// batchSize checks the number of statements.
func batchSize(n int) error {
	if n < 1 || n > bsonx.BatchOpsMax {
		return mongoerr.Newf(mongoerr.InvalidLength, "Write batch sizes must be between 1 and %d. Got %d operations.", bsonx.BatchOpsMax, n)
	}
	return nil
}

// stmtIDs returns the id of each of n statements (7.1).
func (c *Call) stmtIDs(n int) (func(i int) int32, error) {
	first, list := c.Gen.StmtID, bsonx.Value{}
	if c.statements.n > 0 {
		list = c.Args.Value("stmtIds") // findAndModify, which is no batch, has none.
	}
	switch {
	case first.Type != bsonx.TypeMissing && list.Type != bsonx.TypeMissing:
		return nil, mongoerr.New(mongoerr.InvalidOptions, "May not specify both stmtId and stmtIds in write command")
	case list.Type == bsonx.TypeArray:
		ids := make([]int32, 0, n)
		seen := make(map[int32]bool, n)
		for it := bsonx.Walk(bsonx.AsDoc(list)); it.Next(); {
			if Int.absent(it.Value()) {
				continue
			}
			id := bsonx.AsInt32(it.Value())
			if seen[id] && c.Gen.Retryable() {
				return nil, mongoerr.Newf(5875600, "Two operations of one command have the statement id %d", id)
			}
			seen[id] = true
			ids = append(ids, id)
		}
		if len(ids) != n {
			return nil, mongoerr.Newf(mongoerr.InvalidLength, "Number of statement ids must match the number of batch entries. Got %d statement ids but %d batch entries", len(ids), n)
		}
		return func(i int) int32 { return ids[i] }, nil
	case first.Type == bsonx.TypeInt32:
		base := bsonx.AsInt32(first)
		return func(i int) int32 { return base + int32(i) }, nil
	}
	return func(i int) int32 { return int32(i) }, nil
}

// unrecorded is the id of statements that leave no record.
const unrecorded = -1

// incomplete is the id of a statement that stands for others whose records are lost:
// what is not recorded beside it may have run or not.
const incomplete = -2

// executed returns the record of a retryable statement that ran before.
func (c *Call) executed(stmt int32) (session.Record, bool, error) {
	if c.Session == nil || !c.Gen.Retryable() {
		return session.Record{}, false, nil
	}
	rec, ok := c.Session.Executed(stmt)
	if _, lost := c.Session.Executed(incomplete); lost && (!ok || stmt == incomplete) {
		return rec, false, mongoerr.Newf(mongoerr.IncompleteTransactionHistory, "Incomplete history detected for transaction %d on session %s", c.Gen.TxnNumber, c.Session.ID)
	}
	return rec, ok, nil
}

// stage has tx write the records of what it did, if the command is retryable.
func (c *Call) stage(ctx context.Context, tx *docstore.Tx, recs []session.Record) error {
	if c.Session == nil || !c.Gen.Retryable() || len(recs) == 0 {
		return nil
	}
	return c.Session.Stage(ctx, tx, recs)
}

// failPrimaryWrite asks the fail point of that name about a retryable write that
// left recs, before it is staged.
func (c *Call) failPrimaryWrite(recs []session.Record) error {
	if c.Session == nil || !c.Gen.Retryable() || len(recs) == 0 {
		return nil
	}
	return c.failPrimaryCommit()
}

// failPrimaryCommit asks the fail point about whatever is to be committed under a number.
func (c *Call) failPrimaryCommit() error {
	hangUp, err := c.D.FailPoints.PrimaryWrite(func() string { return fmt.Sprintf("%s:%d", c.Session.ID, c.Gen.TxnNumber) })
	c.forced.hangUp = c.forced.hangUp || hangUp
	return err
}

// keep remembers what stage wrote, once it is committed.
func (c *Call) keep(recs []session.Record) {
	if c.Session != nil && c.Gen.Retryable() && len(recs) > 0 {
		c.Session.Keep(recs)
	}
}

// writable tells whether clients may write to a collection of this name.
func (c *Call) writable(ns catalog.Namespace) error {
	if err := ns.Validate(); err != nil {
		return err
	}
	if c.Gen.InTxn() && strings.HasPrefix(ns.Coll, "system.") {
		return mongoerr.Newf(50791, "Cannot write to system collection %s within a transaction.", ns)
	}
	c.noteSettings(ns)
	return checkWritable(ns)
}

// checkWritable asks that clients may change what is under a name, as if that were
// to make the collection, whether it would or not.
func checkWritable(ns catalog.Namespace) error {
	if ns.Coll == "system.views" || ns.Coll == "system.profile" {
		return mongoerr.Newf(mongoerr.InvalidNamespace, "cannot write to %s", ns)
	}
	return ns.ValidateNew()
}

// recordable refuses what is written to ns under a number: the database local
// keeps no records.
func (c *Call) recordable(ns catalog.Namespace) error {
	if ns.DB != "local" || !c.Gen.Retryable() {
		return nil
	}
	return mongoerr.Newf(mongoerr.IllegalOperation, "retryable writes is not supported for unreplicated ns: %s", ns)
}

// writeTarget looks up the collection of a write; nil if there is none.
func (c *Call) writeTarget(ctx context.Context, tx *docstore.Tx, ns catalog.Namespace) (*catalog.Collection, error) {
	coll, err := tx.Cat.Lookup(ctx, ns)
	if err != nil {
		return nil, err
	}
	if coll != nil && coll.Kind == catalog.KindView {
		return nil, notOnView(ns)
	}
	if coll != nil && coll.Kind == catalog.KindServed {
		return nil, directWrite(coll)
	}
	if coll != nil && coll.Cap != nil && c.InTxn() {
		if c.Spec.Name == "delete" {
			return nil, mongoerr.Newf(mongoerr.IllegalOperation, "Cannot remove from a capped collection in a multi-document transaction: %s", ns)
		}
		return nil, mongoerr.Newf(mongoerr.OperationNotSupportedInTransaction,
			"Collection '%s' is a capped collection. Writes in transactions are not allowed on capped collections.", ns)
	}
	if coll != nil {
		switch lost, err := tx.Cat.Superseded(ctx, coll); {
		case err != nil:
			return nil, err
		case lost:
			return nil, &kv.Conflict{}
		}
	}
	return coll, nil
}

// directWrite is the error of a write to what the server itself keeps.
func directWrite(coll *catalog.Collection) error {
	if coll.NS == session.TransactionsNS {
		return mongoerr.Newf(40528, "Direct writes against %s cannot be performed using a transaction or on a session.", coll.NS)
	}
	return coll.RefuseServed()
}

// targetOrNew is writeTarget, creating the collection.
func (c *Call) targetOrNew(ctx context.Context, tx *docstore.Tx, ns catalog.Namespace) (*catalog.Collection, error) {
	coll, err := c.writeTarget(ctx, tx, ns)
	if coll != nil || err != nil {
		return coll, err
	}
	return tx.Cat.Create(ctx, ns, catalog.CreateOptions{})
}

// fits passes on a write's error, or tells that the transaction has become too
// large by it: at the statement that crosses the limit, not at the commit.
func (c *Call) fits(tx *docstore.Tx, err error) error {
	limit, engine, size := c.D.Params.TransactionSizeLimitBytes.Get(), int64(c.D.Store.Caps().TxnBytesMax), int64(tx.KV.Size())
	switch {
	case errors.Is(err, kv.ErrTooLarge) && engine < limit:
		return mongoerr.Newf(mongoerr.TransactionTooLarge,
			"Total size of all transaction operations must be less than the %d bytes that the storage engine takes; it was %d before this one", engine, size)
	case !errors.Is(err, kv.ErrTooLarge) && (err != nil || c.Txn == nil || size <= limit):
		return err
	}
	return mongoerr.Newf(mongoerr.TransactionTooLarge,
		"Total size of all transaction operations must be less than server parameter 'transactionSizeLimitBytes' = %d; it is %d with this one", limit, size)
}

// owned is v in bytes of its own.
func owned(v bsonx.Value) bsonx.Value {
	return bsonx.Value{Type: v.Type, Data: slices.Clone(v.Data)}
}
