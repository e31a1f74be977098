package session

import (
	"testing"
	"time"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

func (h *house) cursor(edit func(*Cursor)) (*Cursor, *docs) {
	src := &docs{}
	c := &Cursor{Namespace: "d.c", Source: src, TxnNumber: -1}
	if edit != nil {
		edit(c)
	}
	if _, err := h.m.Cursors().Add(c, 0); err != nil {
		h.t.Fatal(err)
	}
	return c, src
}

func wantClosed(t *testing.T, d *docs, times int) {
	t.Helper()
	if d.closed != times {
		t.Errorf("closed %d times, want %d", d.closed, times)
	}
}

// TestCursorTakenOnce: one reader at a time has a cursor.
func TestCursorTakenOnce(t *testing.T) {
	inHouse(t, func(h *house) {
		cs := h.m.Cursors()
		c, src := h.cursor(nil)
		if got, err := cs.Take(c.ID); got != c || err != nil {
			t.Fatal(got, err)
		}
		_, err := cs.Take(c.ID)
		wantCode(t, err, mongoerr.CursorInUse)
		cs.Return(c)
		if _, err := cs.Take(c.ID); err != nil {
			t.Fatal(err)
		}
		cs.Drop(c)
		wantClosed(t, src, 1)
		_, err = cs.Take(c.ID)
		wantCode(t, err, mongoerr.CursorNotFound)
		_, err = cs.Peek(c.ID)
		wantCode(t, err, mongoerr.CursorNotFound)
		wantCode(t, cs.Kill(c.ID), mongoerr.CursorNotFound)
	})
}

// TestCursorKilledUnderReader: a cursor that is read from is closed when its
// reader is done with it, once, whichever way.
func TestCursorKilledUnderReader(t *testing.T) {
	inHouse(t, func(h *house) {
		cs := h.m.Cursors()
		for _, done := range []func(*Cursor){cs.Return, cs.Drop} {
			c, src := h.cursor(nil)
			if _, err := cs.Take(c.ID); err != nil {
				t.Fatal(err)
			}
			wantCode(t, cs.Kill(c.ID), 0)
			wantClosed(t, src, 0)
			_, err := cs.Peek(c.ID)
			wantCode(t, err, mongoerr.CursorNotFound)
			done(c)
			wantClosed(t, src, 1)
		}
		c, src := h.cursor(nil)
		wantCode(t, cs.Kill(c.ID), 0)
		wantClosed(t, src, 1)
	})
}

// TestCursorsEndWithTheirSession: killing or forgetting a session closes its
// cursors and nobody else's.
func TestCursorsEndWithTheirSession(t *testing.T) {
	inHouse(t, func(h *house) {
		of := func(n byte) func(*Cursor) { i := id(n); return func(c *Cursor) { c.LSID = &i } }
		_, a := h.cursor(of(1))
		_, b := h.cursor(of(2))
		free, f := h.cursor(nil)
		h.m.Kill(func(i ID) bool { return i == id(1) })
		wantClosed(t, a, 1)
		wantClosed(t, b, 0)
		wantCode(t, h.m.Touch(id(2)), 0)
		h.m.Forget(func(i ID, _ time.Time) bool { return i == id(2) })
		wantClosed(t, b, 1)
		wantClosed(t, f, 0)
		wantCode(t, h.m.Cursors().Kill(free.ID), 0)
	})
}

// TestCursorsOfTransaction: the end of a transaction takes away what its cursors
// read from, and leaves the cursors, which say so.
func TestCursorsOfTransaction(t *testing.T) {
	inHouse(t, func(h *house) {
		i := id(1)
		h.with(1, func(s *Session) { h.begin(s, 4) })
		c, src := h.cursor(func(c *Cursor) { c.LSID, c.TxnNumber = &i, 4 })
		_, other := h.cursor(func(c *Cursor) { c.LSID, c.TxnNumber = &i, 3 })
		h.with(1, func(s *Session) { s.Abort() })
		wantClosed(t, src, 1)
		wantClosed(t, other, 0)
		if got, err := h.m.Cursors().Peek(c.ID); got != c || err != nil {
			t.Errorf("the cursor is gone: %v", err)
		}
		if _, err := c.Source.Next(ctx); err == nil {
			t.Error("it can still be read from")
		}
		h.m.Cursors().ExpireIdle(0, false)
		<-time.After(time.Second)
		if n := h.m.Cursors().ExpireIdle(0, false); n != 1 {
			t.Errorf("%d expired", n)
		}
		h.m.Kill(func(ID) bool { return true })
		wantClosed(t, other, 1)
	})
}

// TestCursorsExpire: those of no session, idle for longer than the limit, and not
// kept by noCursorTimeout.
func TestCursorsExpire(t *testing.T) {
	inHouse(t, func(h *house) {
		cs, i := h.m.Cursors(), id(1)
		idle, a := h.cursor(nil)
		_, kept := h.cursor(func(c *Cursor) { c.NoTimeout = true })
		_, ofSession := h.cursor(func(c *Cursor) { c.LSID = &i })
		busy, b := h.cursor(nil)
		used, u := h.cursor(nil)
		if _, err := cs.Take(busy.ID); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if _, err := cs.Take(used.ID); err != nil {
			t.Fatal(err)
		}
		cs.Return(used)
		<-time.After(time.Minute)
		if n := cs.ExpireIdle(90*time.Second, false); n != 1 {
			t.Errorf("%d expired", n)
		}
		wantClosed(t, a, 1)
		for _, d := range []*docs{kept, ofSession, b, u} {
			wantClosed(t, d, 0)
		}
		_, err := cs.Take(idle.ID)
		wantCode(t, err, mongoerr.CursorNotFound)
		cs.Drop(busy)
		h.m.AbortAll(nil)
		wantClosed(t, u, 1)
	})
}

// TestInvalidate ends the cursors on a collection that is gone: the idle ones at
// once, with what they hold of the store, the others when their readers are done.
func TestInvalidate(t *testing.T) {
	inHouse(t, func(h *house) {
		cs, gone := h.m.Cursors(), mongoerr.New(mongoerr.QueryPlanKilled, "collection dropped")
		tx, err := h.db.Begin(ctx, kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c, src := h.cursor(func(c *Cursor) { c.Reads = tx })
		read, r := h.cursor(nil)
		other, o := h.cursor(func(c *Cursor) { c.Namespace = "d.other" })
		if _, err := cs.Take(read.ID); err != nil {
			t.Fatal(err)
		}
		cs.Invalidate("d.c", gone)
		wantClosed(t, src, 1)
		wantClosed(t, r, 0)
		wantClosed(t, o, 0)
		if n := h.engine.Stats().Transactions; n != 0 {
			t.Errorf("%d transactions are open", n)
		}
		cs.Return(read)
		wantClosed(t, r, 1)
		for _, c := range []*Cursor{c, read} {
			_, err := c.Source.Next(ctx)
			wantCode(t, err, mongoerr.QueryPlanKilled)
			wantCode(t, cs.Kill(c.ID), 0)
		}
		wantCode(t, cs.Kill(other.ID), 0)
	})
}

// TestCursorOfEndedSession: a query that was running when its session was ended
// leaves a cursor that nobody would end otherwise.
func TestCursorOfEndedSession(t *testing.T) {
	inHouse(t, func(h *house) {
		ended, known := id(1), id(2)
		wantCode(t, h.m.Touch(known), 0)
		_, a := h.cursor(func(c *Cursor) { c.LSID = &ended })
		b, of := h.cursor(func(c *Cursor) { c.LSID = &known })
		h.m.ExpireIdle()
		wantClosed(t, a, 1)
		wantClosed(t, of, 0)
		wantCode(t, h.m.Cursors().Kill(b.ID), 0)
		if n := len(h.m.Cursors().bySession); n != 0 {
			t.Errorf("%d sessions are left in the index", n)
		}
	})
}
