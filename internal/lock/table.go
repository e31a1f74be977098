package lock

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Name is what is locked: a collection, or a whole database if Coll is empty.
type Name struct{ DB, Coll string }

// database is the name of the database that n is in.
func (n Name) database() Name { return Name{DB: n.DB} }

func (n Name) compare(o Name) int {
	return cmp.Or(cmp.Compare(n.DB, o.DB), cmp.Compare(n.Coll, o.Coll))
}

// mode is how a name is held.
type mode uint8

const (
	intent    mode = iota // beside others.
	exclusive             // alone.
)

// Table is the names of one server that are held or waited for. The zero value is
// ready. It is safe for concurrent use.
type Table struct {
	// changes is how many names are held or asked for exclusively. Where it is
	// zero nobody need wait, and mu need not be taken to know it.
	changes atomic.Int64

	mu      sync.Mutex // guards all below and the fields of every Owner; a leaf.
	names   map[Name]*entry
	waiting map[*waiter]struct{}
	sweepAt int // how many names there are when it is time to forget some.
}

// entry is one name: those who hold it and those who wait for it. Some are kept
// when there is neither, since the same names are used again and again.
type entry struct {
	name    Name
	holders map[*Owner]mode
	queue   []*waiter
}

// grants tells whether o may have the entry in the given mode, if nobody is queued.
func (e *entry) grants(o *Owner, m mode) bool {
	for holder, held := range e.holders {
		if holder != o && (m == exclusive || held == exclusive) {
			return false
		}
	}
	return true
}

// entry returns the entry of n. A new one has bytes of its own: callers may borrow
// names from a request, and what they hold outlives it.
func (t *Table) entry(n Name) *entry {
	e := t.names[n]
	if e == nil {
		n = Name{DB: strings.Clone(n.DB), Coll: strings.Clone(n.Coll)}
		e = &entry{name: n, holders: map[*Owner]mode{}}
		if t.names == nil {
			t.names, t.waiting = map[Name]*entry{}, map[*waiter]struct{}{}
		}
		t.sweep()
		t.names[n] = e
	}
	return e
}

// hold gives e to o.
func (t *Table) hold(e *entry, o *Owner, m mode) {
	e.holders[o] = m
	o.held = append(o.held, e)
	if m == exclusive {
		t.changes.Add(1)
	}
}

// drop takes e from o and gives it to who is next.
func (t *Table) drop(e *entry, o *Owner) {
	if e.holders[o] == exclusive {
		t.changes.Add(-1)
	}
	delete(e.holders, o)
	t.advance(e)
}

// advance grants e to those at the head of its queue who may have it.
func (t *Table) advance(e *entry) {
	for len(e.queue) > 0 {
		w := e.queue[0]
		if !e.grants(w.owner, w.mode) {
			return
		}
		t.hold(e, w.owner, w.mode)
		t.leave(w)
		close(w.done)
	}
}

// namesKept is how many names there may be before those that nobody uses go.
const namesKept = 256

// sweep forgets the names that nobody uses, if there are many.
func (t *Table) sweep() {
	if len(t.names) < t.sweepAt {
		return
	}
	for n, e := range t.names {
		if e.idle() {
			delete(t.names, n)
		}
	}
	t.sweepAt = max(namesKept, 2*len(t.names))
}

func (e *entry) idle() bool { return len(e.holders) == 0 && len(e.queue) == 0 }

// Waiting lists the notes of the owners that wait, in no order.
func (t *Table) Waiting() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	notes := make([]string, 0, len(t.waiting))
	for w := range t.waiting {
		notes = append(notes, w.note)
	}
	slices.Sort(notes)
	return notes
}

// Held tells how many names are held, for tests that look whether all was given back.
func (t *Table) Held() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, e := range t.names {
		if !e.idle() {
			n++
		}
	}
	return n
}
