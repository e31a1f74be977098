package session

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Config is what the sessions ask of the server's parameters. The functions are
// called at each use, so that a parameter set at run time holds at once.
type Config struct {
	Lifetime    func() time.Duration // transactionLifetimeLimitSeconds
	Timeout     time.Duration        // localLogicalSessionTimeoutMinutes
	SessionsMax int                  // maxSessions
	RecordLife  time.Duration        // TransactionRecordMinimumLifetimeMinutes

	// Ended is told of every transaction that is over; it may be nil. The session
	// is checked out, and its number still the transaction's.
	Ended func(i Info, committed bool)
}

// Manager holds the sessions of one server. It is safe for concurrent use.
type Manager struct {
	db      *docstore.DB
	clock   kv.Clock
	env     *env.Env
	conf    Config
	cursors *Cursors
	counts  counts

	mu       sync.Mutex // guards sessions; a Session's mu may be taken under it.
	sessions map[ID]*Session
}

// NewManager returns a manager without sessions.
func NewManager(db *docstore.DB, clock kv.Clock, e *env.Env, conf Config) *Manager {
	m := &Manager{db: db, clock: clock, env: e, conf: conf, sessions: map[ID]*Session{}}
	m.cursors = newCursors(e)
	db.Serve(TransactionsNS, m.transactionRows)
	db.Serve(SessionsNS, m.sessionRows)
	return m
}

// Cursors are the open cursors of all sessions and of none.
func (m *Manager) Cursors() *Cursors { return m.cursors }

// Touch notes that a session is used that is not checked out, and makes it if it
// is new.
func (m *Manager) Touch(id ID) error {
	_, err := m.session(id)
	return err
}

func (m *Manager) session(id ID) (*Session, error) {
	now := m.env.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[id]
	if s == nil {
		if len(m.sessions) >= m.conf.SessionsMax {
			return nil, mongoerr.Newf(mongoerr.TooManyLogicalSessions,
				"Unable to add session ID %s into the cache because the number of active sessions is too high", id)
		}
		s = m.add(id)
	}
	s.mu.Lock()
	s.lastUse = now
	s.mu.Unlock()
	return s, nil
}

// add makes a session. mu is held.
func (m *Manager) add(id ID) *Session {
	s := &Session{ID: id, m: m, gate: make(chan struct{}, 1), number: -1}
	m.sessions[id] = s
	return s
}

// CheckOut notes that a session is used, makes it if it is new, waits for it to be
// free and returns it with its row read. The caller alone has it until CheckIn.
func (m *Manager) CheckOut(ctx context.Context, id ID) (*Session, error) {
	for {
		s, err := m.session(id)
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil { // or a free session might be had by chance.
			return nil, context.Cause(ctx)
		}
		select {
		case s.gate <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if s.forgotten {
			<-s.gate
			continue
		}
		if err := s.load(ctx); err != nil {
			<-s.gate
			return nil, err
		}
		return s, nil
	}
}

// CheckOutOpen is CheckOut for a later statement of transaction n. Statements that
// a client sends at once arrive in any order: one that overtakes the statement
// that starts the transaction waits for that one, for at most the given time. If
// it does not come, the session is returned as it is.
func (m *Manager) CheckOutOpen(ctx context.Context, id ID, n int64, wait time.Duration) (*Session, error) {
	for {
		s, err := m.CheckOut(ctx, id)
		if err != nil || n <= s.number || wait <= 0 {
			return s, err
		}
		began, arrival := m.env.Now(), s.renewal()
		s.CheckIn()
		t := time.NewTimer(wait)
		select {
		case <-arrival:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, context.Cause(ctx)
		}
		t.Stop()
		wait -= m.env.Now().Sub(began)
	}
}

// Kill ends what the sessions that match are doing: running requests are
// interrupted, open transactions aborted, cursors closed. The sessions stay
// usable under higher numbers. The caller has no session checked out.
func (m *Manager) Kill(match func(ID) bool) {
	cause := mongoerr.New(mongoerr.Interrupted, "operation was interrupted")
	for _, s := range m.snapshot() {
		if !match(s.ID) {
			continue
		}
		s.mu.Lock()
		n, open := s.number, s.state == InProgress
		s.mu.Unlock()
		s.interrupt(cause, -1)
		if open {
			s.abortWhenFree(n)
		}
	}
	m.cursors.killSessions(match)
}

// Forget drops idle sessions that match: their row stays, and is read again
// when the session is next seen.
func (m *Manager) Forget(match func(ID, time.Time) bool) int {
	n := 0
	for _, s := range m.snapshot() {
		select {
		case s.gate <- struct{}{}:
		default:
			continue // in use.
		}
		s.mu.Lock()
		used := s.lastUse
		s.mu.Unlock()
		if s.state != InProgress && match(s.ID, used) {
			m.mu.Lock()
			delete(m.sessions, s.ID)
			m.mu.Unlock()
			s.forgotten = true
			n++
			m.cursors.killSession(s.ID)
		}
		<-s.gate
	}
	return n
}

// ExpireIdle forgets the sessions that were not used for the session timeout, and
// closes the cursors whose sessions are gone: a query may have opened one while its
// session was being ended.
func (m *Manager) ExpireIdle() int {
	limit := m.env.Now().Add(-m.conf.Timeout)
	n := m.Forget(func(_ ID, used time.Time) bool { return used.Before(limit) })
	for _, c := range m.cursors.ofSessions() {
		if !m.knows(*c.LSID) {
			m.cursors.Kill(c.ID) // unless somebody else did.
		}
	}
	return n
}

func (m *Manager) knows(id ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[id] != nil
}

// AbortIdle aborts the open transactions that run no statement now. When no more
// statements are let in nothing else can become of them, and others may wait for
// what they hold.
func (m *Manager) AbortIdle() {
	for _, s := range m.snapshot() {
		select {
		case s.gate <- struct{}{}:
			s.Abort()
			<-s.gate
		default: // in use.
		}
	}
}

// AbortAll aborts every open transaction, for the end of the process.
func (m *Manager) AbortAll(cause error) {
	for _, s := range m.snapshot() {
		s.mu.Lock()
		n, open := s.number, s.state == InProgress
		s.mu.Unlock()
		if open {
			s.interrupt(cause, -1)
			s.abortWhenFree(n)
		}
	}
	m.cursors.closeAll()
}

func (m *Manager) snapshot() []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*Session, 0, len(m.sessions))
	for _, s := range m.sessions {
		all = append(all, s)
	}
	return all
}

// Counts are the totals since the start, as serverStatus.transactions names them.
type Counts struct {
	Started, Committed, Aborted        int64
	Open                               int64
	RetriedCommands, RetriedStatements int64
	RecordWrites                       int64
}

type counts struct {
	started, committed, aborted, open, retriedCommands, retriedStatements, records atomic.Int64
}

// begin counts one more, unless there are most already; 0 is no limit.
func (c *counts) begin(most int64) error {
	for {
		open := c.open.Load()
		if most > 0 && open >= most {
			return &TooMany{Open: open, Most: most}
		}
		if c.open.CompareAndSwap(open, open+1) {
			c.started.Add(1)
			return nil
		}
	}
}

// TooMany is the error of a transaction or cursor that would be one too many.
type TooMany struct{ Open, Most int64 }

// Error tells the two numbers; a client is told what they are numbers of.
func (e *TooMany) Error() string { return fmt.Sprintf("%d are open, of at most %d", e.Open, e.Most) }

func (c *counts) end(committed bool) {
	c.open.Add(-1)
	if committed {
		c.committed.Add(1)
		return
	}
	c.aborted.Add(1)
}

func (c *counts) record() { c.records.Add(1) }

// Retried counts a command that was answered, in part, from its records.
func (m *Manager) Retried(statements int) {
	m.counts.retriedCommands.Add(1)
	m.counts.retriedStatements.Add(int64(statements))
}

// Counts reads the totals.
func (m *Manager) Counts() Counts {
	c := &m.counts
	return Counts{
		Started: c.started.Load(), Committed: c.committed.Load(), Aborted: c.aborted.Load(), Open: c.open.Load(),
		RetriedCommands: c.retriedCommands.Load(), RetriedStatements: c.retriedStatements.Load(), RecordWrites: c.records.Load(),
	}
}
