package command_test

import (
	"context"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

// forgetful is a store that says "durable" without having synced: the planted
// bug that the tests of durable replies must find.
type forgetful struct{ kv.Store }

func (forgetful) WaitDurable(context.Context, kv.Time) error { return nil }

// dependents are commands whose reply tells something of a write that is not
// durable yet, at a level that promises that it is. They change nothing themselves.
var dependents = []struct {
	name string
	run  func(h *house, c *conn)
}{
	{"no-op update", func(_ *house, c *conn) {
		c.run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"n":1}}}]}`).want(`{"n":1,"nModified":0}`)
	}},
	{"no-op update, journaled", func(_ *house, c *conn) {
		c.run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"n":1}}}],"writeConcern":{"w":1,"j":true}}`).want(`{"n":1,"nModified":0}`)
	}},
	{"no-op update of many", func(_ *house, c *conn) {
		c.run(`{"update":"c","updates":[{"q":{},"u":{"$set":{"n":1}},"multi":true}]}`).want(`{"n":1,"nModified":0}`)
	}},
	{"no-op findAndModify", func(_ *house, c *conn) {
		c.run(`{"findAndModify":"c","query":{"_id":"x"},"update":{"$set":{"n":1}}}`).want(`{"lastErrorObject":{"n":1,"updatedExisting":true},"value":{"_id":"x","n":1,"u":5}}`)
	}},
	{"delete of nothing", func(_ *house, c *conn) {
		c.run(`{"delete":"c","deletes":[{"q":{"_id":"x","n":0},"limit":1}]}`).want(`{"n":0}`)
	}},
	{"duplicate key", func(_ *house, c *conn) {
		c.run(`{"insert":"c","documents":[{"_id":"u","u":5}]}`).want(`{"n":0} at 0: 11000`)
	}},
	{"duplicate key of an update", func(_ *house, c *conn) {
		c.run(`{"update":"c","updates":[{"q":{"_id":"y"},"u":{"$set":{"u":5}},"upsert":true}]}`).want(`{"n":0,"nModified":0} at 0: 11000`)
	}},
	{"duplicate key of findAndModify", func(_ *house, c *conn) {
		c.run(`{"findAndModify":"c","query":{"_id":"y"},"update":{"$set":{"u":5}},"upsert":true}`).want(`error 11000`)
	}},
	{"replayed retry", func(_ *house, c *conn) {
		c.run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"n":1,"u":5}}}]}`, lsid(1).retryable(1)).want(`{"n":1,"retriedStmtIds":[0],"nModified":1}`)
	}},
	{"majority read", func(_ *house, c *conn) { c.run(readX, `{"readConcern":{"level":"majority"}}`).want(`[{"n":1,"u":5}]`) }},
	{"linearizable read", func(_ *house, c *conn) {
		c.run(readX, `{"readConcern":{"level":"linearizable"}}`).want(`[{"n":1,"u":5}]`)
	}},
	{"snapshot read", func(_ *house, c *conn) { c.run(readX, `{"readConcern":{"level":"snapshot"}}`).want(`[{"n":1,"u":5}]`) }},
	{"majority aggregate", func(_ *house, c *conn) {
		c.run(`{"aggregate":"c","pipeline":[{"$project":{"_id":0}}],"cursor":{},"readConcern":{"level":"majority"}}`).want(`[{"n":1,"u":5}]`)
	}},
	{"majority read that fails", func(_ *house, c *conn) {
		c.run(`{"find":"c","filter":{"$expr":{"$divide":[1,{"$subtract":["$n",1]}]}},"readConcern":{"level":"majority"}}`).want(`error 2`)
	}},
	{"first statement of a snapshot transaction", func(h *house, c *conn) {
		c.run(readX, lsid(2).starting(1), `{"readConcern":{"level":"snapshot"}}`).want(`[{"n":1,"u":5}]`)
	}},
	{"first statement of a majority transaction", func(h *house, c *conn) {
		c.run(readX, lsid(2).starting(1), `{"readConcern":{"level":"majority"}}`).want(`[{"n":1,"u":5}]`)
	}},
	{"first statement that fails", func(h *house, c *conn) {
		c.run(`{"insert":"c","documents":[{"_id":"u","u":5}]}`, lsid(2).starting(1), `{"readConcern":{"level":"snapshot"}}`).want(`{"n":0} at 0: 11000`)
	}},
	{"read-only commit", func(h *house, c *conn) {
		c.run(readX, lsid(2).starting(1)).want(`[{"n":1,"u":5}]`)
		c.run(commit, lsid(2).within(1)).want(`{}`)
	}},
	{"commit without effect", func(h *house, c *conn) {
		c.run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"n":1}}}]}`, lsid(2).starting(1)).want(`{"n":1,"nModified":0}`)
		c.run(commit, lsid(2).within(1)).want(`{}`)
	}},
	{"commit again", func(h *house, c *conn) {
		c.run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"m":1}}}]}`, lsid(2).starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(commit, lsid(2).within(1), w1).want(`{}`)
		c.run(commit, lsid(2).within(1)).want(`{}`)
	}},
}

// TestDurableReply: a write is acknowledged while it is not durable; another
// client is told of it at a level that promises durability; the power fails. The
// write is there.
func TestDurableReply(t *testing.T) {
	for _, dep := range dependents {
		t.Run(dep.name, func(t *testing.T) {
			if n := survivor(t, nil, dep.run); n != 1 {
				t.Errorf("n is %d after the crash: what was told is gone", n)
			}
		})
	}
}

// TestDurableReplyBites plants a bug that each of those must find, and shows that
// without a dependent reply the write is indeed lost.
func TestDurableReplyBites(t *testing.T) {
	for _, dep := range dependents {
		t.Run(dep.name, func(t *testing.T) {
			if n := survivor(t, func(s kv.Store) kv.Store { return forgetful{s} }, dep.run); n == 1 {
				t.Error("the write survives though nothing was synced: the test proves nothing")
			}
		})
	}
	t.Run("nobody asks", func(t *testing.T) {
		if n := survivor(t, nil, func(*house, *conn) {}); n != 0 {
			t.Errorf("n is %d: an unsynced write survives, or more is lost than was at risk", n)
		}
	})
	t.Run("weaker levels", func(t *testing.T) {
		if n := survivor(t, nil, func(_ *house, c *conn) {
			c.run(readX, `{"readConcern":{"level":"local"}}`).want(`[{"n":1,"u":5}]`)
			c.run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"n":1}}}]}`, w1).want(`{"n":1,"nModified":0}`)
			c.run(readX, lsid(2).starting(1)).want(`[{"n":1,"u":5}]`)
			c.run(commit, lsid(2).within(1), w1).want(`{}`)
		}); n != 0 {
			t.Errorf("n is %d: somebody syncs who need not", n)
		}
	})
}

// survivor writes n=1 without waiting for durability, has run depend on it, cuts
// the power, and returns the n that is found then: -1 if there is none.
func survivor(t *testing.T, over func(kv.Store) kv.Store, run func(*house, *conn)) (n int) {
	t.Helper()
	inHouseOver(t, over, func(h *house) {
		a, b := h.conn(), h.conn()
		a.run(`{"createIndexes":"c","indexes":[{"key":{"u":1},"name":"u","unique":true,"sparse":true}]}`)
		h.putX()
		a.run(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$set":{"n":1,"u":5}}}],"writeConcern":{"w":1}}`, lsid(1).retryable(1)).want(`{"n":1,"nModified":1}`)
		run(h, b)
		h = h.crash()
		switch got := h.conn().run(readX).String(); got {
		case `[{"n":1,"u":5}]`, `[{"n":1,"u":5,"m":1}]`:
			n = 1
		case `[{"n":0}]`:
			n = 0
		default:
			n = -1
		}
	})
	return n
}

// TestCommitSurvives: what a transaction's commit has acknowledged is there after
// a crash, all of it, and the commit can be asked for again.
func TestCommitSurvives(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		c, s := h.conn(), lsid(1)
		c.run(incX, s.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(`{"insert":"c","documents":[{"_id":1},{"_id":2}]}`, s.within(1)).want(`{"n":2}`)
		c.run(commit, s.within(1)).want(`{}`)
		for range 2 {
			h = h.crash()
			c = h.conn()
			c.run(commit, s.within(1)).want(`{}`)
			c.run(getAll).want(`[{"_id":1} {"_id":2} {"_id":"x","n":1}]`)
			c.run(abort, s.within(1)).want(`error 256`)
			c.run(incX, s.within(1)).want(`error 256`)
		}
		c.run(incX, s.starting(2)).want(`{"n":1,"nModified":1}`)
		h = h.crash() // an open transaction dies with the process.
		c = h.conn()
		c.run(commit, s.within(2)).want(`error 251 [TransientTransactionError]`)
		c.run(readX).want(`[{"n":1}]`)
	})
}

// TestCommitLostWhole: a commit that nobody was promised may be lost, but only as
// a whole, and its retry is told so.
func TestCommitLostWhole(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		c, s := h.conn(), lsid(1)
		c.run(incX, s.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(`{"insert":"c","documents":[{"_id":1}]}`, s.within(1)).want(`{"n":1}`)
		c.run(commit, s.within(1), w1).want(`{}`)
		h = h.crash()
		c = h.conn()
		c.run(commit, s.within(1)).want(`error 251 [TransientTransactionError]`)
		c.run(getAll).want(`[{"_id":"x","n":0}]`)
	})
}

// TestDurableAfterWaiting: a first statement waits for a document, and is run again
// on the state of the commit that it has waited for, which is not durable. Its
// reply, and the one that fails, tell of that commit.
func TestDurableAfterWaiting(t *testing.T) {
	for _, c := range []struct{ name, statement, want string }{
		{"it succeeds", incX, `{"n":1,"nModified":1}`},
		{"it fails", `{"update":"c","updates":[{"q":{"_id":"x","n":0},"u":{"$inc":{"n":1}}}]}`, `{"n":0,"nModified":0}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				h.putX()
				holder, s := lsid(1), lsid(2)
				h.conn().run(incX, holder.starting(1)).want(`{"n":1,"nModified":1}`)
				waits := h.conn().begin(c.statement, s.starting(1), `{"readConcern":{"level":"snapshot"}}`).waits()
				h.conn().run(commit, holder.within(1), w1).want(`{}`)
				waits.want(c.want)
				h = h.crash()
				h.conn().run(readX).want(`[{"n":1}]`)
			})
		})
	}
}
