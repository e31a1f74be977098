package session

import (
	"context"
	"sync"
	"time"

	"github.com/pandodb/pando/internal/mongoerr"
)

// State is where a session's current number stands.
type State uint8

// The states. A session's number is in one of them.
const (
	None       State = iota
	InProgress       // an open transaction
	Committed        // durable
	Aborted          // in memory only: no outcome is written for it.
	Retryable        // the number is a retryable write's
)

// Session is one logical session.
type Session struct {
	ID ID
	m  *Manager

	// gate has room for one: who holds it has checked the session out, and
	// alone changes the fields below.
	gate chan struct{}

	// mu guards the fields below against those who look without checking out.
	// A leaf but for Manager.mu, which may be held above it.
	mu        sync.Mutex
	loaded    bool // the row was read.
	row       row
	number    int64 // -1 until one is known.
	lost      lost
	state     State
	txn       *Txn // of state InProgress.
	lastUse   time.Time
	running   context.CancelCauseFunc // cancels the request that has it checked out.
	since     time.Time               // when that one began.
	client    Client                  // whose it is, or the last one was.
	renewed   chan struct{}           // closed when number changes; nil if nobody waits for that.
	expired   string                  // why the current number was aborted, if by its lifetime; for messages.
	forgotten bool                    // by the manager; look it up again.
}

// CheckIn gives the session back.
func (s *Session) CheckIn() {
	now := s.m.env.Now()
	s.shed()
	s.mu.Lock()
	if s.txn != nil {
		s.txn.active += s.sinceRunning(now)
	}
	s.running = nil
	s.lastUse = now
	s.mu.Unlock()
	<-s.gate
}

// Running tells the session how to interrupt the request that has it checked out,
// and whose it is.
func (s *Session) Running(cancel context.CancelCauseFunc, by Client) {
	now := s.m.env.Now()
	s.mu.Lock()
	s.running, s.client, s.since = cancel, by, now
	s.mu.Unlock()
}

// Number is the session's current number, -1 if it has none.
func (s *Session) Number() int64 { return s.number }

// State is the state of the current number.
func (s *Session) State() State { return s.state }

// Doubt forgets what memory says of the current number: whether its last commit
// has succeeded is not known. Whoever asks next is told what the row says.
func (s *Session) Doubt() {
	s.loaded, s.row = false, row{}
	s.set(-1, None, nil)
}

func (s *Session) set(n int64, st State, t *Txn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewed != nil && n != s.number {
		close(s.renewed)
		s.renewed = nil
	}
	if n != s.number {
		s.expired = ""
	}
	s.number, s.state, s.txn = n, st, t
}

// renewal is closed when the session's number changes.
func (s *Session) renewal() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewed == nil {
		s.renewed = make(chan struct{})
	}
	return s.renewed
}

// interrupt cancels the request that has the session checked out, if number n is
// what it works on (any number for -1).
func (s *Session) interrupt(cause error, n int64) {
	s.mu.Lock()
	cancel := s.running
	if n >= 0 && (s.number != n || s.state != InProgress) {
		cancel = nil
	}
	s.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// abortWhenFree waits for the session and aborts transaction n if it is still open.
func (s *Session) abortWhenFree(n int64) {
	s.gate <- struct{}{}
	if s.number == n {
		s.Abort()
	}
	<-s.gate
}

// what is the kind of thing that the session's number stands for, in messages.
func (s *Session) what() string {
	if s.state == Retryable {
		return "retryable write"
	}
	return "transaction"
}

func (s *Session) errTooOld(n int64) error {
	counter := 0
	if s.state == Retryable {
		counter = -1
	}
	return mongoerr.Newf(mongoerr.TransactionTooOld,
		"Cannot start transaction with { txnNumber: %d } on session %s because a newer %s with txnNumberAndRetryCounter { txnNumber: %d, txnRetryCounter: %d } has already started on this session.",
		n, s.ID, s.what(), s.number, counter)
}
