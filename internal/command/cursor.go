package command

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// firstBatchDocs is a first batch's size when the client names none.
const firstBatchDocs = 101

// batch is how much of a cursor goes into one reply.
type batch struct {
	field string // firstBatch or nextBatch
	docs  int64  // at most so many; negative for as many as fit.
	left  int64  // documents until the query's limit; negative for none.
}

// fill appends a batch to the open cursor document of the reply, and tells
// whether the source has ended. A document that does not fit is kept for the next.
func (c *Call) fill(ctx context.Context, cur *session.Cursor, want batch) (done bool, err error) {
	b := c.Reply
	b.OpenArray(want.field)
	start := b.Size()
	n := int64(0)
	for ; want.docs < 0 || n < want.docs; n++ {
		if want.left >= 0 && n >= want.left {
			done = true
			break
		}
		doc := cur.Pending
		if doc == nil {
			if doc, err = cur.Source.Next(ctx); err != nil {
				done = true
				break
			}
		}
		if n > 0 && b.Size()-start+len(doc) > bsonx.DocBytesMax {
			if cur.Pending == nil {
				cur.Pending = slices.Clone(doc)
			}
			break
		}
		b.EmbedDoc(bsonx.Index(int(n)), doc)
		cur.Pending = nil
	}
	b.Close()
	cur.Batches++
	cur.Returned += n
	c.D.metrics.docsReturned.Add(n)
	c.spent.Returned += n
	c.spent.Batches++
	c.examined(cur.Source, &cur.Examined)
	if err != nil && !errors.Is(err, io.EOF) {
		return true, c.duringRead(ctx, cur.Namespace, err)
	}
	return done || want.left >= 0 && n >= want.left, nil
}

// answer appends the first batch of a new cursor, and keeps the cursor if there is more.
// single closes it all the same. The cursor is the callee's from here on.
func (c *Call) answer(ctx context.Context, cur *session.Cursor, want batch, single bool) error {
	c.own(cur)
	c.Reply.OpenDoc("cursor")
	done, err := c.fill(ctx, cur, want)
	if err != nil {
		cur.Discard()
		return err
	}
	var id int64
	if done || single {
		cur.Discard()
	} else {
		cur.Origin = slices.Clone(c.Req.Body)
		if id, err = c.keepCursor(cur); err != nil {
			return err
		}
	}
	c.endCursor(id, cur)
	return nil
}

// keepCursor keeps a new cursor open, unless too many are. The one of a bulkWrite's
// reply is kept in any case: its writes are done.
func (c *Call) keepCursor(cur *session.Cursor) (int64, error) {
	id, err := c.D.Sessions.Cursors().Add(cur, c.D.Params.MaxOpenCursors.Get())
	if err != nil {
		cur.Discard()
		return 0, c.D.tooMany("cursors", "maxOpenCursors", err, !c.InTxn())
	}
	return id, nil
}

// own makes a new cursor this request's, and its transaction's.
func (c *Call) own(cur *session.Cursor) {
	cur.Command = c.Spec.Name
	cur.TxnNumber = -1
	if c.Gen.HasLSID {
		id := c.Gen.LSID
		cur.LSID = &id
	}
	if c.Txn != nil {
		cur.TxnNumber = c.Txn.Number
	}
}

func (c *Call) endCursor(id int64, cur *session.Cursor) {
	c.Reply.Int64("id", id)
	c.Reply.String("ns", cur.Namespace)
	if cur.AtTime != 0 {
		c.Reply.Timestamp("atClusterTime", cur.AtTime)
	}
	c.Reply.Close()
}

// listed appends a whole answer as a cursor that is exhausted, in the form of
// the commands that list things: their batches come last. later are the same
// documents as batches after the first show them.
func (c *Call) listed(ctx context.Context, ns string, docs, later []bsonx.Doc, want int64) error {
	cur := &session.Cursor{Namespace: ns, TxnNumber: -1, Command: c.Spec.Name}
	if c.Gen.HasLSID {
		id := c.Gen.LSID
		cur.LSID = &id
	}
	n := int64(len(docs))
	if want >= 0 {
		n = min(n, want)
	}
	var id int64
	if n < int64(len(docs)) {
		cur.Source = &docList{docs: later[n:]}
		var err error
		if id, err = c.keepCursor(cur); err != nil {
			return err
		}
	}
	c.Reply.OpenDoc("cursor")
	c.Reply.Int64("id", id)
	c.Reply.String("ns", ns)
	c.Reply.OpenArray("firstBatch")
	for i, d := range docs[:n] {
		c.Reply.EmbedDoc(bsonx.Index(i), d)
	}
	c.Reply.Close()
	c.Reply.Close()
	return ctx.Err()
}

// docList is a source of documents in memory.
type docList struct{ docs []bsonx.Doc }

func (l *docList) Next(context.Context) (bsonx.Doc, error) {
	if len(l.docs) == 0 {
		return nil, io.EOF
	}
	d := l.docs[0]
	l.docs = l.docs[1:]
	return d, nil
}

func (l *docList) Close() error { return nil }

// checkGetMore is getMore's Check.
func checkGetMore(c *Call) error {
	if err := c.checkArg("getMore", Long); err != nil {
		return err
	}
	switch name := c.Args.Str("collection"); {
	case name == "":
		return mongoerr.New(mongoerr.InvalidNamespace, "Collection names cannot be empty")
	case strings.ContainsRune(name, 0):
		return mongoerr.New(mongoerr.InvalidNamespace, "Collection names cannot have embedded null characters")
	case name[0] == '.':
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Collection names cannot start with '.': %s", name)
	}
	if v := c.Args.Value("lastKnownCommittedOpTime"); !bsonx.IsMissing(v) {
		_, err := parseOpTime("lastKnownCommittedOpTime", v)
		return err
	}
	return nil
}

// runGetMore returns the next batch of a cursor.
func runGetMore(ctx context.Context, c *Call) error {
	id := bsonx.AsInt64(c.Arg)
	ns := c.Gen.DB + "." + c.Args.Str("collection")
	cursors := c.D.Sessions.Cursors()
	cur, err := cursors.Peek(id)
	if err != nil {
		return err
	}
	if err := c.ownsCursor(cur, id, ns); err != nil {
		return err
	}
	if c.Gen.MaxTimeMS > 0 {
		return mongoerr.New(mongoerr.BadValue, "cannot set maxTimeMS on getMore command for a non-awaitData cursor")
	}
	if cur, err = cursors.Take(id); err != nil {
		return err
	}
	keep := false // unless the batch is whole: a panic must not leave it taken.
	defer func() {
		if keep {
			cursors.Return(cur)
		} else {
			cursors.Drop(cur)
		}
	}()
	if err := c.D.FailPoints.GetMore(); err != nil {
		return err
	}
	n := c.Args.Int("batchSize", 0)
	if n == 0 {
		n = -1
	}
	if err := c.goOn(ctx, cur); err != nil {
		keep = true
		return err
	}
	c.Reply.OpenDoc("cursor")
	done, err := c.fill(ctx, cur, batch{field: "nextBatch", docs: n, left: cur.Left()})
	if err != nil {
		return err
	}
	if done {
		id = 0
	}
	keep = !done
	c.endCursor(id, cur)
	return nil
}

// goOn readies a cursor for its next batch. One that has given up its snapshot
// goes on in the newest; its reply shows that, and so waits if majority readers do.
func (c *Call) goOn(ctx context.Context, cur *session.Cursor) error {
	switch {
	case c.Txn != nil:
		cur.Reopen(c.Txn.Tx)
	case cur.Parked():
		tx, err := c.D.db.Begin(ctx, kv.Options{})
		if err != nil {
			return err
		}
		cur.Resume(tx)
		if cur.Majority {
			c.shows = true
			c.Dependent(tx.KV.ReadTime())
		}
	}
	return nil
}

// ParkCursors has the cursors that nobody read from for the given time give up
// their snapshots.
func (d *Dispatcher) ParkCursors(limit time.Duration) int { return d.Sessions.Cursors().Park(limit) }

// ownsCursor tells whether this request may read from the cursor (3.11).
func (c *Call) ownsCursor(cur *session.Cursor, id int64, ns string) error {
	fail := func(code mongoerr.Code, format string, args ...any) error {
		return mongoerr.Newf(code, format, args...)
	}
	switch {
	case cur.LSID == nil && c.Gen.HasLSID:
		return fail(50736, "Cannot run getMore on cursor %d, which was not created in a session, in session %s", id, c.Gen.LSID)
	case cur.LSID != nil && !c.Gen.HasLSID:
		return fail(50737, "Cannot run getMore on cursor %d, which was created in session %s, without an lsid", id, cur.LSID)
	case cur.LSID != nil && *cur.LSID != c.Gen.LSID:
		return fail(50738, "Cannot run getMore on cursor %d, which was created in session %s, in session %s", id, cur.LSID, c.Gen.LSID)
	case cur.TxnNumber < 0 && c.Gen.InTxn():
		return fail(50739, "Cannot run getMore on cursor %d, which was not created in a transaction, in transaction %d", id, c.Gen.TxnNumber)
	case cur.TxnNumber >= 0 && !c.Gen.HasTxn:
		return fail(50740, "Cannot run getMore on cursor %d, which was created in transaction %d, without a txnNumber", id, cur.TxnNumber)
	case cur.TxnNumber >= 0 && cur.TxnNumber != c.Gen.TxnNumber:
		return fail(50741, "Cannot run getMore on cursor %d, which was created in transaction %d, in transaction %d", id, cur.TxnNumber, c.Gen.TxnNumber)
	case cur.Namespace != ns:
		return fail(mongoerr.Unauthorized, "Requested getMore on namespace '%s', but cursor belongs to a different namespace %s", ns, cur.Namespace)
	}
	return nil
}

// killsCursor tells whether this statement of a transaction may kill the cursor:
// it must be the transaction's own (3.11). Outside, every cursor may be killed.
func (c *Call) killsCursor(cur *session.Cursor, id int64) error {
	in := "(None)"
	if cur.TxnNumber >= 0 {
		in = strconv.FormatInt(cur.TxnNumber, 10)
	}
	switch {
	case cur.LSID == nil:
		return mongoerr.Newf(8912345, "tried to kill a cursor %d belonging to session (None) while in txn %s of session %s", id, in, c.Gen.LSID)
	case *cur.LSID != c.Gen.LSID:
		return mongoerr.Newf(8912345, "tried to kill a cursor %d belonging to session %s while in txn %s of session %s", id, cur.LSID, in, c.Gen.LSID)
	case cur.TxnNumber != c.Txn.Number:
		return mongoerr.Newf(8912321, "tried to kill a cursor %d belonging to txn %s while in txn %d of session %s", id, in, c.Txn.Number, c.Gen.LSID)
	}
	return nil
}

// checkKillCursors is killCursors' Check.
func checkKillCursors(c *Call) error {
	if err := checkCollection(c); err != nil {
		return err
	}
	if err := (catalog.Namespace{DB: c.Gen.DB, Coll: bsonx.Str(c.Arg)}).ValidateCursor(); err != nil {
		return err
	}
	for i, v := range bsonx.All(c.Args.Doc("cursors")) {
		if !Long.allow(v) && !Long.absent(v) {
			return Long.mismatch("killCursors.cursors", i, v)
		}
	}
	return nil
}

// runKillCursors closes cursors, those of others too.
func runKillCursors(_ context.Context, c *Call) error {
	var killed, missing []int64
	for it := bsonx.Walk(c.Args.Doc("cursors")); it.Next(); {
		if Long.absent(it.Value()) {
			continue
		}
		id := bsonx.AsInt64(it.Value())
		cur, err := c.D.Sessions.Cursors().Peek(id)
		if err == nil && c.InTxn() {
			if err := c.killsCursor(cur, id); err != nil {
				return err
			}
		}
		if err == nil {
			err = c.D.Sessions.Cursors().Kill(id)
		}
		if err != nil {
			missing = append(missing, id)
			continue
		}
		killed = append(killed, id)
	}
	list := func(name string, ids []int64) {
		c.Reply.OpenArray(name)
		for i, id := range ids {
			c.Reply.Int64(bsonx.Index(i), id)
		}
		c.Reply.Close()
	}
	list("cursorsKilled", killed)
	list("cursorsNotFound", missing)
	list("cursorsAlive", nil)
	list("cursorsUnknown", nil)
	return nil
}

func cursorCommands() []*Spec {
	return []*Spec{
		{Name: "getMore", NotAfter: true, Txn: Anywhere, Read: ReadAll, API: true, Check: checkGetMore, Run: runGetMore, Help: "returns the next batch of a cursor",
			Fields: NewFields("getMore",
				Field{Name: "collection", Type: Text, Required: true},
				Field{Name: "batchSize", Type: oneOf("long", "int", "double", "decimal"), Bounded: true},
				Field{Name: "term", Type: Long, NoEffect: "it tells a member's sync source of an election"},
				Field{Name: "lastKnownCommittedOpTime", Type: Any, NoEffect: "it keeps a member's sync source from waiting for news"},
				Field{Name: "includeQueryStatsMetrics", Type: LooseBoolean, NotYet: true, Unless: isFalse})},
		{Name: "killCursors", Txn: NotFirst, API: true, Check: checkKillCursors, Run: runKillCursors, Help: "closes cursors",
			Fields: NewFields("killCursors", Field{Name: "cursors", Type: Array, Required: true})},
	}
}

// IdleCursors closes the cursors that nobody read from for the given time.
func (d *Dispatcher) IdleCursors(limit time.Duration) int {
	return d.Sessions.Cursors().ExpireIdle(limit, d.Params.TimeoutOfSessionCursors.Get())
}
