package session

import (
	"iter"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
)

// Info is how a session looks from outside, for currentOp, the listings and the log.
type Info struct {
	ID      ID
	LastUse time.Time
	Number  int64
	Busy    bool    // a request has it checked out.
	Client  Client  // of the last request that had.
	Txn     *Status // of the open transaction, nil if none is open.
}

// Status is what there is to tell of one transaction.
type Status struct {
	Started, Expires time.Time
	Active           time.Duration // how long requests were running in it.
	Opened           Opened
	API              API
	Spent            Spent
}

// Opened is what the first statement has fixed.
type Opened struct {
	Concern      bsonx.Doc // the read concern, with who has set it.
	Level        string
	Serializable bool    // by its level or by transactionIsolation.
	ReadTime     kv.Time // of the snapshot; 0 while it is not open.
}

// Client is who sent a request.
type Client struct {
	Conn     int64
	Remote   string
	AppName  string
	Metadata bsonx.Doc
}

// Spent is what a transaction's statements did.
type Spent struct {
	KeysExamined, DocsExamined  int64
	Returned, Batches           int64
	Inserted, Modified, Deleted int64
	Conflicts                   int64
	Statements                  int64
	Bytes                       int64 // that it would write: not a sum, but the newest figure.
}

// Add adds what one more statement did.
func (s *Spent) Add(o Spent) {
	s.KeysExamined += o.KeysExamined
	s.DocsExamined += o.DocsExamined
	s.Returned += o.Returned
	s.Batches += o.Batches
	s.Inserted += o.Inserted
	s.Modified += o.Modified
	s.Deleted += o.Deleted
	s.Conflicts += o.Conflicts
	s.Statements++
	s.Bytes = o.Bytes
}

// Opened notes what the first statement has fixed. The caller has the session checked out.
func (s *Session) Opened(o Opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.txn != nil {
		s.txn.opened = o
	}
}

// Spend adds what a statement of the open transaction did.
func (s *Session) Spend(o Spent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.txn != nil {
		s.txn.spent.Add(o)
	}
}

// All ranges over the sessions that somebody has used.
func (m *Manager) All() iter.Seq[Info] {
	return func(yield func(Info) bool) {
		now := m.env.Now()
		for _, s := range m.snapshot() {
			s.mu.Lock()
			i := s.info(now)
			s.mu.Unlock()
			if i.LastUse.IsZero() {
				continue // the reaper's: see vacant.
			}
			if !yield(i) {
				return
			}
		}
	}
}

// info looks at the session. mu is held.
func (s *Session) info(now time.Time) Info {
	i := Info{ID: s.ID, LastUse: s.lastUse, Number: s.number, Busy: s.running != nil, Client: s.client}
	if t := s.txn; t != nil {
		i.Txn = &Status{
			Started: t.Started, Expires: t.Expires, Active: t.active + s.sinceRunning(now),
			Opened: t.opened, API: t.API, Spent: t.spent,
		}
	}
	return i
}

// sinceRunning is for how long the present request has been running in the open
// transaction. mu is held.
func (s *Session) sinceRunning(now time.Time) time.Duration {
	if s.running == nil || s.txn == nil {
		return 0
	}
	from := s.since
	if s.txn.Started.After(from) {
		from = s.txn.Started // by this very request.
	}
	return now.Sub(from)
}
