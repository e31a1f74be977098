package command

import (
	"context"
	"strings"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

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
