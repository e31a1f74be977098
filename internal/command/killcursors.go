package command

import (
	"context"
	"strconv"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

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
