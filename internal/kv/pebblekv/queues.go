package pebblekv

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pandodb/pando/internal/kv"
)

// queues is who waits for whom. A transaction waits for one claim at a time, in a
// queue behind its holder; a claim that is given up goes to the first of its
// queue and is never raced for.
//
// While a claim has a queue its holder changes only under mu, so whoever has mu
// sees the wait-for graph whole. A cycle can close only when somebody joins a
// queue: that is when it is looked for.
type queues struct {
	mu      sync.Mutex // guards the graph: txn.waiting, waiter, claim.queue; taken before any shard.mu.
	waiting map[*txn]*waiter
}

// waiter is one place in a queue.
type waiter struct {
	tx    *txn
	claim *claim
	since time.Time
	done  chan struct{} // closed when the wait is over; then the fields below are fixed.

	err error // why the claim was not got, if it was not.
}

// wait queues tx for key until it is tx's, or ctx ends, or a deadlock is found in
// which tx is the one to give way. tx.mu is not held.
// The claim is nil if the key was found free and is to be tried anew.
func (c *claims) wait(ctx context.Context, tx *txn, key []byte, most int) (*claim, error) {
	tx.queued.Store(true)
	defer tx.queued.Store(false)
	w, err := c.join(tx, key, most)
	if w == nil {
		return nil, err
	}
	c.waits.Add(1)
	select {
	case <-w.done:
	case <-ctx.Done():
		c.queues.leave(tx, ctx.Err())
		<-w.done
	case <-tx.store.dead:
		c.queues.leave(tx, tx.store.alive())
		<-w.done
	}
	if w.err != nil {
		return nil, w.err
	}
	return w.claim, nil
}

// join puts tx at the end of the queue of key, unless the key is free (then there
// is no waiter and no error) or most wait there already, if that is not zero.
func (c *claims) join(tx *txn, key []byte, most int) (*waiter, error) {
	q := &c.queues
	q.mu.Lock()
	defer q.mu.Unlock()
	s := c.shardOf(key)
	s.mu.Lock()
	cl := s.byKey[string(key)]
	if cl == nil || cl.holder == nil || cl.holder == tx {
		s.mu.Unlock()
		return nil, nil
	}
	if most > 0 && len(cl.queue) >= most {
		full := &kv.Conflict{
			Key: bytes.Clone(key), Held: true, Waiters: len(cl.queue), Holder: cl.holder.note, Age: c.env.Since(cl.holder.begun),
		}
		s.mu.Unlock()
		c.conflicts.Add(1)
		return nil, full
	}
	w := &waiter{tx: tx, claim: cl, since: c.env.Now(), done: make(chan struct{})}
	cl.queue = append(cl.queue, w)
	s.mu.Unlock()
	if q.waiting == nil {
		q.waiting = map[*txn]*waiter{}
	}
	q.waiting[tx] = w
	if tx.over.Load() {
		q.remove(w, kv.ErrClosed)
	} else if victim := q.victim(tx); victim != nil {
		c.deadlocks.Add(1)
		w := q.waiting[victim]
		q.remove(w, &kv.Conflict{Key: []byte(w.claim.key), Deadlock: true, Held: true, Holder: w.claim.holder.note})
	}
	return w, nil
}

// leave ends tx's wait with err, if it waits.
func (q *queues) leave(tx *txn, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w := q.waiting[tx]; w != nil {
		q.remove(w, err)
	}
}

// remove takes w out of its queue. q.mu is held.
func (q *queues) remove(w *waiter, err error) {
	s := w.claim.shard
	s.mu.Lock()
	w.claim.queue = slices.DeleteFunc(w.claim.queue, func(other *waiter) bool { return other == w })
	s.mu.Unlock()
	delete(q.waiting, w.tx)
	w.err = err
	close(w.done)
}

// handOver gives cl, which its holder gives up, to the first of its queue.
func (q *queues) handOver(c *claims, cl *claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	cl.shard.mu.Lock()
	defer cl.shard.mu.Unlock()
	if len(cl.queue) == 0 {
		c.free(cl) // the last one has left in between.
		return
	}
	w := cl.queue[0]
	cl.queue = slices.Delete(cl.queue, 0, 1)
	cl.holder, cl.reserved = w.tx, true // until it is locked: see lock.
	delete(q.waiting, w.tx)
	close(w.done)
}

// victim returns who must give way so that tx's waiting can end: the youngest on
// the cycle through tx, or nil if there is none. Everybody on it waits, so
// everybody can run again unseen (kv.How.Wait says so). q.mu is held.
//
// Each transaction waits for one claim, and those ahead of it in the queue wait
// for the same holder. So it is enough to go from holder to holder.
func (q *queues) victim(tx *txn) *txn {
	youngest := tx
	for w := q.waiting[tx]; w != nil; {
		next := w.claim.holder
		if next == tx {
			return youngest
		}
		if next.born.After(youngest.born) {
			youngest = next
		}
		w = q.waiting[next]
	}
	return nil
}

// list returns every wait, the longest first.
func (q *queues) list() []Wait {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := make([]Wait, 0, len(q.waiting))
	for _, w := range q.waiting {
		list = append(list, Wait{
			Key: []byte(w.claim.key), Waiter: w.tx.note, Holder: w.claim.holder.note,
			Since: w.since, HolderBegun: w.claim.holder.begun,
		})
	}
	slices.SortFunc(list, func(a, b Wait) int { return a.Since.Compare(b.Since) })
	return list
}
