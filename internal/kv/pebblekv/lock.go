package pebblekv

import (
	"context"

	"github.com/pandodb/pando/internal/kv"
)

// Lock implements kv.Writer. Waiting gives the claim in the order of asking; if
// the holder committed, the claim is newer than tx's snapshot, and tx has it all
// the same: it refreshes and goes on.
func (tx *txn) Lock(ctx context.Context, how kv.How, keys ...[]byte) error {
	for _, key := range keys {
		if err := tx.lock(ctx, how, key); err != nil {
			return err
		}
	}
	return nil
}

func (tx *txn) lock(ctx context.Context, how kv.How, key []byte) error {
	for {
		tx.mu.Lock()
		conflict, err := tx.tryLock(how, key)
		tx.mu.Unlock()
		switch {
		case err != nil:
			return err
		case conflict == nil:
			return nil
		case !how.Wait || !conflict.Held:
			tx.store.claims.conflicts.Add(1)
			return conflict
		}
		cl, err := tx.store.claims.wait(ctx, tx, key, how.WaitersMax)
		if err == nil && cl != nil {
			err = tx.adopt(cl)
		}
		if err != nil {
			return err
		}
	}
}

// tryLock is Lock of one key without waiting. tx.mu is held.
func (tx *txn) tryLock(how kv.How, key []byte) (*kv.Conflict, error) {
	if err := tx.usable(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if how.Absent {
		if there, err := tx.visible(key); err != nil {
			return nil, err
		} else if there {
			return nil, kv.ErrExists
		}
	}
	fresh, conflict := tx.store.claims.take(tx, key, tx.readTime, how)
	if fresh != nil {
		tx.claims = append(tx.claims, fresh)
	}
	if conflict != nil && conflict.Claimed && tx.stale == nil {
		tx.stale = conflict
	}
	return conflict, nil
}

// adopt makes a claim that was handed over tx's own, or passes it on if tx has
// ended while it waited.
func (tx *txn) adopt(cl *claim) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.usable(); err != nil {
		tx.store.claims.release([]*claim{cl})
		return err
	}
	tx.claims = append(tx.claims, cl)
	return nil
}
