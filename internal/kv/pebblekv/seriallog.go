package pebblekv

import (
	"bytes"
	clist "container/list"
	"sort"

	"github.com/pandodb/pando/internal/kv"
)

// serialLog is every key that was committed since the oldest open serializable
// transaction took its snapshot, index entries and all: what those transactions
// have read is compared with it when they commit. While none is open nothing is
// kept, and a commit pays one look at a counter.
//
// Over its budget the older half is given up. A transaction that still had to be
// compared with it cannot commit any more, unless it wrote nothing; it is told why
// (kv.Conflict.Floor).
//
// snapshots.mu guards all of it: a transaction takes its snapshot and its place
// here at once, so that each commit is either in its snapshot or in the log.
type serialLog struct {
	commits  []*written // in the order of commits; what it points to never changes.
	first    uint64     // the number of commits[0]; numbers are never used again.
	gone     int        // as many stand before commits[0] in its array, about.
	bytes    int
	bytesMax int
	floor    kv.Time // what was committed up to here was given up, or never kept.

	open clist.List // of *reading, the oldest snapshot first.

	forced uint64 // times that something was given up for want of memory.
}

// written is what one commit wrote: keys, ascending; or the range that was dropped.
type written struct {
	at      kv.Time
	keys    [][]byte
	dropped *span
	bytes   int
}

const (
	writtenBytes    = 80 // about what an entry costs besides its keys,
	writtenKeyBytes = 40 // and each of them besides itself.
)

// reading is what a serializable transaction has besides.
type reading struct {
	set   readSet // txn.mu, as the next.
	next  uint64  // the first commit of the log that the set was not compared with.
	early bool    // the snapshot is older than the log reaches back; snapshots.mu.

	at    kv.Time        // of the snapshot; snapshots.mu.
	place *clist.Element // in serialLog.open; snapshots.mu.
}

// enter gives r a place, whose snapshot is of readTime, while visible is the newest.
func (l *serialLog) enter(r *reading, readTime, visible kv.Time) {
	if l.open.Len() == 0 {
		l.floor = visible
	}
	r.at, r.early = readTime, readTime < l.floor
	r.next = l.first + uint64(sort.Search(len(l.commits), func(i int) bool { return l.commits[i].at > readTime }))
	before := l.open.Back() // those that read at a past time are few.
	for before != nil && before.Value.(*reading).at > readTime {
		before = before.Prev()
	}
	if before == nil {
		r.place = l.open.PushFront(r)
	} else {
		r.place = l.open.InsertAfter(r, before)
	}
}

// leave forgets r, and what nobody needs without it.
func (l *serialLog) leave(r *reading) {
	l.open.Remove(r.place)
	oldest := l.open.Front()
	if oldest == nil {
		l.giveUp(len(l.commits))
		return
	}
	at := oldest.Value.(*reading).at
	l.giveUp(sort.Search(len(l.commits), func(i int) bool { return l.commits[i].at > at }))
}

// giveUp forgets the oldest n commits.
func (l *serialLog) giveUp(n int) {
	if n == 0 {
		return
	}
	for _, w := range l.commits[:n] {
		l.bytes -= w.bytes
	}
	l.floor = max(l.floor, l.commits[n-1].at)
	l.first += uint64(n)
	l.commits = l.commits[n:]
	if l.gone += n; l.gone >= len(l.commits) {
		// Whoever is comparing reads the old array, so it is left as it is.
		l.commits, l.gone = append([]*written(nil), l.commits...), 0
	}
}

// note takes in what the commit at 'at' wrote.
func (l *serialLog) note(own *overlay, at kv.Time) {
	if l.open.Len() == 0 || own == nil {
		return
	}
	w := &written{at: at, bytes: writtenBytes}
	if own.nodes*writtenKeyBytes <= uint64(l.bytesMax) {
		w.keys = make([][]byte, 0, own.nodes)
		for n := own.head.next; n != nil; n = n.next {
			if n.top != nil {
				w.keys = append(w.keys, n.key)
				w.bytes += len(n.key) + writtenKeyBytes
			}
		}
		if len(w.keys) == 0 {
			return
		}
	} else {
		w.bytes += l.bytesMax // more than is ever kept.
	}
	l.append(w)
}

// noteDropped takes in that a range is gone, all of it, at some time up to now.
func (l *serialLog) noteDropped(lo, hi []byte, now kv.Time) {
	if l.open.Len() > 0 {
		s := span{bytes.Clone(lo), bytes.Clone(hi)}
		l.append(&written{at: now, dropped: &s, bytes: writtenBytes + s.size()})
	}
}

func (l *serialLog) append(w *written) {
	l.commits = append(l.commits, w)
	if l.bytes += w.bytes; l.bytes <= l.bytesMax {
		return
	}
	l.forced++
	n, left := 0, l.bytes
	for left > l.bytesMax/2 {
		left -= l.commits[n].bytes
		n++
	}
	l.giveUp(n)
}

// since returns the commits that r was not compared with yet; lost tells that some
// of them were given up.
func (l *serialLog) since(r *reading) (commits []*written, next uint64, lost bool) {
	if r.early || r.next < l.first {
		return nil, r.next, true
	}
	return l.commits[r.next-l.first:], l.first + uint64(len(l.commits)), false
}

// unread tells whether all that tx has read still stands. tx.mu is held. It is
// called twice: before the commit, for the bulk, and by the committer, for what
// was committed in between.
func (tx *txn) unread() *kv.Conflict {
	r, s := tx.reads, tx.store.snapshots
	r.set.settle()
	s.mu.Lock()
	commits, next, lost := s.serial.since(r)
	floor := s.serial.floor
	s.mu.Unlock()
	if lost {
		return &kv.Conflict{Read: true, Floor: true, Winner: floor}
	}
	for _, w := range commits {
		if key := r.set.hit(w.keys); key != nil {
			return &kv.Conflict{Read: true, Key: bytes.Clone(key), Winner: w.at}
		}
		if w.dropped != nil && r.set.meets(w.dropped.lo, w.dropped.hi) {
			return &kv.Conflict{Read: true, Key: bytes.Clone(w.dropped.lo), Winner: w.at}
		}
	}
	r.next = next
	return nil
}
