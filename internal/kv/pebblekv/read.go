package pebblekv

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/planted"
)

// Get implements kv.Reader.
func (tx *txn) Get(ctx context.Context, key, dst []byte) ([]byte, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.usable(); err != nil {
		return dst, err
	}
	if err := checkKey(key); err != nil {
		return dst, err
	}
	tx.drift()
	if tx.own != nil {
		if v := tx.own.get(key); v != nil {
			if v.value == nil {
				return dst, kv.ErrNotFound
			}
			return append(dst, v.value...), nil
		}
	}
	tx.noteGet(key)
	if tx.store.churn.gone(key, tx.readTime) {
		return dst, kv.ErrNotFound
	}
	value, closer, err := tx.snap.snap.Get(tx.stored(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, kv.ErrNotFound
	}
	if err != nil {
		return dst, err
	}
	dst = append(dst, value...)
	return dst, closer.Close()
}

// drift is a mistake that tests plant.
func (tx *txn) drift() {
	if planted.MovingSnapshot && !tx.fixed {
		tx.store.snapshots.renew(tx)
	}
}

// stored is key's stored form, in tx's scratch.
func (tx *txn) stored(key []byte) []byte {
	tx.scratch = storedKey(tx.scratch[:0], key)
	return tx.scratch
}

// visible tells whether key is there in tx's view. tx.mu is held.
func (tx *txn) visible(key []byte) (bool, error) {
	if tx.own != nil {
		if v := tx.own.get(key); v != nil {
			return v.value != nil, nil
		}
	}
	if tx.store.churn.gone(key, tx.readTime) {
		return false, nil
	}
	_, closer, err := tx.snap.snap.Get(tx.stored(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	tx.noteGet(key) // who is told that it exists has read it; of an absent one Lock makes sure.
	return true, closer.Close()
}

// noteGet counts a key of the snapshot as read. tx.mu is held.
func (tx *txn) noteGet(key []byte) {
	if tx.reads != nil && !planted.ForgottenRead {
		tx.reads.set.key(key)
	}
}

// Scan implements kv.Reader.
func (tx *txn) Scan(ctx context.Context, r kv.Range) (kv.Iterator, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if err := tx.usable(); err != nil {
		return nil, err
	}
	tx.drift()
	lower, upper := storedBounds(r)
	base, err := tx.snap.snap.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	it := &iterator{
		tx: tx, ctx: ctx, base: base,
		lower: lower[1:], reverse: r.Reverse, keysOnly: r.KeysOnly,
	}
	if r.Upper != nil {
		it.upper = upper[1:]
	}
	if tx.own != nil {
		it.own, it.seq = tx.own, tx.own.seq
		tx.own.barrier = tx.own.seq
	}
	if it.next = tx.iters; it.next != nil {
		it.next.prev = it
	}
	tx.iters = it
	return it, nil
}
