package command_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
)

const (
	putAll = `{"insert":"c","documents":[{"_id":1,"n":0},{"_id":2,"n":0},{"_id":3,"n":0},{"_id":9,"n":0}]}`
	incAll = `{"update":"c","updates":[{"q":{},"u":{"$inc":{"n":1}},"multi":true}]}`
	getAll = `{"find":"c","filter":{},"sort":{"_id":1}}`
)

// inc adds to one document.
func inc(id, by int) string {
	return fmt.Sprintf(`{"update":"c","updates":[{"q":{"_id":%d},"u":{"$inc":{"n":%d}}}]}`, id, by)
}

// TestFirstStatementRunsAgain has a transaction's first statement change some
// documents and wait for another. When its holder has committed, the statement
// runs again as a whole: what it changes is of one snapshot.
func TestFirstStatementRunsAgain(t *testing.T) {
	for _, end := range []struct{ name, cmd, want string }{
		{"commit", commit, `[{"_id":1,"n":1} {"_id":2,"n":101} {"_id":3,"n":1} {"_id":9,"n":11}]`},
		{"abort", abort, `[{"_id":1,"n":1} {"_id":2,"n":1} {"_id":3,"n":1} {"_id":9,"n":1}]`},
	} {
		t.Run(end.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				a, b, c := h.conn(), h.conn(), h.conn()
				holder, waiter := lsid(1), lsid(2)
				c.run(putAll).want(`{"n":4}`)
				a.run(inc(9, 10), holder.starting(1)).want(`{"n":1,"nModified":1}`)
				a.run(inc(2, 100), holder.within(1)).want(`{"n":1,"nModified":1}`)
				p := b.begin(incAll, waiter.starting(1)).waits()
				a.run(end.cmd, holder.within(1)).want(`{}`)
				p.want(`{"n":4,"nModified":4}`)
				b.run(getAll, waiter.within(1)).want(end.want)
				c.run(inc(1, 1), `{"maxTimeMS":1}`).want(`error 50`)
				b.run(commit, waiter.within(1)).want(`{}`)
				c.run(getAll).want(end.want)
			})
		})
	}
}

// TestLaterStatementNeverWaits: a transaction that has answered anything learns
// of a conflict at once.
func TestLaterStatementNeverWaits(t *testing.T) {
	inHouse(t, func(h *house) {
		a, b := h.conn(), h.conn()
		holder, loser := lsid(1), lsid(2)
		a.run(putAll).want(`{"n":4}`)
		b.run(inc(2, 1), loser.starting(1)).want(`{"n":1,"nModified":1}`)
		a.run(inc(1, 1), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		b.run(inc(1, 1), loser.within(1)).want(`error 112 [TransientTransactionError]`)
		b.run(commit, loser.within(1)).want(`error 251 [TransientTransactionError]`)
		a.run(abort, holder.within(1)).want(`{}`)
	})
}

// TestManyHoldsNoneWhileWaiting: a multi-document write outside transactions
// waits for a document of a transaction that wants one of its own. Both end.
func TestManyHoldsNoneWhileWaiting(t *testing.T) {
	for _, many := range []struct{ cmd, reply, want string }{
		{incAll, `{"n":4,"nModified":4}`, `[{"_id":1,"n":1} {"_id":2,"n":1} {"_id":3,"n":11} {"_id":9,"n":11}]`},
		{`{"delete":"c","deletes":[{"q":{},"limit":0}]}`, `{"n":4}`, `[]`},
	} {
		inHouse(t, func(h *house) {
			a, b := h.conn(), h.conn()
			s := lsid(1)
			a.run(putAll).want(`{"n":4}`)
			a.run(inc(9, 10), s.starting(1)).want(`{"n":1,"nModified":1}`)
			a.run(inc(3, 5), s.within(1)).want(`{"n":1,"nModified":1}`)
			p := b.begin(many.cmd).waits()
			a.run(inc(3, 5), s.within(1)).want(`{"n":1,"nModified":1}`)
			a.run(commit, s.within(1)).want(`{}`)
			p.want(many.reply)
			a.run(getAll).want(many.want)
		})
	}
}

// TestManyLetsOthersWriteWhatItHasChanged: while it waits for the last document,
// the ones before are free, also for a transaction that began earlier.
func TestManyLetsOthersWriteWhatItHasChanged(t *testing.T) {
	inHouse(t, func(h *house) {
		a, b, c := h.conn(), h.conn(), h.conn()
		s := lsid(1)
		a.run(putAll).want(`{"n":4}`)
		a.run(inc(9, 10), s.starting(1)).want(`{"n":1,"nModified":1}`)
		p := b.begin(incAll).waits()
		c.run(inc(1, 100)).want(`{"n":1,"nModified":1}`)
		c.run(`{"delete":"c","deletes":[{"q":{"_id":2},"limit":1}]}`).want(`{"n":1}`)
		a.run(commit, s.within(1)).want(`{}`)
		p.want(`{"n":4,"nModified":4}`)
		c.run(getAll).want(`[{"_id":1,"n":101} {"_id":3,"n":1} {"_id":9,"n":11}]`)
	})
}

// TestWaitersInTurn: who waits for a document gets it in the order of asking,
// whatever it asks by. A claim is handed over and not raced for again.
func TestWaitersInTurn(t *testing.T) {
	inHouse(t, func(h *house) {
		h.putX()
		c, holder := h.conn(), lsid(1)
		c.run(incX, holder.starting(1)).want(`{"n":1,"nModified":1}`)
		push := func(n int) string {
			return fmt.Sprintf(`{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$push":{"a":%d}}}]}`, n)
		}
		plain := h.conn().begin(push(1)).waits()
		retryable := h.conn().begin(push(2), lsid(2).retryable(1)).waits()
		statement := h.conn().begin(push(3), lsid(3).starting(1)).waits()
		many := h.conn().begin(`{"update":"c","updates":[{"q":{},"u":{"$push":{"a":4}},"multi":true}]}`).waits()
		modify := h.conn().begin(`{"findAndModify":"c","query":{"_id":"x"},"update":{"$push":{"a":5}},"new":true,"fields":{"_id":0,"a":1}}`).waits()
		c.run(commit, holder.within(1)).want(`{}`)
		plain.want(`{"n":1,"nModified":1}`)
		retryable.want(`{"n":1,"nModified":1}`)
		statement.want(`{"n":1,"nModified":1}`)
		many.waits() // for the transaction, which has begun and not ended.
		c.run(commit, lsid(3).within(1)).want(`{}`)
		many.want(`{"n":1,"nModified":1}`)
		modify.want(`{"lastErrorObject":{"n":1,"updatedExisting":true},"value":{"a":[1,2,3,4,5]}}`)
	})
}

// TestFirstStatementsDeadlock: two first statements wait for each other in a
// ring. Nobody has seen anything of them, so both succeed in the end.
func TestFirstStatementsDeadlock(t *testing.T) {
	inHouse(t, func(h *house) {
		a, b, c := h.conn(), h.conn(), h.conn()
		s1, s2, s3 := lsid(1), lsid(2), lsid(3)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(2, 100), s3.starting(1)).want(`{"n":1,"nModified":1}`)
		two := func(first, second int) string {
			return fmt.Sprintf(`{"update":"c","updates":[{"q":{"_id":%d},"u":{"$inc":{"n":1}}},{"q":{"_id":2},"u":{"$inc":{"n":1}}},{"q":{"_id":%d},"u":{"$inc":{"n":1}}}]}`, first, second)
		}
		p := a.begin(two(1, 3), s1.starting(1)).waits()
		q := b.begin(two(3, 1), s2.starting(1)).waits()
		c.run(abort, s3.within(1)).want(`{}`)
		synctest.Wait()
		winner, loser, w, l := a, b, s1, s2
		first, second := p, q
		if len(p.done) == 0 {
			winner, loser, w, l, first, second = b, a, s2, s1, q, p
		}
		first.want(`{"n":3,"nModified":3}`)
		second.waits()
		winner.run(commit, w.within(1)).want(`{}`)
		second.want(`{"n":3,"nModified":3}`)
		loser.run(commit, l.within(1)).want(`{}`)
		c.run(getAll).want(`[{"_id":1,"n":2} {"_id":2,"n":2} {"_id":3,"n":2} {"_id":9,"n":0}]`)
		if n := h.engine.Stats().Deadlocks; n == 0 {
			t.Error("there was no deadlock: the test does not test what it should")
		}
	})
}

// interruption is a way to end a statement that waits.
type interruption struct {
	name string
	end  func(h *house, waiter *conn, s lsid)
	want string
	more string // a field of the waiting command.
}

var interruptions = []interruption{
	{name: "killSessions", want: `error 11601`, end: func(h *house, _ *conn, s lsid) { h.conn().run(s.kill()).want(`{}`) }},
	{name: "killOp", want: `error 11601`, end: func(h *house, _ *conn, _ lsid) {
		ops := bsonx.AsDoc(bsonx.Get(h.conn().run(`{"currentOp":1,"waitingForLock":true}`).doc, "inprog"))
		if bsonx.Len(ops) != 1 {
			h.t.Fatalf("not one operation waits: %s", bsonx.ToJSON(ops))
		}
		id := bsonx.AsInt64(bsonx.Get(bsonx.AsDoc(bsonx.Get(ops, "0")), "opid"))
		h.conn().run(fmt.Sprintf(`{"killOp":1,"op":%d}`, id)).want(`{"info":"attempting to kill op"}`)
	}},
	{name: "disconnect", want: `error 279`, end: func(_ *house, waiter *conn, _ lsid) { waiter.hangUp() }},
	{name: "maxTimeMS", want: `error 50`, more: `{"maxTimeMS":100}`, end: func(h *house, _ *conn, _ lsid) {
		h.pass(99 * time.Millisecond) // in the bubble: no time passes outside.
		if len(h.waiting())+len(h.db.Locks().Waiting()) == 0 {
			h.t.Error("interrupted too soon")
		}
		h.pass(time.Millisecond)
	}},
}

// TestInterruptedWait interrupts what waits for a document, inside a transaction
// and outside. It leaves no claim, neither on what it waited for nor on what it
// had changed before.
func TestInterruptedWait(t *testing.T) {
	const both = `{"update":"c","updates":[{"q":{"_id":1},"u":{"$inc":{"n":1}}},{"q":{"_id":9},"u":{"$inc":{"n":1}}}]}`
	for _, in := range interruptions {
		for _, kind := range []string{"statement", "retryable", "many"} {
			t.Run(in.name+"/"+kind, func(t *testing.T) {
				inHouse(t, func(h *house) {
					a, b := h.conn(), h.conn()
					holder, s := lsid(1), lsid(2)
					a.run(putAll).want(`{"n":4}`)
					a.run(inc(9, 10), holder.starting(1)).want(`{"n":1,"nModified":1}`)
					cmd, fields, done := both, s.starting(1), 0
					switch kind {
					case "retryable":
						fields, done = s.retryable(1), 1
					case "many":
						cmd, fields, done = incAll, `{`+s.fields()+`}`, 1
					}
					if in.more == "" {
						in.more = `{}`
					}
					p := b.begin(cmd, fields, in.more).waits()
					in.end(h, b, s)
					p.want(in.want)
					if st := h.engine.Stats(); st.Waiting != 0 || st.ClaimsHeld != 1 {
						t.Errorf("%d wait, %d claims are held", st.Waiting, st.ClaimsHeld)
					}
					c := h.conn()
					c.run(inc(1, 100), `{"maxTimeMS":1}`).want(`{"n":1,"nModified":1}`)
					a.run(commit, holder.within(1)).want(`{}`)
					if kind == "statement" {
						c.run(commit, s.within(1)).want(`error 251 [TransientTransactionError]`)
					}
					c.run(inc(1, 100), s.retryable(2)).want(`{"n":1,"nModified":1}`)
					c.run(`{"find":"c","filter":{"_id":1}}`).want(fmt.Sprintf(`[{"_id":1,"n":%d}]`, 200+done))
				})
			})
		}
	}
}

// TestLifetime ends a transaction that is open for too long: at rest, and while
// its first statement waits.
func TestLifetime(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		c.run(`{"setParameter":1,"transactionLifetimeLimitSeconds":3}`)
		idle, waiter := lsid(1), lsid(2)
		c.run(inc(9, 1), idle.starting(1)).want(`{"n":1,"nModified":1}`)
		h.pass(time.Second)
		p := h.conn().begin(inc(9, 1), waiter.starting(1)).waits()
		h.pass(2*time.Second - 1)
		p.waits()
		h.pass(1)
		p.want(`{"n":1,"nModified":1}`) // the idle one has gone.
		c.run(inc(9, 1), idle.within(1)).want(`error 251 [TransientTransactionError]`)

		p = h.conn().begin(inc(9, 1), idle.starting(2)).waits()
		c.run(`{"setParameter":1,"transactionLifetimeLimitSeconds":60}`)
		c.run(inc(9, 1), lsid(3).starting(1), `{"maxTimeMS":500}`).want(`error 50`)
		h.pass(500 * time.Millisecond)
		p.want(`{"n":1,"nModified":1}`) // so has the waiter, a second later.
		c.run(commit, waiter.within(1)).want(`error 251 [TransientTransactionError]`)

		blocked := h.conn().begin(inc(9, 1), lsid(4).starting(1)).waits()
		h.pass(2500 * time.Millisecond) // idle's second transaction was given three.
		blocked.want(`{"n":1,"nModified":1}`)
		c.run(abort, lsid(4).within(1)).want(`{}`)
		c.run(commit, idle.within(2)).want(`error 251 [TransientTransactionError]`)
	})
}

// TestLifetimeInterrupts tells 290 to the statement that runs when the lifetime
// is over, and 251 from then on.
func TestLifetimeInterrupts(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		holder, s := lsid(1), lsid(2)
		c.run(inc(9, 1), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(`{"setParameter":1,"transactionLifetimeLimitSeconds":1}`)
		p := h.conn().begin(inc(9, 1), s.starting(1)).waits()
		queued := h.conn().begin(inc(1, 1), s.within(1)).waits()
		h.pass(time.Second)
		p.want(`error 290`)
		queued.want(`error 251 [TransientTransactionError]`)
		c.run(inc(1, 1), s.within(1)).want(`error 251 [TransientTransactionError]`)
		c.run(commit, s.within(1)).want(`error 251 [TransientTransactionError]`)
		c.run(commit, holder.within(1)).want(`{}`)
	})
}

// TestCheckOutQueue sends two statements of one transaction at once: the second
// runs when the first has ended, and sees what it did.
func TestCheckOutQueue(t *testing.T) {
	inHouse(t, func(h *house) {
		a, b, c := h.conn(), h.conn(), h.conn()
		holder, s := lsid(1), lsid(2)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(9, 10), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		first := a.begin(inc(9, 1), s.starting(1)).waits()
		second := b.begin(`{"find":"c","filter":{"_id":9}}`, s.within(1)).waits()
		third := h.conn().begin(commit, s.within(1), `{"maxTimeMS":1000}`).waits()
		h.pass(time.Second)
		third.want(`error 50`) // it leaves the queue, and the transaction alone.
		c.run(commit, holder.within(1)).want(`{}`)
		first.want(`{"n":1,"nModified":1}`)
		second.want(`[{"_id":9,"n":11}]`)
		b.run(commit, s.within(1)).want(`{}`)
	})
}

// TestKillWhileQueued kills a session whose second request waits for its first:
// both are told.
func TestKillWhileQueued(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		holder, s := lsid(1), lsid(2)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(9, 10), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		first := h.conn().begin(inc(9, 1), s.starting(1)).waits()
		second := h.conn().begin(inc(1, 1), s.within(1)).waits()
		c.run(s.kill()).want(`{}`)
		first.want(`error 11601`)
		second.want(`error 11601`)
		c.run(abort, holder.within(1)).want(`{}`)
		c.run(inc(9, 1), s.starting(2)).want(`{"n":1,"nModified":1}`)
		c.run(commit, s.within(2)).want(`{}`)
	})
}

// TestKillOpenTransaction kills a session at rest: its transaction is aborted,
// and its number used up.
func TestKillOpenTransaction(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(9, 10), s.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(`{"find":"c","batchSize":2}`, s.within(1)).want(`[{"_id":1,"n":0} {"_id":2,"n":0}]`)
		c.run(s.kill()).want(`{}`)
		c.run(inc(9, 1), `{"maxTimeMS":1}`).want(`{"n":1,"nModified":1}`)
		c.run(commit, s.within(1)).want(`error 251 [TransientTransactionError]`)
		c.run(inc(9, 1), s.starting(1)).want(`error 251 [TransientTransactionError]`)
	})
}

// TestStatementOvertakesStart sends the statements of a transaction at once, and
// the one that starts it last: they wait for it.
func TestStatementOvertakesStart(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		early := h.conn().begin(inc(1, 1), s.within(1)).waits()
		reader := h.conn().begin(`{"find":"c","filter":{"_id":9}}`, s.within(1)).waits()
		gone := h.conn()
		left := gone.begin(inc(1, 1), s.within(1)).waits()
		gone.hangUp()
		left.want(`error 279`)
		c.run(inc(2, 1), s.starting(1)).want(`{"n":1,"nModified":1}`)
		early.want(`{"n":1,"nModified":1}`)
		reader.want(`[{"_id":9,"n":0}]`)
		c.run(commit, s.within(1)).want(`{}`)
		c.run(`{"find":"c","filter":{"_id":1}}`).want(`[{"_id":1,"n":1}]`)
	})
}

// TestStartNeverComes sends statements of transactions that nobody starts, or
// that failed at their start: they are told so, the former after a while.
func TestStartNeverComes(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		lonely := h.conn().begin(inc(1, 1), s.within(1)).waits()
		h.pass(time.Second)
		lonely.want(`error 251 [TransientTransactionError]`)

		late := h.conn().begin(inc(1, 1), s.within(2)).waits()
		c.run(`{"insert":"c","documents":[{"_id":1}]}`, s.starting(2)).want(`{"n":0} at 0: 11000`)
		late.want(`error 251 [TransientTransactionError]`)

		c.run(`{"setParameter":1,"writeConflictWaitMillis":0}`)
		c.run(inc(1, 1), s.within(3)).want(`error 251 [TransientTransactionError]`)
	})
}

// TestRetryQueuesForWhatWasLost has a transaction lose a document after it has
// shown results. The session's next one waits for the holder before it reads, and
// nobody comes in between.
func TestRetryQueuesForWhatWasLost(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		holder, s, rival := lsid(1), lsid(2), lsid(3)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(9, 10), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(`{"find":"c","filter":{"_id":9}}`, s.starting(1)).want(`[{"_id":9,"n":0}]`)
		c.run(inc(9, 1), s.within(1)).want(`error 112 [TransientTransactionError]`)

		retry := h.conn().begin(`{"find":"c","filter":{"_id":9}}`, s.starting(2)).waits()
		c.run(commit, holder.within(1)).want(`{}`)
		retry.want(`[{"_id":9,"n":10}]`)
		c.run(`{"find":"c","filter":{"_id":9}}`, rival.starting(1)).want(`[{"_id":9,"n":10}]`)
		c.run(inc(9, 1), rival.within(1)).want(`error 112 [TransientTransactionError]`)
		c.run(inc(9, 1), s.within(2)).want(`{"n":1,"nModified":1}`)
		c.run(commit, s.within(2)).want(`{}`)
	})
}

// TestRetryWithoutItsLoss has the next transaction of a session do something
// else: what it queued for is no conflict to anybody afterwards.
func TestRetryWithoutItsLoss(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		holder, s, reader := lsid(1), lsid(2), lsid(3)
		c.run(putAll).want(`{"n":4}`)
		c.run(inc(9, 10), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(inc(1, 1), s.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(inc(9, 1), s.within(1)).want(`error 112 [TransientTransactionError]`)
		c.run(commit, holder.within(1)).want(`{}`)

		c.run(`{"find":"c","filter":{"_id":9}}`, reader.starting(1)).want(`[{"_id":9,"n":10}]`)
		c.run(inc(2, 1), s.starting(2)).want(`{"n":1,"nModified":1}`)
		c.run(commit, s.within(2)).want(`{}`)
		c.run(inc(9, 1), reader.within(1)).want(`{"n":1,"nModified":1}`)
		c.run(commit, reader.within(1)).want(`{}`)
	})
}

// TestRetryWaitIsBounded: the holder does not end, and the retry goes on without
// what it queued for.
func TestRetryWaitIsBounded(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		holder, s := lsid(1), lsid(2)
		c.run(putAll).want(`{"n":4}`)
		c.run(`{"setParameter":1,"writeConflictWaitMillis":500}`)
		c.run(inc(9, 10), holder.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(inc(1, 1), s.starting(1)).want(`{"n":1,"nModified":1}`)
		c.run(inc(9, 1), s.within(1)).want(`error 112 [TransientTransactionError]`)
		retry := h.conn().begin(inc(1, 1), s.starting(2)).waits()
		h.pass(500 * time.Millisecond)
		retry.want(`{"n":1,"nModified":1}`)
		c.run(abort, holder.within(1)).want(`{}`)
		c.run(commit, s.within(2)).want(`{}`)
	})
}

// TestStatementsThatAllStart sends statements that all say that they start their
// transaction, as drivers do until they have a reply: the first does.
func TestStatementsThatAllStart(t *testing.T) {
	inHouse(t, func(h *house) {
		c, s := h.conn(), lsid(1)
		c.run(putAll).want(`{"n":4}`)
		majority := `{"readConcern":{"level":"majority"}}`
		c.run(inc(1, 1), s.starting(1), majority).want(`{"n":1,"nModified":1}`)
		c.run(inc(2, 1), s.starting(1), majority).want(`{"n":1,"nModified":1}`)
		c.run(inc(3, 1), s.within(1), majority).want(`{"n":1,"nModified":1}`)
		c.run(inc(3, 1), s.within(1), `{"readConcern":{"level":"snapshot"}}`).want(`error 72`)
		c.run(commit, s.within(1)).want(`{}`)
		c.run(inc(1, 1), s.starting(1)).want(`error 117`)
		c.run(`{"find":"c"}`).want(`[{"_id":1,"n":1} {"_id":2,"n":1} {"_id":3,"n":1} {"_id":9,"n":0}]`)

		c.run(`{"insert":"c","documents":[{"_id":1}]}`, s.starting(2)).want(`{"n":0} at 0: 11000`)
		c.run(inc(1, 1), s.starting(2)).want(`error 251 [TransientTransactionError]`)

		c.run(`{"setParameter":1,"writeConflictWaitMillis":0}`)
		c.run(inc(1, 1), s.starting(3)).want(`{"n":1,"nModified":1}`)
		c.run(inc(2, 1), s.within(3), majority).want(`error 72`)
		c.run(inc(2, 1), s.starting(3)).want(`error 117`)
		c.run(abort, s.within(3)).want(`{}`)
	})
}
