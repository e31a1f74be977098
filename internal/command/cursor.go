package command

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
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
