package pebblekv

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/invariant"
	"github.com/pandodb/pando/internal/kv"
)

// txn is one transaction.
type txn struct {
	store *Store
	begun time.Time // set by Begin, as the next three are.
	born  time.Time
	note  string
	fixed bool // begun at a given time.

	// mu guards all below against Store.Close and a Rollback from elsewhere; the
	// door promises one user at a time. It is not held while waiting for a claim.
	mu       sync.Mutex
	ended    bool
	why      error // what ended it, for who goes on using it.
	snap     *snapshot
	readTime kv.Time
	own      *overlay // nil until something is written.
	claims   []*claim
	stale    *kv.Conflict // a claim that only Refresh makes good.
	iters    *iterator    // the open ones.
	reads    *reading     // of a serializable transaction; set by Begin.
	scratch  []byte       // for stored keys.

	// queued is set while tx may stand in a queue, over when it has ended: whoever
	// sets one looks at the other, so that nobody waits who has ended.
	queued, over atomic.Bool

	next, prev *txn // of the open transactions; snapshots.mu.
}

// txnList is the open transactions.
type txnList struct {
	first *txn
	n     int
}

func (l *txnList) add(tx *txn) {
	tx.next = l.first
	if l.first != nil {
		l.first.prev = tx
	}
	l.first = tx
	l.n++
}

func (l *txnList) remove(tx *txn) {
	if tx.prev != nil {
		tx.prev.next = tx.next
	} else {
		l.first = tx.next
	}
	if tx.next != nil {
		tx.next.prev = tx.prev
	}
	tx.next, tx.prev = nil, nil
	l.n--
}

// Begin implements kv.Store.
func (s *Store) Begin(ctx context.Context, opt kv.Options) (kv.Txn, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tx := &txn{store: s, begun: s.env.Now(), born: opt.Born, note: opt.Note, fixed: opt.At != 0}
	if tx.born.IsZero() {
		tx.born = tx.begun
	}
	if opt.Serializable {
		tx.reads = &reading{}
		tx.reads.set.bytesMax = s.readSetBytes
	}
	if err := s.snapshots.begin(tx, opt.At, opt.Hold); err != nil {
		return nil, err
	}
	return tx, nil
}

// ReadTime implements kv.Reader.
func (tx *txn) ReadTime() kv.Time {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.readTime
}

// usable tells why nothing can be done with tx any more. tx.mu is held.
func (tx *txn) usable() error {
	if tx.ended {
		return tx.why
	}
	return nil
}

// overlay returns the overlay to write to. tx.mu is held.
func (tx *txn) overlay() *overlay {
	if tx.own == nil {
		tx.own = newOverlay()
	}
	return tx.own
}

// Set implements kv.Writer.
func (tx *txn) Set(key, value []byte) error { return tx.write(key, value, nil) }

// SetStamped implements kv.Writer.
func (tx *txn) SetStamped(key, value []byte, at ...int) error {
	for _, offset := range at {
		invariant.Check(offset >= 0 && offset+8 <= len(value), "stamp at %d of a value of %d bytes", offset, len(value))
	}
	return tx.write(key, value, append([]int(nil), at...))
}

func (tx *txn) write(key, value []byte, stamps []int) error {
	invariant.Check(len(value) > 0, "empty value for key %x", key)
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.mayWrite(key, len(value)); err != nil {
		return err
	}
	if stamps == nil {
		tx.overlay().write(key, value, nil)
		return nil
	}
	zeroed := append([]byte(nil), value...)
	for _, offset := range stamps {
		clear(zeroed[offset : offset+8])
	}
	tx.overlay().write(key, zeroed, stamps)
	return nil
}

// Delete implements kv.Writer.
func (tx *txn) Delete(key []byte) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.mayWrite(key, 0); err != nil {
		return err
	}
	tx.overlay().write(key, nil, nil)
	return nil
}

// Add implements kv.Writer.
func (tx *txn) Add(key []byte, delta int64) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.mayWrite(key, 8); err != nil {
		return err
	}
	tx.overlay().add(key, delta)
	return nil
}

// mayWrite checks the limits. tx.mu is held.
func (tx *txn) mayWrite(key []byte, valueBytes int) error {
	if err := tx.usable(); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if valueBytes > valueBytesMax || tx.own != nil && tx.own.bytes+len(key)+valueBytes+opBytes > txnBytesMax {
		return kv.ErrTooLarge
	}
	return nil
}

func checkKey(key []byte) error {
	invariant.Check(len(key) > 0, "empty key")
	if len(key) > kv.KeyBytesMax {
		return kv.ErrTooLarge
	}
	return nil
}

// Savepoint implements kv.Scope.
func (tx *txn) Savepoint() kv.Savepoint {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	place := 0
	if tx.own != nil {
		place = tx.own.savepoint()
	}
	return kv.Savepoint(len(tx.claims)<<placeBits | place)
}

// placeBits is how much of a savepoint is a place in the undo log, which is
// bounded by txnBytesMax; the rest is how many claims there were.
const placeBits = 32

// RollbackTo implements kv.Scope.
func (tx *txn) RollbackTo(place kv.Savepoint) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.ended {
		return
	}
	if tx.own != nil {
		tx.own.rollbackTo(int(place & (1<<placeBits - 1)))
	}
	tx.reserve(tx.claims[place>>placeBits:])
}

// reserve has claims count as not written until they are locked again, when what
// they were locked for is undone. tx.mu is held.
func (tx *txn) reserve(claims []*claim) {
	for _, cl := range claims {
		cl.reserved = true
	}
}

// Refresh implements kv.Scope.
func (tx *txn) Refresh(ctx context.Context) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.usable(); err != nil {
		return err
	}
	if tx.fixed {
		return kv.ErrFixedSnapshot
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	tx.closeIterators(kv.ErrClosed)
	tx.own, tx.stale = nil, nil
	tx.reserve(tx.claims)
	if tx.reads != nil {
		tx.reads.set.reset()
	}
	// Claims handed to tx were stamped and published before they were released,
	// so the newest state has them.
	tx.store.snapshots.renew(tx)
	return nil
}

// Check implements kv.Scope.
func (tx *txn) Check(keys ...[]byte) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.usable(); err != nil {
		return err
	}
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
		tx.overlay().check(key, nil)
	}
	return nil
}

// CheckRange implements kv.Scope.
func (tx *txn) CheckRange(lower, upper []byte) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.usable(); err != nil {
		return err
	}
	invariant.Check(bytes.Compare(lower, upper) < 0, "a range from %x to %x", lower, upper)
	tx.overlay().check(lower, upper)
	return nil
}

// Size implements kv.Scope.
func (tx *txn) Size() int {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.own == nil {
		return 0
	}
	return tx.own.bytes
}

// Rollback implements kv.Txn.
func (tx *txn) Rollback() {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.end(kv.ErrClosed)
}

// end gives everything back. tx.mu is held. It is a no-op after the first time.
func (tx *txn) end(why error) {
	if tx.ended {
		return
	}
	tx.ended, tx.why = true, why
	tx.closeIterators(why)
	if tx.reads != nil {
		tx.reads.set.reset()
	}
	tx.over.Store(true)
	if tx.queued.Load() {
		tx.store.claims.queues.leave(tx, why)
	}
	tx.store.claims.release(tx.claims)
	tx.claims, tx.own = nil, nil
	tx.store.snapshots.end(tx)
}

func (tx *txn) closeIterators(why error) {
	for tx.iters != nil {
		// What went wrong while reading was told by the iterator's Err.
		_ = tx.iters.closeLocked(why)
	}
}
