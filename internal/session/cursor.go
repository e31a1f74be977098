package session

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Source is where a cursor's documents come from.
type Source interface {
	// Next returns the next document, or io.EOF after the last. The bytes stay
	// valid until the following call.
	Next(ctx context.Context) (bsonx.Doc, error)
	Close() error
}

// Movable is a source that can go on in another transaction, behind what it has
// returned already: see exec.Execution.
type Movable interface {
	Source
	Park()
	Resume(tx *docstore.Tx)
}

// Cursor is an open cursor: what is left of a query's answer.
type Cursor struct {
	ID        int64
	Namespace string // "db.coll"
	LSID      *ID    // the session that opened it, if any.
	TxnNumber int64  // the transaction that opened it; -1 if none did.
	Command   string // "find" or "aggregate": the command that opened it.
	NoTimeout bool
	AtTime    uint64 // the snapshot's cluster time for level snapshot, else 0.
	Source    Source
	Reads     *docstore.Tx // what the source reads from, if it ends with the cursor; nil while parked.
	Majority  bool         // it shows what is durable only.
	Limit     int64        // of documents in all; 0 for none.
	Pending   bsonx.Doc    // a document that did not fit the last batch; owned.

	Origin   bsonx.Doc // the command that opened it; owned, nil while it is that command's.
	Examined Spent     // what its batches have looked at so far.

	Created, LastUse time.Time
	Batches          int64
	Returned         int64

	busy, dead bool  // guarded by Cursors.mu.
	lost       error // guarded by Cursors.mu: why nothing can be read from it once its reader returns it; nil if it can.
	parked     bool  // changed by who has taken it, or under Cursors.mu while nobody has.
}

// Left is how many documents the query's limit still allows, -1 without one.
func (c *Cursor) Left() int64 {
	if c.Limit == 0 {
		return -1
	}
	return c.Limit - c.Returned
}

// Discard closes a cursor that was never added.
func (c *Cursor) Discard() { c.close() }

func (c *Cursor) close() {
	c.Source.Close()
	if c.Reads != nil {
		c.Reads.Rollback()
	}
}

// Cursors are the open cursors of one server.
type Cursors struct {
	env *env.Env

	// mu guards the maps and what the cursors say it does. Idle cursors let go of
	// what they hold under it, so the engine's locks come below; none of ours does.
	mu        sync.Mutex
	open      map[int64]*Cursor
	bySession map[ID]map[*Cursor]struct{} // those of open that a session opened.
}

func newCursors(e *env.Env) *Cursors {
	return &Cursors{env: e, open: map[int64]*Cursor{}, bySession: map[ID]map[*Cursor]struct{}{}}
}

// Add gives c an id and keeps it, checked in, unless as many as most are open: then it
// is a *TooMany, and c is the caller's. 0 is no limit.
func (cs *Cursors) Add(c *Cursor, most int64) (int64, error) {
	c.Created = cs.env.Now()
	c.LastUse = c.Created
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if open := int64(len(cs.open)); most > 0 && open >= most {
		return 0, &TooMany{Open: open, Most: most}
	}
	for c.ID == 0 || cs.open[c.ID] != nil {
		c.ID = int64(cs.env.Uint64() >> 1)
	}
	cs.open[c.ID] = c
	if c.LSID != nil {
		of := cs.bySession[*c.LSID]
		if of == nil {
			of = map[*Cursor]struct{}{}
			cs.bySession[*c.LSID] = of
		}
		of[c] = struct{}{}
	}
	return c.ID, nil
}

// remove forgets a cursor. mu is held.
func (cs *Cursors) remove(c *Cursor) {
	delete(cs.open, c.ID)
	if c.LSID == nil {
		return
	}
	of := cs.bySession[*c.LSID]
	delete(of, c)
	if len(of) == 0 {
		delete(cs.bySession, *c.LSID)
	}
}

// errNotFound is 43.
func errNotFound(id int64) error {
	return mongoerr.Newf(mongoerr.CursorNotFound, "cursor id %d not found", id)
}

// Peek returns a cursor without taking it, for checks that come before.
func (cs *Cursors) Peek(id int64) (*Cursor, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.open[id]
	if c == nil || c.dead {
		return nil, errNotFound(id)
	}
	return c, nil
}

// Take checks a cursor out: the caller alone reads from it until Return or Drop.
func (cs *Cursors) Take(id int64) (*Cursor, error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.open[id]
	if c == nil || c.dead {
		return nil, errNotFound(id)
	}
	if c.busy {
		return nil, mongoerr.Newf(mongoerr.CursorInUse, "cursor id %d is already in use", id)
	}
	c.busy = true
	return c, nil
}

// Return checks a cursor in again. It is closed if it was killed meanwhile, and
// has nothing to read any more if its collection was lost.
func (cs *Cursors) Return(c *Cursor) {
	cs.mu.Lock()
	c.busy = false
	c.LastUse = cs.env.Now()
	dead := c.dead
	if !dead && c.lost != nil {
		c.end(c.lost)
	}
	cs.mu.Unlock()
	if dead {
		c.close()
	}
}

// Drop closes a cursor that the caller has checked out.
func (cs *Cursors) Drop(c *Cursor) {
	cs.mu.Lock()
	cs.remove(c)
	cs.mu.Unlock()
	c.close()
}

// Kill closes a cursor, at once or when its reader returns it.
func (cs *Cursors) Kill(id int64) error {
	cs.mu.Lock()
	c := cs.open[id]
	if c == nil || c.dead {
		cs.mu.Unlock()
		return errNotFound(id)
	}
	idle := cs.kill(c)
	cs.mu.Unlock()
	if idle {
		c.close()
	}
	return nil
}

// kill takes c out of the maps and tells if the caller must close it. mu is held.
func (cs *Cursors) kill(c *Cursor) (idle bool) {
	cs.remove(c)
	c.dead = true
	return !c.busy
}

// killEach closes cursors, at once or when their readers return them, and counts
// them. They are listed under mu.
func (cs *Cursors) killEach(of iter.Seq[*Cursor]) int {
	var closing []*Cursor
	n := 0
	cs.mu.Lock()
	for c := range of {
		n++
		if cs.kill(c) {
			closing = append(closing, c)
		}
	}
	cs.mu.Unlock()
	for _, c := range closing {
		c.close()
	}
	return n
}

func (cs *Cursors) killWhere(match func(*Cursor) bool) int {
	return cs.killEach(func(yield func(*Cursor) bool) {
		for _, c := range cs.open {
			if match(c) && !yield(c) {
				return
			}
		}
	})
}

func (cs *Cursors) killSession(id ID) {
	cs.killEach(func(yield func(*Cursor) bool) {
		for c := range cs.bySession[id] {
			if !yield(c) {
				return
			}
		}
	})
}

func (cs *Cursors) killSessions(match func(ID) bool) {
	cs.killWhere(func(c *Cursor) bool { return c.LSID != nil && match(*c.LSID) })
}

// ofSessions lists the cursors that sessions have opened. Their ids and sessions
// may be read without mu.
func (cs *Cursors) ofSessions() []*Cursor {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var list []*Cursor
	for _, of := range cs.bySession {
		list = slices.AppendSeq(list, maps.Keys(of))
	}
	return list
}

// Invalidate has the cursors on a collection that is gone fail with err at their
// next read; those of transactions go on with their snapshot.
func (cs *Cursors) Invalidate(ns string, err error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.open {
		if c.Namespace != ns || c.TxnNumber >= 0 {
			continue
		}
		if c.busy {
			c.lost = err
			continue
		}
		c.end(err)
	}
}

// end takes away what a cursor reads from, and what that holds: whoever reads from
// it is told err. mu is held, and the cursor is idle.
func (c *Cursor) end(err error) {
	c.close()
	c.Source, c.Reads, c.Pending = ended{err}, nil, nil
}

// endTxn leaves the cursors of an ended transaction in place, but with nothing to
// read: a getMore is told that its transaction is over before it reads.
func (cs *Cursors) endTxn(id ID, n int64) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.bySession[id] {
		if c.TxnNumber == n && !c.busy {
			c.end(errors.New("session: cursor of an ended transaction was read"))
		}
	}
}

// ended is the source of a cursor that has nothing to read from any more.
type ended struct{ err error }

func (e ended) Next(context.Context) (bsonx.Doc, error) { return nil, e.err }
func (ended) Close() error                              { return nil }

// ExpireIdle closes the cursors that were not read from for the given time: those
// of no session, since the others end with theirs, and of sessions too if that is asked for.
func (cs *Cursors) ExpireIdle(limit time.Duration, ofSessions bool) int {
	before := cs.env.Now().Add(-limit)
	return cs.killWhere(func(c *Cursor) bool {
		return !c.busy && c.LastUse.Before(before) && (!c.NoTimeout && (c.LSID == nil || ofSessions && c.TxnNumber < 0) || c.over())
	})
}

// over tells whether the cursor has nothing to read from any more.
func (c *Cursor) over() bool {
	_, over := c.Source.(ended)
	return over
}

// Park has the cursors that were not read from for the given time give up their
// snapshots: they go on in a new one. Those at level snapshot keep theirs, and
// those of transactions read in their transaction's.
func (cs *Cursors) Park(limit time.Duration) int {
	before := cs.env.Now().Add(-limit)
	n := 0
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.open {
		if c.busy || c.Reads == nil || c.AtTime != 0 || !c.LastUse.Before(before) {
			continue
		}
		if src, ok := c.Source.(Movable); ok {
			src.Park()
			c.Reads.Rollback()
			c.Reads, c.parked = nil, true
			n++
		}
	}
	return n
}

// Parked tells whether the cursor needs a transaction to go on in. The caller has
// taken it.
func (c *Cursor) Parked() bool { return c.parked && !c.over() }

// Resume has a parked cursor go on in tx, which ends with it.
func (c *Cursor) Resume(tx *docstore.Tx) {
	c.Reads, c.parked = tx, false
	c.Source.(Movable).Resume(tx)
}

// Reopen has a transaction's cursor see what its transaction has written since the
// last batch.
func (c *Cursor) Reopen(tx *docstore.Tx) {
	if src, ok := c.Source.(Movable); ok {
		src.Park()
		src.Resume(tx)
	}
}

// Open counts the open cursors.
func (cs *Cursors) Open() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}

func (cs *Cursors) closeAll() { cs.killWhere(func(*Cursor) bool { return true }) }
