package pebblekv

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pandodb/pando/internal/kv"
)

// batch is what a transaction writes, built by its own goroutine before it enters
// the committer. What only the committer knows is patched in.
type batch struct {
	pebble *pebble.Batch
	stamps []int // offsets in the batch of 8 bytes that become the commit time.
	timeAt int   // offset of lastTimeKey's value.
	adds   []addition
}

// Commit implements kv.Txn.
func (tx *txn) Commit(ctx context.Context) (kv.Time, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.usable(); err != nil {
		return 0, err
	}
	defer tx.end(kv.ErrClosed)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if tx.stale != nil {
		return 0, tx.stale
	}
	if !tx.own.wrote() && !tx.locked() {
		return tx.readTime, tx.verify()
	}
	if tx.reads != nil {
		tx.closeIterators(kv.ErrClosed) // what they have read counts.
		if err := tx.verifyReads(); err != nil {
			return 0, err // told here, and for the most part compared, before the committer is kept busy.
		}
	}
	b := tx.build()
	defer b.pebble.Close()
	// The claims are released by end, after the state that they protected is the
	// newest one; until then another transaction finds them held.
	return tx.store.commit(b, 0, tx)
}

// locked tells whether tx holds a key that counts as written.
func (tx *txn) locked() bool {
	return slices.ContainsFunc(tx.claims, func(cl *claim) bool { return !cl.reserved })
}

// verify tells whether what tx relied on still stands.
func (tx *txn) verify() error {
	if tx.own == nil {
		return nil
	}
	for _, c := range tx.own.checks {
		verify := tx.store.claims.verify
		if c.upper != nil {
			verify = func(key []byte, at kv.Time) *kv.Conflict { return tx.store.claims.verifyRange(key, c.upper, at) }
		}
		if conflict := verify(c.key, tx.readTime); conflict != nil {
			return conflict
		}
	}
	return tx.verifyReads()
}

// verifyReads tells whether what a serializable tx has read still stands. That
// matters only if it wrote: else it stands where its snapshot does, before all that
// came since.
func (tx *txn) verifyReads() error {
	if tx.reads == nil || !tx.own.wrote() {
		return nil
	}
	if conflict := tx.unread(); conflict != nil {
		tx.store.readConflicts.Add(1)
		return conflict
	}
	return nil
}

func (s *Store) newBatch(sizeHint int) *batch {
	b := &batch{pebble: s.db.NewBatchWithSize(sizeHint + 64)}
	b.timeAt = b.set(lastTimeKey, make([]byte, 8))
	return b
}

// set adds an entry and returns the offset of its value in the batch.
func (b *batch) set(storedKey, value []byte) int {
	op := b.pebble.SetDeferred(len(storedKey), len(value))
	copy(op.Key, storedKey)
	copy(op.Value, value)
	at := b.pebble.Len() - len(value)
	// Only indexed batches have a Finish that can fail.
	_ = op.Finish()
	return at
}

// build makes the batch of tx's writes, and takes their values out of the overlay.
func (tx *txn) build() *batch {
	if tx.own == nil {
		return tx.store.newBatch(0)
	}
	b := tx.store.newBatch(tx.own.bytes)
	for n := tx.own.head.next; n != nil; n = n.next {
		switch v := n.top; {
		case v == nil:
		case v.value == nil:
			// As above: nothing to fail in a batch that is not indexed.
			_ = b.pebble.Delete(tx.stored(n.key), nil)
		default:
			at := b.set(tx.stored(n.key), v.value)
			for _, offset := range v.stamps {
				b.stamps = append(b.stamps, at+offset)
			}
			// The overlay is not read again: a large transaction is not to be held
			// twice. That there is a value still tells a write from a delete.
			v.value, v.prev = []byte{}, nil
		}
	}
	b.adds = tx.own.adds
	return b
}

// commit is the one committer: it verifies, takes a time, logs, applies, stamps and
// publishes, one commit after another. tx is nil for a commit of the engine's own.
// The commit's time is not below atLeast.
func (s *Store) commit(b *batch, atLeast kv.Time, tx *txn) (kv.Time, error) {
	s.committer.Lock()
	defer s.committer.Unlock()
	return s.commitLocked(b, atLeast, tx)
}

// commitLocked is commit. The committer's mutex is held.
func (s *Store) commitLocked(b *batch, atLeast kv.Time, tx *txn) (t kv.Time, err error) {
	if err := s.usable(); err != nil {
		return 0, err
	}
	if tx != nil {
		if err := tx.verify(); err != nil {
			return 0, err
		}
	}
	// From here on the outcome is the log's.
	defer func() {
		if r := recover(); r != nil {
			err = s.diedf("commit: %w", asError(r))
		}
		if err != nil {
			t, err = 0, fmt.Errorf("%w: %w", kv.ErrOutcomeUnknown, err)
		}
	}()
	now := s.env.Now()
	t = s.clock.next(now, atLeast)
	if err := s.fold(b); err != nil {
		return 0, s.died(err)
	}
	large := b.pebble.Len() >= s.largeBytes
	if err := s.apply(b, t); err != nil {
		return 0, err
	}
	if tx != nil {
		for _, cl := range tx.claims {
			if !cl.reserved {
				cl.committed.Store(uint64(t))
			}
		}
	}
	if tx != nil && s.churn.note(tx.own, t, now) {
		if err := s.flush(); err != nil {
			return 0, err
		}
	}
	if large && s.moves.Swap(movesToForget) == 0 {
		s.background.Go(s.forgetLarge)
	}
	var own *overlay
	if tx != nil {
		own = tx.own
	}
	s.snapshots.publish(t, s.db.NewSnapshot(), now, own)
	s.commits.Add(1)
	s.syncer.written()
	return t, nil
}

// apply writes the batch as the commit at t.
func (s *Store) apply(b *batch, t kv.Time) error {
	ceiling, sync := s.clock.cover(t, s.syncer.durable())
	if ceiling != 0 {
		b.set(ceilingKey, encodeTime(ceiling))
	}
	size, err := s.write(b, t)
	if err == nil && sync && !s.skipCeiling {
		err = s.wal.Sync()
	}
	if err == nil && size >= s.walFileBytes {
		err = s.rotate()
	}
	if err != nil {
		return s.died(err)
	}
	s.clock.covered(t, ceiling, sync)
	if sync {
		s.syncer.reached(t)
	}
	return s.alive() // something in the background may have failed meanwhile.
}

// write puts the batch into the log and into Pebble, at t. It returns the size of the
// log's file. The committer's mutex is held.
func (s *Store) write(b *batch, t kv.Time) (size int64, err error) {
	repr := b.pebble.Repr()
	binary.BigEndian.PutUint64(repr[b.timeAt:], uint64(t))
	for _, at := range b.stamps {
		binary.LittleEndian.PutUint64(repr[at:], uint64(t))
	}
	if size, err = s.wal.Append(uint64(t), repr); err != nil {
		return 0, err
	}
	return size, s.db.Apply(b.pebble, pebble.NoSync)
}

// flush has the memtable written out in the background. The committer's mutex is held.
func (s *Store) flush() error {
	if _, err := s.db.AsyncFlush(); err != nil {
		return s.died(err)
	}
	return nil
}

// movesToForget is how often Pebble's queue of memtables moves on until the array that
// it was a part of is left; it is rarely longer.
const movesToForget = 4

// forgetLarge has Pebble let go of batches that were too large for a memtable. It keeps
// such a batch as it is until it is written out, and after that in the array of its
// queue. Otherwise a server at rest keeps what its last large transaction wrote. A
// large commit that comes meanwhile has it begin anew.
func (s *Store) forgetLarge() {
	for again := true; again; again = s.moves.Add(-1) > 0 {
		written, err := s.db.AsyncFlush()
		if err != nil {
			s.died(err)
			return
		}
		select {
		case <-written:
		case <-s.dead:
			return
		}
	}
}
