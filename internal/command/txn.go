package command

import (
	"context"
	"errors"
	"time"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/param"
	"github.com/pandodb/pando/internal/session"
)

// inSession runs a command that carries a txnNumber: its session is checked out
// for as long as it runs (3.5, steps 12 to 17).
func (d *Dispatcher) inSession(ctx context.Context, c *Call) error {
	s, err := d.checkOut(ctx, c)
	if err != nil {
		return err
	}
	defer s.CheckIn()
	s.Running(c.op.cancel, c.Peer.client())
	c.Session = s
	c.entered = true
	n := c.Gen.TxnNumber
	if err := s.Match(c.Name, c.Gen.API); err != nil {
		return err
	}
	if !c.Gen.InTxn() {
		if err := s.BeginRetryable(ctx, n); err != nil {
			return err
		}
		return c.run(ctx)
	}
	if c.Spec.Txn == Ends {
		return c.Spec.Run(ctx, c)
	}
	t, err := d.enter(s, c)
	if err != nil {
		return err
	}
	c.Txn = t
	return d.statementOf(ctx, c)
}

// statementOf runs a statement of the command's transaction, which ends with it
// unless the statement is whole: a failure ends it, and so does a panic, or what
// half a statement has written could be committed.
func (d *Dispatcher) statementOf(ctx context.Context, c *Call) error {
	s, t, whole := c.Session, c.Txn, false
	defer func() {
		if !whole {
			s.Abort()
			c.Txn = nil
		}
	}()
	err := d.statement(ctx, c)
	if t.Tx != nil {
		c.spent.Bytes = int64(t.Tx.KV.Size())
	}
	s.Spend(c.spent)
	c.shows = !t.Shown && (ReadConcern{Level: t.Level}).Durable()
	if err == nil && !c.failed && c.shows {
		// Here and not with the reply: a statement that fails ends its transaction.
		err = d.durable(ctx, c, c.depends)
		c.shows = false
	}
	whole = err == nil && !c.failed
	t.Shown = t.Shown || whole
	return err
}

// startWaitMax is how long a statement waits for the one that starts its
// transaction, where waiting is allowed at all. It is time for a client to open a
// connection more; a client that goes on after a restart is told that late.
const startWaitMax = time.Second

// checkOut takes the command's session, when it is free.
func (d *Dispatcher) checkOut(ctx context.Context, c *Call) (*session.Session, error) {
	if !c.Gen.InTxn() || c.Spec.Txn == Ends || c.Gen.Starts() {
		return d.Sessions.CheckOut(ctx, c.Gen.LSID)
	}
	wait := startWaitMax
	if !d.racing() {
		wait = 0
	}
	return d.Sessions.CheckOutOpen(ctx, c.Gen.LSID, c.Gen.TxnNumber, wait)
}

// racing tells whether statements of a transaction may be sent all at once. Until
// a driver has a reply to one of them, each says that it starts the transaction
// and names the read concern: whichever comes first does, and the others go on.
func (d *Dispatcher) racing() bool { return d.Params.WriteConflictWaitMillis.Get() > 0 }

// enter begins or continues the command's transaction.
func (d *Dispatcher) enter(s *session.Session, c *Call) (*session.Txn, error) {
	n := c.Gen.TxnNumber
	if !c.Gen.Starts() || d.racing() && s.Begun(n) {
		t, err := s.Continue(n)
		if err == nil && c.ReadConcern.Given && !c.ReadConcern.opens(t) {
			err = errLaterReadConcern()
		}
		return t, err
	}
	t, err := s.Begin(n, c.Gen.API, d.Params.MaxConcurrentTransactions.Get())
	err = d.tooMany("transactions", "maxConcurrentMultiDocumentTransactions", err, true)
	if err == nil && c.Gen.Coordinate {
		s.Abort()
		return nil, mongoerr.New(mongoerr.NotWritablePrimary, "Transaction coordinator is not a primary")
	}
	return t, err
}

// statement runs one statement of a transaction. A first statement that has to
// wait for somebody's commit, or to give way in a deadlock, runs again as a whole
// on a newer snapshot: nothing of it was seen. A later one fails at once, since
// waiting could not save it.
func (d *Dispatcher) statement(ctx context.Context, c *Call) error {
	t := c.Txn
	if t.Tx == nil {
		if err := d.openTxn(ctx, c); err != nil {
			return err
		}
	}
	for {
		t.Tx.Cat.Using, t.Tx.Cat.Strict = c.use, true
		t.Tx.Wait, t.Tx.WaitMax = d.mayWait(t), d.Params.WriteConflictWaitMillis.Millis()
		t.Tx.WaitersMax = int(d.Params.WriteConflictWaitersMax.Get())
		err := c.Spec.Run(ctx, c)
		conflict, ok := errors.AsType[*kv.Conflict](err)
		if !ok {
			return err
		}
		c.conflicted()
		if !t.Tx.Wait || ctx.Err() != nil {
			c.Session.Lose(conflict)
			return err
		}
		switch {
		case conflict.Deadlock:
			// Claims end with their transaction only; the new one is as old as this.
			t.Tx.Rollback()
			t.Tx = nil
			err = d.openTxn(ctx, c)
		case conflict.Held:
			c.Session.Lose(conflict)
			return err // and waited for long enough.
		default:
			err = t.Tx.Refresh(ctx)
			c.Dependent(t.Tx.KV.ReadTime())
		}
		if err != nil {
			return err
		}
		c.Reply.Rewind()
		c.failed = false
	}
}

// mayWait tells whether the statement about to run may wait for others' claims.
func (d *Dispatcher) mayWait(t *session.Txn) bool {
	return !t.Shown && !t.Fixed && d.Params.WriteConflictWaitMillis.Get() > 0
}

// openTxn opens the snapshot at the transaction's first statement.
func (d *Dispatcher) openTxn(ctx context.Context, c *Call) error {
	t, rc := c.Txn, c.ReadConcern
	t.Level, t.Explicit, t.Provenance = rc.Level, rc.Level != "", rc.provenance()
	if t.Level == "" {
		t.Level = levelLocal
	}
	if err := d.waitReadConcern(c); err != nil {
		return err
	}
	if err := c.useTarget(ctx); err != nil {
		return err
	}
	queueing := session.Queueing{Wait: d.Params.WriteConflictWaitMillis.Millis(), WaitersMax: int(d.Params.WriteConflictWaitersMax.Get())}
	opt := kv.Options{At: rc.At, Born: t.Started, Note: c.op.note()}
	opt.Serializable = t.Level == levelSerializable || d.Params.TransactionIsolation.Is(param.Serializable)
	if err := c.Session.Open(ctx, t, opt, queueing); err != nil {
		return err
	}
	c.Dependent(t.Tx.KV.ReadTime())
	c.Session.Opened(session.Opened{Concern: rc.shown(), Level: t.Level, Serializable: opt.Serializable, ReadTime: t.Tx.KV.ReadTime()})
	return nil
}

// commitTransaction makes the transaction's writes visible, all at once.
func runCommit(ctx context.Context, c *Call) error {
	if c.Session == nil {
		return mongoerr.New(mongoerr.CommandFailed, "commitTransaction must be run within a transaction")
	}
	if c.Args.Has("commitTimestamp") && c.Session.State() == session.InProgress {
		if _, err := c.Session.Continue(c.Gen.TxnNumber); err != nil {
			return err
		}
		c.Session.Abort()
		return mongoerr.New(mongoerr.InvalidOptions, "commitTransaction cannot provide commitTimestamp to unprepared transaction.")
	}
	if c.Session.Writes(c.Gen.TxnNumber) {
		if err := c.failPrimaryCommit(); err != nil {
			c.Session.Abort()
			return err
		}
	}
	gone := c.Session.Gone(c.Gen.TxnNumber)
	at, wrote, err := c.Session.Commit(ctx, c.Gen.TxnNumber)
	if err != nil {
		// Whoever hears "not committed" must be able to rely on it.
		c.Dependent(c.D.Store.Visible())
		if conflict, ok := errors.AsType[*kv.Conflict](err); ok {
			c.D.metrics.writeConflicts.Add(1)
			if conflict.Read {
				c.D.metrics.readConflicts.Add(1)
			}
		}
		return err
	}
	c.wrote = c.wrote || wrote
	c.Dependent(at)
	c.invalidate(gone, "collection dropped")
	return nil
}

// abortTransaction forgets the transaction's writes.
func runAbort(_ context.Context, c *Call) error {
	if c.Session == nil {
		return mongoerr.New(mongoerr.CommandFailed, "abortTransaction must be run within a transaction")
	}
	if _, err := c.Session.Continue(c.Gen.TxnNumber); err != nil {
		return err
	}
	c.Session.Abort()
	c.Dependent(c.D.Store.Visible())
	return nil
}

// checkRecoveryToken judges what a driver got from a sharded cluster.
func checkRecoveryToken(c *Call) error {
	_, err := NewFields(c.Spec.Name+".recoveryToken", Field{Name: "recoveryShardId", Type: Text}).Decode(c.Args.Doc("recoveryToken"))
	return err
}

func txnCommands() []*Spec {
	return []*Spec{
		{Name: "commitTransaction", Admin: true, Txn: Ends, Write: true, API: true, Check: checkRecoveryToken, Run: runCommit,
			Help: "commits a transaction",
			Fields: NewFields("commitTransaction",
				Field{Name: "commitTimestamp", Type: Timestamp},
				Field{Name: "recoveryToken", Type: Document, NoEffect: "for sharded clusters"})},
		{Name: "abortTransaction", Admin: true, Txn: Ends, Write: true, API: true, Check: checkRecoveryToken, Run: runAbort,
			Help: "aborts a transaction",
			Fields: NewFields("abortTransaction",
				Field{Name: "recoveryToken", Type: Document, NoEffect: "for sharded clusters"})},
	}
}
