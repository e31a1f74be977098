package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pandodb/pando/internal/mongoerr"
)

// TestNumbers asks, for every state of a session's number, what a lower, the same
// and a higher number are told.
func TestNumbers(t *testing.T) {
	const (
		tooOld, busy, none = mongoerr.TransactionTooOld, mongoerr.ConflictingOperationInProgress, mongoerr.NoSuchTransaction
		over, other        = mongoerr.TransactionCommitted, mongoerr.IncompleteTransactionHistory
		fine               = mongoerr.Code(0)
	)
	states := []struct {
		name string
		make func(h *house, s *Session)
		// of numbers 4, 5 and 6, where 5 is the session's.
		begin, proceed, retry [3]mongoerr.Code
	}{
		{"in progress", func(h *house, s *Session) { h.begin(s, 5) },
			[3]mongoerr.Code{tooOld, busy, fine}, [3]mongoerr.Code{tooOld, fine, none}, [3]mongoerr.Code{tooOld, other, fine}},
		{"committed", func(h *house, s *Session) {
			h.begin(s, 5)
			if _, _, err := s.Commit(ctx, 5); err != nil {
				h.t.Fatal(err)
			}
		}, [3]mongoerr.Code{tooOld, busy, fine}, [3]mongoerr.Code{tooOld, over, none}, [3]mongoerr.Code{tooOld, other, fine}},
		{"aborted", func(h *house, s *Session) { h.begin(s, 5); s.Abort() },
			[3]mongoerr.Code{tooOld, busy, fine}, [3]mongoerr.Code{tooOld, none, none}, [3]mongoerr.Code{tooOld, other, fine}},
		{"retryable", func(h *house, s *Session) { h.write(s, 5, Record{Stmt: 0, Kind: Inserted}) },
			[3]mongoerr.Code{tooOld, busy, fine}, [3]mongoerr.Code{tooOld, none, none}, [3]mongoerr.Code{tooOld, fine, fine}},
	}
	for _, st := range states {
		t.Run(st.name, func(t *testing.T) {
			inHouse(t, func(h *house) {
				for i := range 3 {
					n := int64(4 + i)
					for verb, ask := range map[string]func(s *Session) error{
						fmt.Sprint("begin ", st.begin[i]):      func(s *Session) error { _, err := s.Begin(n, API{}, 0); return expect(err, st.begin[i]) },
						fmt.Sprint("continue ", st.proceed[i]): func(s *Session) error { _, err := s.Continue(n); return expect(err, st.proceed[i]) },
						fmt.Sprint("retry ", st.retry[i]):      func(s *Session) error { return expect(s.BeginRetryable(ctx, n), st.retry[i]) },
					} {
						h.m.sessions = map[ID]*Session{} // a session of its own for each question.
						h.with(byte(i)*10+verb[0], func(s *Session) {
							st.make(h, s)
							if err := ask(s); err != nil {
								t.Errorf("%s of %d: %v", verb, n, err)
							}
							s.Abort()
						})
					}
				}
			})
		})
	}
}

func expect(err error, code mongoerr.Code) error {
	e, ok := errors.AsType[*mongoerr.Error](err)
	if err == nil && code == 0 || ok && e.Code == code {
		return nil
	}
	return fmt.Errorf("got %v, want %v", err, code)
}

// TestCheckOutInTurn: a session that is checked out belongs to one request; others
// wait, leave when their context ends, and get it when it is given back.
func TestCheckOutInTurn(t *testing.T) {
	inHouse(t, func(h *house) {
		s, err := h.m.CheckOut(ctx, id(1))
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.New("gone")
		c, cancel := context.WithCancelCause(ctx)
		left := make(chan error, 1)
		go func() {
			_, err := h.m.CheckOut(c, id(1))
			left <- err
		}()
		got := make(chan *Session, 1)
		go func() {
			s, err := h.m.CheckOut(ctx, id(1))
			if err != nil {
				t.Error(err)
			}
			got <- s
		}()
		synctest.Wait()
		if len(left)+len(got) != 0 {
			t.Fatal("two have one session")
		}
		h.with(2, func(*Session) {}) // others are free.
		cancel(gone)
		if err := <-left; !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
		s.CheckIn()
		if other := <-got; other != s {
			t.Error("another session of the same id")
		} else {
			other.CheckIn()
		}
	})
}

// TestForgottenWhileWaiting forgets a session for which somebody queues: the
// queued one is given the new session of that id, with its row read.
func TestForgottenWhileWaiting(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) { h.write(s, 3, Record{Stmt: 0, Kind: Updated}) })
		old := h.m.sessions[id(1)]
		old.gate <- struct{}{} // as Forget does.
		got := make(chan *Session, 1)
		go func() {
			s, err := h.m.CheckOut(ctx, id(1))
			if err != nil {
				t.Error(err)
			}
			got <- s
		}()
		synctest.Wait()
		h.m.mu.Lock()
		delete(h.m.sessions, id(1))
		h.m.mu.Unlock()
		old.forgotten = true
		<-old.gate
		s := <-got
		defer s.CheckIn()
		if s == old || s.Number() != 3 {
			t.Errorf("got number %d of the forgotten session: %v", s.Number(), s == old)
		}
	})
}

// TestLimits fills the table of sessions, and lets the idle ones expire.
func TestLimits(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) { h.write(s, 7, Record{Stmt: 0, Kind: Deleted}) })
		h.with(2, func(s *Session) { h.begin(s, 1) })
		for n := range byte(testSessionsMax - 2) {
			wantCode(t, h.m.Touch(id(n+3)), 0)
		}
		wantCode(t, h.m.Touch(id(9)), mongoerr.TooManyLogicalSessions)
		<-time.After(testLifetime / 2)
		if n := h.m.ExpireIdle(); n != 0 {
			t.Errorf("%d expired too soon", n)
		}
		<-time.After(testTimeout + time.Second) // the open transaction's lifetime ends as well.
		if n := h.m.ExpireIdle(); n != testSessionsMax {
			t.Errorf("%d sessions expired", n)
		}
		wantCode(t, h.m.Touch(id(9)), 0)
		h.with(1, func(s *Session) {
			if s.Number() != 7 || s.State() != Retryable {
				t.Errorf("a forgotten session came back with number %d", s.Number())
			}
		})
	})
}

// TestForgetKeepsOpenTransactions: ending a session leaves its transaction to its lifetime.
func TestForgetKeepsOpenTransactions(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) { h.begin(s, 1) })
		all := func(ID, time.Time) bool { return true }
		if n := h.m.Forget(all); n != 0 {
			t.Errorf("%d forgotten", n)
		}
		h.with(1, func(s *Session) {
			if _, err := s.Continue(1); err != nil {
				t.Error(err)
			}
			if n := h.m.Forget(all); n != 0 {
				t.Errorf("%d forgotten while in use", n)
			}
		})
		<-time.After(testLifetime)
		synctest.Wait()
		if n := h.m.Forget(all); n != 1 {
			t.Errorf("%d forgotten after the lifetime", n)
		}
	})
}

// TestLifetimeEnds aborts a transaction on time: at rest, and under a request that
// has it checked out, which is interrupted first.
func TestLifetimeEnds(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) { h.begin(s, 1) })
		<-time.After(testLifetime - 1)
		h.with(1, func(s *Session) {
			if _, err := s.Continue(1); err != nil {
				t.Errorf("ended too soon: %v", err)
			}
		})
		<-time.After(1)
		synctest.Wait()
		if n := h.m.Counts().Open; n != 0 {
			t.Errorf("%d are open", n)
		}
		h.with(1, func(s *Session) {
			_, err := s.Continue(1)
			wantCode(t, err, mongoerr.NoSuchTransaction)
			c, cancel := context.WithCancelCause(ctx)
			s.Running(cancel, Client{})
			h.begin(s, 2)
			<-c.Done()
			wantCode(t, context.Cause(c), mongoerr.TransactionExceededLifetimeLimitSeconds)
			// The request had the session when the timer went off: the transaction is
			// there until it is given back, but is not continued any more.
			if n := h.m.Counts().Open; n != 1 {
				t.Errorf("aborted under its request: %d are open", n)
			}
			_, err = s.Continue(2)
			wantCode(t, err, mongoerr.NoSuchTransaction)
		})
	})
}

// TestOldTimerLeavesNewTransaction: the timer of a transaction that has ended does
// not end its successor.
func TestOldTimerLeavesNewTransaction(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) { h.begin(s, 1) })
		<-time.After(testLifetime / 2)
		h.with(1, func(s *Session) { h.begin(s, 2) })
		<-time.After(testLifetime/2 + time.Second)
		h.with(1, func(s *Session) {
			if _, err := s.Continue(2); err != nil {
				t.Error(err)
			}
			s.Abort()
		})
		if c := h.m.Counts(); c.Started != 2 || c.Aborted != 2 || c.Open != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// TestKill interrupts the request that has the session, aborts its transaction
// when it is given back, and leaves other sessions alone.
func TestKill(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(2, func(s *Session) { h.begin(s, 1) })
		s, err := h.m.CheckOut(ctx, id(1))
		if err != nil {
			t.Fatal(err)
		}
		c, cancel := context.WithCancelCause(ctx)
		s.Running(cancel, Client{})
		h.begin(s, 1)
		killed := make(chan struct{})
		go func() {
			h.m.Kill(func(i ID) bool { return i == id(1) })
			close(killed)
		}()
		<-c.Done()
		wantCode(t, context.Cause(c), mongoerr.Interrupted)
		s.CheckIn()
		<-killed
		h.with(1, func(s *Session) {
			_, err := s.Continue(1)
			wantCode(t, err, mongoerr.NoSuchTransaction)
		})
		h.with(2, func(s *Session) {
			if _, err := s.Continue(1); err != nil {
				t.Error(err)
			}
			s.Abort()
		})
	})
}
