package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/lock"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Txn is an open transaction.
type Txn struct {
	Number int64
	Tx     *docstore.Tx // nil until its first statement has opened the snapshot.
	Locks  *lock.Owner  // of the collections that it has used; released at its end.

	// What the first statement fixed.
	Level    string // read concern level: "local", "majority", "snapshot" or "serializable".
	Explicit bool   // the level was given, by the client or as the default that was set.
	Fixed    bool   // an atClusterTime was given: the snapshot may not move.
	API      API

	// Provenance is who has set the read concern, as messages tell it.
	Provenance string

	Started time.Time
	Expires time.Time

	// Reserved are the keys that it queued for before it took its snapshot.
	Reserved [][]byte

	// Shown is set when a statement has replied ok: from then on the snapshot
	// may not move, and no statement waits for a document.
	Shown bool

	timer *time.Timer

	// For those who look from outside; guarded by the session's mu.
	opened Opened
	active time.Duration // of the requests that have ended.
	spent  Spent
}

// Begin starts transaction n (3.2), unless as many as most are open, of all sessions:
// then it is a *TooMany, and the session stays as it was. A transaction takes the place
// of the one that it supersedes; 0 is no limit. The snapshot is not opened yet: see
// Session.Open.
func (s *Session) Begin(n int64, api API, most int64) (*Txn, error) {
	if n < s.number {
		return nil, s.errTooOld(n)
	}
	if n == s.number {
		return nil, mongoerr.New(mongoerr.ConflictingOperationInProgress,
			"Only servers in a sharded cluster can start a new transaction at the active transaction number")
	}
	if s.state == InProgress {
		most = 0
	}
	if err := s.m.counts.begin(most); err != nil {
		return nil, err
	}
	s.Abort() // a higher number supersedes it.
	now := s.m.env.Now()
	limit := s.m.conf.Lifetime()
	t := &Txn{Number: n, Locks: s.m.db.Locks().Owner(""), API: api, Started: now, Expires: now.Add(limit)}
	s.set(n, InProgress, t)
	t.timer = time.AfterFunc(limit, func() { s.expire(t) })
	return t, nil
}

// Begun tells whether transaction n has been started and not committed. Of the
// statements that a client sends at once each says that it starts the transaction:
// those that come second are to continue it, or to be told that it was aborted. Who
// commits has had all the replies: a start after that is not one of them.
func (s *Session) Begun(n int64) bool {
	return n == s.number && (s.state == InProgress || s.state == Aborted)
}

// Continue returns the open transaction n, or why there is none (3.3).
func (s *Session) Continue(n int64) (*Txn, error) {
	if n < s.number {
		return nil, s.errTooOld(n)
	}
	if n > s.number {
		return nil, s.errNoSuch(n)
	}
	switch s.state {
	case InProgress:
		if !s.m.env.Now().Before(s.txn.Expires) {
			s.expired = s.txn.lifetime(s.m.env.Now())
			s.Abort() // its timer came too early to find this request running.
			return nil, s.errAborted(n)
		}
		return s.txn, nil
	case Committed:
		return nil, mongoerr.Newf(mongoerr.TransactionCommitted, "Transaction with { txnNumber: %d } has been committed.", n)
	case Aborted:
		return nil, s.errAborted(n)
	}
	return nil, s.errNoSuch(n)
}

// Match tells whether a command's API parameters are those of the open
// transaction, whatever the command's own number is; it is asked before Begin,
// Continue and BeginRetryable, and leaves the transaction alone.
func (s *Session) Match(command string, api API) error {
	if s.state == InProgress && s.txn.API != api {
		return mongoerr.Newf(mongoerr.APIMismatchError,
			"API parameter mismatch: %s used params %s, the transaction's first command used %s", command, api, s.txn.API)
	}
	return nil
}

// Queueing is how a transaction may wait for others before it takes its snapshot.
type Queueing struct {
	Wait       time.Duration // at most; zero is not at all.
	WaitersMax int           // behind how many for one key at most; zero is any number.
}

// Open opens the snapshot of a transaction that has just begun. If it may wait, it
// first queues for what the session's last transaction has lost, so that a retry
// makes progress instead of losing again.
func (s *Session) Open(ctx context.Context, t *Txn, opt kv.Options, q Queueing) error {
	tx, err := s.m.db.Begin(ctx, opt)
	if err != nil {
		return err
	}
	t.Fixed = opt.At != 0
	if q.Wait > 0 && !t.Fixed {
		if t.Reserved == nil { // else it had to give way, and opens anew.
			t.Reserved = s.lost.take(s.m.env.Now())
		}
		tx.WaitMax, tx.WaitersMax = q.Wait, q.WaitersMax
		if err := tx.Reserve(ctx, t.Reserved); err != nil {
			tx.Rollback()
			return err
		}
	}
	t.Tx = tx
	return nil
}

// Writes tells whether transaction n is open and has written something.
func (s *Session) Writes(n int64) bool {
	return s.number == n && s.state == InProgress && s.txn.Tx != nil && s.txn.Tx.KV.Size() > 0
}

// Gone lists the collections that the open transaction n has taken the names of.
func (s *Session) Gone(n int64) []catalog.Gone {
	if s.number != n || s.state != InProgress || s.txn.Tx == nil {
		return nil
	}
	return s.txn.Tx.Cat.Gone()
}

// Commit commits the open transaction n and returns the commit's time; wrote
// tells if there was anything to commit. A second commit of the same number is
// the first one's success again (3.7).
func (s *Session) Commit(ctx context.Context, n int64) (at kv.Time, wrote bool, err error) {
	if n == s.number && s.state == Committed {
		return s.m.clock.Visible(), false, nil
	}
	t, err := s.Continue(n)
	if err != nil {
		return 0, false, err
	}
	wrote = t.Tx.KV.Size() > 0
	if wrote {
		if err := s.stageOutcome(ctx, t); err != nil {
			s.Abort()
			return 0, false, err
		}
	}
	s.m.cursors.endTxn(s.ID, n)
	// From here on the commit is the engine's: a client that goes away must not
	// leave its outcome in doubt.
	at, err = t.Tx.Commit(context.WithoutCancel(ctx))
	t.Tx = nil
	if err != nil {
		if conflict, ok := errors.AsType[*kv.Conflict](err); ok {
			s.Lose(conflict)
		}
		s.finish(Aborted)
		if errors.Is(err, kv.ErrOutcomeUnknown) {
			s.Doubt()
		}
		return 0, false, err
	}
	if wrote {
		s.m.counts.record()
	}
	s.finish(Committed)
	return at, wrote, nil
}

// Abort ends the open transaction, if there is one, without effect.
func (s *Session) Abort() {
	if s.state == InProgress {
		s.finish(Aborted)
	}
}

// finish is the one way out of InProgress.
func (s *Session) finish(to State) {
	t := s.txn
	if t.timer != nil {
		t.timer.Stop()
	}
	s.m.cursors.endTxn(s.ID, t.Number) // its iterators go before its snapshot.
	if t.Tx != nil {
		t.Tx.Rollback()
		t.Tx = nil
	}
	t.Locks.Release()
	if s.m.conf.Ended != nil {
		s.mu.Lock()
		i := s.info(s.m.env.Now())
		s.mu.Unlock()
		s.m.conf.Ended(i, to == Committed)
	}
	s.set(s.number, to, nil)
	s.m.counts.end(to == Committed)
}

// expire aborts transaction n when its lifetime is over, and interrupts the
// statement that it may be running (290).
func (s *Session) expire(t *Txn) {
	n, spent := t.Number, t.lifetime(s.m.env.Now())
	s.interrupt(mongoerr.New(mongoerr.TransactionExceededLifetimeLimitSeconds,
		"operation was interrupted because the transaction exceeded the configured 'transactionLifetimeLimitSeconds'."+spent), n)
	s.gate <- struct{}{}
	if s.txn == t {
		s.Abort()
	}
	if s.number == n && s.state == Aborted { // by this, or by the statement that was interrupted.
		s.expired = spent
	}
	<-s.gate
}

// lifetime says how long the transaction has been open, and how long it might.
func (t *Txn) lifetime(now time.Time) string {
	return fmt.Sprintf(" It was open for %d s, and 'transactionLifetimeLimitSeconds' was %d.",
		now.Sub(t.Started)/time.Second, t.Expires.Sub(t.Started)/time.Second)
}

func (s *Session) errNoSuch(n int64) error {
	return mongoerr.Newf(mongoerr.NoSuchTransaction,
		"Given transaction number %d on session %s using txnRetryCounter 0 does not match any in-progress transactions. The active transaction number is %d",
		n, s.ID, s.number)
}

func (s *Session) errAborted(n int64) error {
	return mongoerr.Newf(mongoerr.NoSuchTransaction, "Transaction with { txnNumber: %d } has been aborted.%s", n, s.expired)
}
