package command_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/kv/pebblekv"
)

// TestCommitInFlight has a commit with the engine, not yet answered, when
// something else wants to know of it or to end it. Whatever is told stays true.
func TestCommitInFlight(t *testing.T) {
	for _, meanwhile := range []struct {
		name string
		do   func(h *house, c *conn, s lsid)
	}{
		{"nothing", func(*house, *conn, lsid) {}},
		{"the client hangs up", func(_ *house, c *conn, _ lsid) { c.hangUp() }},
		{"its time is over", func(h *house, _ *conn, _ lsid) { h.pass(2 * time.Second) }},
		{"the lifetime is over", func(h *house, _ *conn, _ lsid) { h.pass(2 * time.Minute) }},
	} {
		t.Run(meanwhile.name, func(t *testing.T) {
			g := &gate{}
			inHouseOver(t, g.over, func(h *house) {
				h.putX()
				c, s := h.conn(), lsid(1)
				c.run(incX, s.starting(1)).want(`{"n":1,"nModified":1}`)
				g.close()
				first := c.begin(commit, s.within(1), `{"writeConcern":{"w":1},"maxTimeMS":1000}`).waits()
				meanwhile.do(h, c, s)
				again := h.conn().begin(commit, s.within(1)).waits()
				late := h.conn().begin(incX, s.within(1)).waits()
				g.open()
				first.want(`{}`)
				again.want(`{}`)
				late.want(`error 256`)
				h = h.crash() // the retry was told at majority.
				h.conn().run(readX).want(`[{"n":1}]`)
				h.conn().run(commit, s.within(1)).want(`{}`)
			})
		})
	}
}

// TestKillCommitInFlight kills the session while its commit is with the engine.
func TestKillCommitInFlight(t *testing.T) {
	g := &gate{}
	inHouseOver(t, g.over, func(h *house) {
		h.putX()
		c, s := h.conn(), lsid(1)
		c.run(incX, s.starting(1)).want(`{"n":1,"nModified":1}`)
		g.close()
		first := c.begin(commit, s.within(1)).waits()
		kill := h.conn().begin(s.kill()).waits()
		g.open()
		first.want(` concern: 11601`) // committed, and not waited for.
		kill.want(`{}`)
		h.conn().run(commit, s.within(1)).want(`{}`)
		h.conn().run(readX).want(`[{"n":1}]`)
	})
}

// TestOutcomeUnknown: the engine cannot tell whether a commit has succeeded.
// Nobody is told that it has not; the row tells, once it can be read.
func TestOutcomeUnknown(t *testing.T) {
	u := &unsure{}
	inHouseOver(t, u.over, func(h *house) {
		h.putX()
		c, s := h.conn(), lsid(1)
		c.run(incX, s.starting(1)).want(`{"n":1,"nModified":1}`)
		u.commits, u.begins = true, true
		c.run(commit, s.within(1)).want(`error 11600 [RetryableWriteError]`)
		c.run(commit, s.within(1)).want(`error 11600 [RetryableWriteError]`)
		u.commits, u.begins = false, false
		c.run(commit, s.within(1)).want(`{}`)
		c.run(readX).want(`[{"n":1}]`)

		u.commits = true
		c.run(incX, s.retryable(2)).want(`error 11600 [RetryableWriteError]`)
		u.commits = false
		c.run(incX, s.retryable(2)).want(`{"n":1,"retriedStmtIds":[0],"nModified":1}`)
		c.run(readX).want(`[{"n":2}]`)

		// A write that is visible and cannot be made durable is no failure, and no success.
		u.dead = true
		const mayBeLost = `{"n":1,"nModified":1,"errorLabels":["RetryableWriteError"]} concern: 11600`
		c.run(incX, s.retryable(3)).want(mayBeLost)
		// Of what may be lost nothing is read, at levels that promise that it is not.
		c.run(readX).want(`[{"n":3}]`)
		c.run(readX, `{"readConcern":{"level":"majority"}}`).want(`error 11600`)
		c.run(readX, lsid(2).starting(1), `{"readConcern":{"level":"snapshot"}}`).want(`error 11600 [TransientTransactionError]`)
		c.run(abort, lsid(2).within(1), w1).want(`error 251 [TransientTransactionError]`)
		u.dead = false
		c.run(incX, s.retryable(3)).want(`{"n":1,"retriedStmtIds":[0],"nModified":1}`)
	})
}

// unsure stands over a store whose commits succeed but are not heard of, and which
// then does nothing more, as an engine does whose disk has failed.
type unsure struct {
	commits bool // they are not heard of.
	begins  bool // they fail.
	dead    bool // nothing gets durable.
}

func (s unsureStore) WaitDurable(ctx context.Context, t kv.Time) error {
	if s.u.dead {
		return pebblekv.ErrDied
	}
	return s.Store.WaitDurable(ctx, t)
}

func (u *unsure) over(s kv.Store) kv.Store { return unsureStore{s, u} }

type unsureStore struct {
	kv.Store
	u *unsure
}

func (s unsureStore) Begin(ctx context.Context, opt kv.Options) (kv.Txn, error) {
	if s.u.begins {
		return nil, pebblekv.ErrDied
	}
	txn, err := s.Store.Begin(ctx, opt)
	return unsureTxn{txn, s.u}, err
}

type unsureTxn struct {
	kv.Txn
	u *unsure
}

func (t unsureTxn) Commit(ctx context.Context) (kv.Time, error) {
	at, err := t.Txn.Commit(ctx)
	if t.u.commits && err == nil {
		return 0, fmt.Errorf("%w: the disk has failed", kv.ErrOutcomeUnknown)
	}
	return at, err
}

// TestSnapshotSeesAcknowledged: a transaction that begins after a write was
// acknowledged sees it, whatever the level of either.
func TestSnapshotSeesAcknowledged(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		for i, level := range []string{"local", "majority", "snapshot"} {
			s := lsid(i + 1)
			h.conn().run(incX, w1).want(`{"n":1,"nModified":1}`)
			c := h.conn()
			c.run(readX, s.starting(1), fmt.Sprintf(`{"readConcern":{"level":%q}}`, level)).want(fmt.Sprintf(`[{"n":%d}]`, i+1))
			h.conn().run(incX, `{"writeConcern":{"w":0}}`)
			h.conn().run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$inc":{"n":-1}}}]}`, w1).want(`{"n":1,"nModified":1}`)
			c.run(readX, s.within(1)).want(fmt.Sprintf(`[{"n":%d}]`, i+1))
			c.run(commit, s.within(1)).want(`{}`)
		}
	})
}

// TestUniqueDeletedAfterSnapshot: a transaction inserts a unique value, or an
// _id, whose document was deleted after its snapshot. It still sees the document,
// so the value is taken, and it is told so at once.
func TestUniqueDeletedAfterSnapshot(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(`{"createIndexes":"c","indexes":[{"key":{"u":1},"name":"u","unique":true}]}`)
		c.run(`{"insert":"c","documents":[{"_id":1,"u":5},{"_id":2,"u":6}]}`).want(`{"n":2}`)
		s, holder := lsid(1), lsid(2)
		c.run(`{"find":"c","filter":{"_id":1}}`, s.starting(1)).want(`[{"_id":1,"u":5}]`)
		c.run(`{"find":"c","filter":{"_id":1}}`, lsid(3).starting(1)).want(`[{"_id":1,"u":5}]`)
		c.run(`{"delete":"c","deletes":[{"q":{"_id":1},"limit":1}]}`).want(`{"n":1}`)
		c.run(`{"insert":"c","documents":[{"_id":3,"u":5}]}`, s.within(1)).want(`{"n":0} at 0: 11000`)
		c.run(`{"insert":"c","documents":[{"_id":1,"u":7}]}`, lsid(3).within(1)).want(`{"n":0} at 0: 11000`)
		// The same while the delete is not committed: nobody waits for it.
		c.run(`{"delete":"c","deletes":[{"q":{"_id":2},"limit":1}]}`, holder.starting(1)).want(`{"n":1}`)
		c.run(`{"insert":"c","documents":[{"_id":4,"u":6}]}`, s.starting(2)).want(`{"n":0} at 0: 11000`)
		c.run(`{"insert":"c","documents":[{"_id":4,"u":6}]}`).want(`{"n":0} at 0: 11000`)
		c.run(commit, holder.within(1)).want(`{}`)
		c.run(`{"insert":"c","documents":[{"_id":4,"u":6},{"_id":1,"u":5}]}`, s.starting(3)).want(`{"n":2}`)
		c.run(commit, s.within(3)).want(`{}`)
	})
}

// TestClaimWithoutWrite: a transaction claims a key and leaves nothing at it. One
// that began earlier and wants the key after that commit conflicts all the same.
func TestClaimWithoutWrite(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(`{"createIndexes":"c","indexes":[{"key":{"u":1},"name":"u","unique":true}]}`)
		h.putX()
		first, older := lsid(1), lsid(2)
		c.run(readX, older.starting(1)).want(`[{"n":0}]`)
		c.run(readX, lsid(3).starting(1)).want(`[{"n":0}]`)
		c.run(`{"insert":"c","documents":[{"_id":"a","u":5}]}`, first.starting(1)).want(`{"n":1}`)
		c.run(`{"delete":"c","deletes":[{"q":{"_id":"a"},"limit":1}]}`, first.within(1)).want(`{"n":1}`)
		c.run(incX, first.within(1)).want(`{"n":1,"nModified":1}`)
		c.run(commit, first.within(1)).want(`{}`)
		c.run(`{"insert":"c","documents":[{"_id":"a","u":9}]}`, older.within(1)).want(`error 112 [TransientTransactionError]`)
		c.run(`{"insert":"c","documents":[{"_id":"b","u":5}]}`, lsid(3).within(1)).want(`error 112 [TransientTransactionError]`)
	})
}

// TestNoOpClaimsNothing: an update that changes nothing neither waits nor
// conflicts, inside a transaction and outside.
func TestNoOpClaimsNothing(t *testing.T) {
	const noOp = `{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"n":0}}}]}`
	inHouse(t, func(h *house) {
		h.putX()
		c, holder, s := h.conn(), lsid(1), lsid(2)
		c.run(incX, holder.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(noOp).want(`{"n":1,"nModified":0}`)
		c.run(noOp, s.starting(1)).want(`{"n":1,"nModified":0}`)
		c.run(commit, holder.within(1)).want(`{}`)
		c.run(noOp, s.within(1)).want(`{"n":1,"nModified":0}`)
		c.run(commit, s.within(1)).want(`{}`)
		c.run(readX).want(`[{"n":1}]`)
	})
}

// TestReadOnlyCommit commits transactions that have nothing to commit: no row is
// written, and the answer is the same as often as it is asked for.
func TestReadOnlyCommit(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		c, s := h.conn(), lsid(1)
		commits := h.engine.Stats().Commits
		c.run(readX, s.starting(1)).want(`[{"n":0}]`)
		c.run(commit, s.within(1)).want(`{}`)
		c.run(commit, s.within(1)).want(`{}`)
		c.run(abort, s.within(1)).want(`error 256`)
		c.run(readX, s.starting(2)).want(`[{"n":0}]`)
		c.run(abort, s.within(2)).want(`{}`)
		c.run(commit, s.within(2)).want(`error 251 [TransientTransactionError]`)
		if n := h.engine.Stats().Commits; n != commits {
			t.Errorf("%d commits reached the engine", n-commits)
		}
	})
}
