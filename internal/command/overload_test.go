package command_test

import (
	"strings"
	"testing"
	"time"
)

// wantOverload holds the answer to whoever is one too many.
func (r reply) wantOverload(code int, labels, says string) {
	r.t.Helper()
	if msg := r.shown("errmsg"); r.code() != code || r.shown("errorLabels") != labels || r.shown("baseBackoffMS") != "100" || !strings.Contains(msg, says) {
		r.t.Errorf("%s %s %s %s", r, r.shown("errorLabels"), r.shown("baseBackoffMS"), msg)
	}
}

// TestConflictStorm: the queue for a document is as long as it may be, and whoever
// comes then is refused at once, in a way that drivers back off from.
func TestConflictStorm(t *testing.T) {
	inHouse(t, func(h *house) {
		h.conn().run(`{"setParameter":1,"writeConflictWaitersMax":2}`).want(`{"was":1000}`)
		a, holder, late := h.conn(), lsid(1), lsid(9)
		a.run(putAll).want(`{"n":4}`)
		a.run(inc(1, 1), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		first, second := h.conn().begin(inc(1, 10)).waits(), h.conn().begin(inc(1, 100), lsid(2).starting(1)).waits()
		c := h.conn()
		c.run(inc(1, 1000)).wantOverload(433, `[ "SystemOverloadedError", "RetryableError" ]`, "'writeConflictWaitersMax' = ")
		c.run(inc(1, 1000), late.retryable(1)).wantOverload(433, `[ "SystemOverloadedError", "RetryableError" ]`, "2 others wait")
		c.run(inc(1, 1000), late.starting(2)).wantOverload(112, `[ "TransientTransactionError", "SystemOverloadedError" ]`, "_id: 1: held by another transaction")
		c.run(commit, late.within(2)).want(`error 251 [TransientTransactionError]`)
		// What a batch has done already is told; then nothing says "try again".
		c.run(`{"update":"c","updates":[{"q":{"_id":2},"u":{"$inc":{"n":1}}},{"q":{"_id":1},"u":{"$inc":{"n":1000}}}]}`).want(`{"n":1,"nModified":1} at 1: 433`)
		c.run(inc(3, 1)).want(`{"n":1,"nModified":1}`)
		a.run(commit, holder.within(1)).want(`{}`)
		first.want(`{"n":1,"nModified":1}`)
		second.want(`{"n":1,"nModified":1}`)
		c.run(abort, lsid(2).within(1)).want(`{}`)
		c.run(inc(1, 1000), late.retryable(3)).want(`{"n":1,"nModified":1}`)
		c.run(getAll).want(`[{"_id":1,"n":1011} {"_id":2,"n":1} {"_id":3,"n":1} {"_id":9,"n":0}]`)
	})
}

// TestRetryInConflictStorm: a transaction that was one too many does not get into the
// queue by being tried again.
func TestRetryInConflictStorm(t *testing.T) {
	inHouse(t, func(h *house) {
		h.conn().run(`{"setParameter":1,"writeConflictWaitersMax":1}`).want(`{"was":1000}`)
		a, holder, late := h.conn(), lsid(1), lsid(9)
		a.run(putAll).want(`{"n":4}`)
		a.run(inc(1, 1), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		waiting := h.conn().begin(inc(1, 10)).waits()
		for n := range 3 {
			before := time.Now()
			h.conn().run(inc(1, 100), late.starting(n+1)).wantOverload(112, `[ "TransientTransactionError", "SystemOverloadedError" ]`, "1 others wait")
			if waited := time.Since(before); waited > 0 {
				t.Errorf("attempt %d has waited for %v", n+1, waited)
			}
		}
		a.run(commit, holder.within(1)).want(`{}`)
		waiting.want(`{"n":1,"nModified":1}`)
	})
}

// TestTooManyTransactions: one more than may be open does not begin, and the same
// command begins it when there is room.
func TestTooManyTransactions(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		c.run(`{"setParameter":1,"maxConcurrentMultiDocumentTransactions":2}`).want(`{"was":10000}`)
		c.run(inc(1, 1), lsid(1).starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(inc(2, 1), lsid(2).starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(inc(3, 1), lsid(3).starting(1)).wantOverload(433, `[ "SystemOverloadedError", "RetryableError" ]`,
			"2 transactions are open, and no more than 'maxConcurrentMultiDocumentTransactions' = 2 may be")
		c.run(inc(2, 1), lsid(2).starting(2)).want(`{"n":1,"nModified":1}`) // in place of its own.
		c.run(abort, lsid(1).within(1)).want(`{}`)
		c.run(inc(3, 1), lsid(3).starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(commit, lsid(3).within(1)).want(`{}`)
		c.run(`{"setParameter":1,"maxConcurrentMultiDocumentTransactions":0}`).want(`{"was":2}`)
		c.run(inc(1, 1), lsid(4).starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(abort, lsid(4).within(1)).want(`{}`)
		c.run(commit, lsid(2).within(2)).want(`{}`)
	})
}

// TestTooManyCursors: one more than may be open is refused; reading to the end is not.
func TestTooManyCursors(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		c.run(`{"setParameter":1,"maxOpenCursors":1}`).want(`{"was":100000}`)
		c.run(`{"find":"c","batchSize":1}`)
		c.run(`{"find":"c","batchSize":1}`).wantOverload(433, `[ "SystemOverloadedError", "RetryableError" ]`, "1 cursors are open, and no more than 'maxOpenCursors' = 1 may be")
		c.run(`{"find":"c","filter":{"_id":1}}`).want(`[{"_id":1,"n":0}]`)
		// Idle ones close by themselves.
		h.pass(h.params.CursorTimeoutMillis.Millis() + time.Second)
		if n := h.d.IdleCursors(h.params.CursorTimeoutMillis.Millis()); n != 1 {
			t.Errorf("%d were closed", n)
		}
		c.run(`{"find":"c","batchSize":3}`).want(`[{"_id":1,"n":0} {"_id":2,"n":0} {"_id":3,"n":0}]`)
		h.pass(h.params.CursorTimeoutMillis.Millis() + time.Second)
		h.d.IdleCursors(h.params.CursorTimeoutMillis.Millis())
	})
}

// TestIdleCursorsOfSessions: a session's cursors end with it, or by the time-out of
// all cursors if enableTimeoutOfInactiveSessionCursors says so.
func TestIdleCursorsOfSessions(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		c.run(`{"find":"c","batchSize":1}`, `{`+lsid(1).fields()+`}`)
		limit := h.params.CursorTimeoutMillis.Millis()
		h.pass(limit + time.Second)
		if n := h.d.IdleCursors(limit); n != 0 {
			t.Errorf("%d were closed", n)
		}
		c.run(`{"setParameter":1,"enableTimeoutOfInactiveSessionCursors":true}`).want(`{"was":false}`)
		if n := h.d.IdleCursors(limit); n != 1 {
			t.Errorf("%d were closed", n)
		}
	})
}

// TestLifetimeIsExplained: whoever comes too late is told how long there was.
func TestLifetimeIsExplained(t *testing.T) {
	inHouse(t, func(h *house) {
		c, b := h.conn(), h.conn()
		c.run(putAll).want(`{"n":4}`)
		c.run(`{"setParameter":1,"transactionLifetimeLimitSeconds":7}`).want(`{"was":60}`)
		c.run(inc(1, 1), lsid(1).starting(1)).want(`{"n":1,"nModified":1}`)
		h.pass(3 * time.Second)
		// A first statement that waits is interrupted by its own transaction's end.
		c.run(inc(2, 1), lsid(1).within(1)).want(`{"n":1,"nModified":1}`)
		p := b.begin(inc(1, 1), lsid(2).starting(1)).waits()
		h.pass(4*time.Second + time.Millisecond)
		p.want(`{"n":1,"nModified":1}`) // the first one has expired.
		late := c.run(inc(1, 1), lsid(1).within(1))
		late.want(`error 251 [TransientTransactionError]`)
		if msg := late.shown("errmsg"); !strings.Contains(msg, "It was open for 7 s, and 'transactionLifetimeLimitSeconds' was 7.") {
			t.Error(msg)
		}
		h.pass(8 * time.Second)
	})
}
