package pebblekv

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/kv"
)

// churn softens a weakness of Pebble: where the newest version of a key is a
// deletion, a read walks all older versions that have not been compacted away. A
// key that is deleted and made again all the time (a lock, a lease, a head of a
// queue) would become slower with every round.
//
// Keys that are deleted often are remembered with their last change, so that Get
// need not look. For scans the walk is kept short: after many deletions the
// memtable is flushed, which drops what no snapshot sees.
type churn struct {
	hot atomic.Int32 // how many keys are known; readers look no further at zero.

	mu   sync.RWMutex // guards keys; a leaf. The committer writes, before it publishes.
	keys map[string]change

	// The rest is the committer's.
	counts    map[string]int // deletions of keys not hot yet.
	deletions int            // since the last flush of ours.
	flushed   time.Time
}

// change is what the last commit that wrote a key did to it.
type change struct {
	at      kv.Time
	deleted bool
}

const (
	hotAfter  = 16   // deletions.
	hotMax    = 1024 // keys; above it all are forgotten.
	countsMax = 4096

	flushAfter = 10_000 // deletions; and not more often than
	flushEvery = time.Second
)

// note takes in a commit at t. It reports if the memtable should be flushed.
func (c *churn) note(own *overlay, t kv.Time, now time.Time) (flush bool) {
	if own == nil || own.deletes == 0 && c.hot.Load() == 0 {
		return false
	}
	for n := own.head.next; n != nil; n = n.next {
		if n.top != nil {
			c.noteKey(n.key, change{t, n.top.value == nil})
		}
	}
	if c.deletions < flushAfter || now.Sub(c.flushed) < flushEvery {
		return false
	}
	c.deletions, c.flushed = 0, now
	return true
}

func (c *churn) noteKey(key []byte, last change) {
	if c.hot.Load() > 0 {
		if _, known := c.keys[string(key)]; known { // only the committer writes it.
			c.set(key, last)
		}
	}
	if !last.deleted {
		return
	}
	c.deletions++
	if len(c.counts) >= countsMax {
		clear(c.counts)
	}
	if c.counts[string(key)]++; c.counts[string(key)] == hotAfter {
		delete(c.counts, string(key))
		c.set(key, last)
	}
}

func (c *churn) set(key []byte, last change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keys) >= hotMax {
		clear(c.keys)
	}
	c.keys[string(key)] = last
	c.hot.Store(int32(len(c.keys)))
}

// gone tells if key is known to be absent at t; false means only that it is not known.
func (c *churn) gone(key []byte, t kv.Time) bool {
	if c.hot.Load() == 0 {
		return false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	last, known := c.keys[string(key)]
	return known && last.deleted && last.at <= t
}
