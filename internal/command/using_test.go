package command_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
)

const dropC = `{"drop":"c"}`

// TestChangeOutlastsTransactions has a drop wait for a transaction, and the
// transaction end in every way there is.
func TestChangeOutlastsTransactions(t *testing.T) {
	for name, end := range map[string]func(h *house, c *conn, s lsid){
		"commit":       func(_ *house, c *conn, s lsid) { c.run(commit, s.within(1)).want(`{}`) },
		"abort":        func(_ *house, c *conn, s lsid) { c.run(abort, s.within(1)).want(`{}`) },
		"killSessions": func(h *house, _ *conn, s lsid) { h.conn().run(s.kill()).want(`{}`) },
		"lifetime":     func(h *house, _ *conn, _ lsid) { h.pass(61 * time.Second) },
		"superseded":   func(_ *house, c *conn, s lsid) { c.run(`{"find":"o"}`, s.starting(2)).want(`[]`) },
		"failed":       func(_ *house, c *conn, s lsid) { c.run(putAll, s.within(1)) },
		"retryable": func(_ *house, c *conn, s lsid) {
			c.run(`{"insert":"o","documents":[{"_id":1}]}`, s.retryable(2)).want(`{"n":1}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				c, s := h.conn(), lsid(1)
				c.run(putAll).want(`{"n":4}`)
				c.run(inc(1, 1), s.starting(1)).want(`{"n":1,"nModified":1}`)
				p := h.conn().begin(dropC).waits()
				end(h, c, s)
				p.want(`{"nIndexesWas":1,"ns":"test.c"}`)
				c.run(abort, s.within(2))
			})
		})
	}
}

// TestInterruptedChange interrupts a change that waits for a transaction, and one
// that waits behind it. Neither leaves anything in anybody's way.
func TestInterruptedChange(t *testing.T) {
	for _, in := range interruptions {
		t.Run(in.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				c, d, user, s := h.conn(), h.conn(), lsid(1), lsid(2)
				c.run(putAll).want(`{"n":4}`)
				c.run(inc(1, 1), user.starting(1)).want(`{"n":1,"nModified":1}`)
				if in.more == "" {
					in.more = `{}`
				}
				p := d.begin(dropC, `{`+s.fields()+`}`, in.more).waits()
				in.end(h, d, s)
				p.want(in.want)
				c.run(inc(2, 1), lsid(3).starting(1)).want(`{"n":1,"nModified":1}`)
				c.run(abort, lsid(3).within(1)).want(`{}`)
				c.run(inc(2, 1)).want(`{"n":1,"nModified":1}`)
				c.run(commit, user.within(1)).want(`{}`)
				c.run(getAll).want(`[{"_id":1,"n":1} {"_id":2,"n":1} {"_id":3,"n":0} {"_id":9,"n":0}]`)
			})
		})
	}
}

// TestStopFreesWhoWaits: at the end of the process nobody waits any longer for
// transactions that cannot go on.
func TestStopFreesWhoWaits(t *testing.T) {
	inHouse(t, func(h *house) {
		c, user := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(1, 1), user.starting(1)).want(`{"n":1,"nModified":1}`)
		const incO = `{"update":"o","updates":[{"q":{"_id":1},"u":{"$inc":{"n":1}}}]}`
		c.run(`{"insert":"o","documents":[{"_id":1,"n":0}]}`).want(`{"n":1}`)
		c.run(incO, lsid(2).starting(1)).want(`{"n":1,"nModified":1}`)
		write := h.conn().begin(incO).waits()
		drop := h.conn().begin(dropC).waits()
		h.d.Stop()
		h.sessions.AbortIdle()
		write.want(`{"n":1,"nModified":1}`)
		drop.want(`{"nIndexesWas":1,"ns":"test.c"}`)
		c.run(commit, user.within(1)).want(`error 91 [RetryableWriteError]`)
	})
}

// TestFirstStatementOutlastsChange: nobody has seen anything of a transaction in
// its first statement, so it waits behind a change, and reads what the change left.
// A later statement does not.
func TestFirstStatementOutlastsChange(t *testing.T) {
	inHouse(t, func(h *house) {
		c, user, early, late := h.conn(), lsid(1), lsid(2), lsid(3)
		c.run(putAll).want(`{"n":4}`)
		c.run(`{"insert":"o","documents":[{"_id":1}]}`).want(`{"n":1}`)
		c.run(inc(1, 1), user.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(`{"find":"o"}`, early.starting(1)).want(`[{"_id":1}]`)
		p := h.conn().begin(dropC).waits()
		first := h.conn().begin(`{"insert":"c","documents":[{"_id":9}]}`, late.starting(1)).waits()
		second := h.conn().begin(`{"find":"c"}`, early.within(1)).waits()
		h.pass(5 * time.Millisecond)
		second.want(`error 24 [TransientTransactionError]`)
		c.run(commit, early.within(1)).want(`error 251 [TransientTransactionError]`)
		c.run(commit, user.within(1)).want(`{}`)
		p.want(`{"nIndexesWas":1,"ns":"test.c"}`)
		first.want(`{"n":1}`)
		c.run(commit, late.within(1)).want(`{}`)
		c.run(`{"find":"c"}`).want(`[{"_id":9}]`)
	})
}

// TestLockTimeoutText compares the message with the original's, but for the
// numbers that it makes up.
func TestLockTimeoutText(t *testing.T) {
	inHouse(t, func(h *house) {
		c, user, late := h.conn(), lsid(1), lsid(2)
		c.run(`{"setParameter":1,"writeConflictWaitMillis":0}`)
		c.run(`{"setParameter":1,"maxTransactionLockRequestTimeoutMillis":7}`)
		c.run(putAll).want(`{"n":4}`)
		c.run(getAll, user.starting(1))
		for i, change := range []struct{ cmd, want string }{
			{dropC, `^Unable to acquire IX lock on '\{\d+: Collection, \d+, test\.c\}' within 7ms\. opId: \d+, op: conn\d+, connId: \d+\.$`},
			{`{"dropDatabase":1}`, `^Unable to acquire IX lock on '\{\d+: Database, \d+, test\}' within 7ms\. opId: \d+, op: conn\d+, connId: \d+\.$`},
		} {
			p := h.conn().begin(change.cmd, `{"maxTimeMS":100}`).waits()
			r := c.run(getAll, late.starting(i+1))
			r.want(`error 24 [TransientTransactionError]`)
			if msg := bsonx.Str(bsonx.Get(r.doc, "errmsg")); !regexp.MustCompile(change.want).MatchString(msg) {
				t.Errorf("message %q", msg)
			}
			h.pass(93 * time.Millisecond)
			p.want(`error 50`)
		}
		c.run(abort, user.within(1)).want(`{}`)
	})
}
