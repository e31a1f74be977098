package command_test

import (
	"context"
	"testing"
	"time"
)

// TestSessionsExpire has sessions that nobody uses end, with their cursors and
// then with what their retryable writes and transactions left behind.
func TestSessionsExpire(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		idle, busy := lsid(1), lsid(2)
		c.run(`{"insert":"c","documents":[{"_id":1},{"_id":2},{"_id":3}]}`, idle.retryable(1)).want(`{"n":3}`)
		c.run(`{"update":"c","updates":[{"q":{"_id":1},"u":{"$set":{"a":1}}}]}`, idle.retryable(2)).want(`{"n":1,"nModified":1}`)
		c.run(`{"insert":"c","documents":[{"_id":4}]}`, busy.starting(1)).want(`{"n":1}`)
		c.run(commit, busy.within(1)).want(`{}`)
		c.run(`{"find":"c","batchSize":1}`, `{`+idle.fields()+`}`)
		reap := func(want int) {
			t.Helper()
			h.sessions.ExpireIdle()
			if n, err := h.sessions.Reap(context.Background()); err != nil || n != want {
				t.Fatalf("%d rows were reaped, %v", n, err)
			}
		}
		h.pass(29 * time.Minute)
		c.run(`{"ping":1}`, `{`+busy.fields()+`}`)
		reap(0)
		if n := h.sessions.Cursors().Open(); n != 1 {
			t.Errorf("%d cursors", n)
		}
		h.pass(2 * time.Minute)
		reap(1)
		if n := h.sessions.Cursors().Open(); n != 0 {
			t.Errorf("%d cursors", n)
		}
		h.conn().runOn("config", `{"aggregate":"transactions","pipeline":[{"$count":"n"}],"cursor":{}}`).want(`[{"n":1}]`)
		// The session is as new: its old numbers are forgotten.
		c.run(`{"update":"c","updates":[{"q":{"_id":1},"u":{"$set":{"a":2}}}]}`, idle.retryable(1)).want(`{"n":1,"nModified":1}`)
		// The other one remembers, for as long as it is used.
		c.run(`{"insert":"c","documents":[{"_id":5}]}`, busy.starting(1)).want(`error 117`)
		h.pass(31 * time.Minute)
		reap(2)
		h.conn().runOn("config", `{"aggregate":"transactions","pipeline":[{"$count":"n"}],"cursor":{}}`).want(`[]`)
	})
}

// TestReapSparesUsed: a session's record stays while the session is known, however
// old the record is.
func TestReapSparesUsed(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(`{"insert":"c","documents":[{"_id":1}]}`, s.retryable(1)).want(`{"n":1}`)
		for range 5 {
			h.pass(20 * time.Minute)
			c.run(`{"ping":1}`, `{`+s.fields()+`}`)
			h.sessions.ExpireIdle()
		}
		if n, err := h.sessions.Reap(context.Background()); err != nil || n != 0 {
			t.Fatalf("%d rows were reaped, %v", n, err)
		}
		c.run(`{"insert":"c","documents":[{"_id":1}]}`, s.retryable(1)).want(`{"n":1,"retriedStmtIds":[0]}`)
	})
}
