package docstore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/lock"
	"github.com/pandodb/pando/internal/query"
)

// DB is the documents of one store. It is safe for concurrent use.
type DB struct {
	store   kv.Store
	catalog *catalog.Catalog
	env     *env.Env

	// partials holds the compiled filters of partial indexes, which never change
	// for an index id.
	partials struct {
		mu sync.RWMutex // a leaf.
		m  map[indexID]*query.Filter
	}

	scratch sync.Pool // of *scratch

	locks lock.Table

	// builds serialises index builds by namespace.
	builds struct {
		mu      sync.Mutex // a leaf.
		running map[catalog.Namespace]chan struct{}
	}
}

type indexID struct {
	coll  uint64
	index uint32
}

// Open readies the documents of a store, and drops the indexes whose building was
// cut off. It takes no part in closing the store.
func Open(ctx context.Context, store kv.Store, e *env.Env) (*DB, error) {
	cat, err := catalog.Open(ctx, store, e)
	if err != nil {
		return nil, err
	}
	db := &DB{store: store, catalog: cat, env: e}
	db.partials.m = map[indexID]*query.Filter{}
	db.builds.running = map[catalog.Namespace]chan struct{}{}
	if err := db.dropHalfBuilt(ctx); err != nil {
		return nil, fmt.Errorf("docstore: drop half-built indexes: %w", err)
	}
	return db, nil
}

// Serve has clients read, as a collection, what the server keeps in another form:
// see catalog.Catalog.Serve.
func (db *DB) Serve(ns catalog.Namespace, rows catalog.RowsOf) { db.catalog.Serve(ns, rows) }

// Locks are what changes of the catalog and transactions wait for each other by.
func (db *DB) Locks() *lock.Table { return &db.locks }

// Exclusively runs fn when no transaction uses the given collections (a namespace
// without one is a whole database), and has those that come meanwhile wait. note
// names the operation to people who look at who waits.
func (db *DB) Exclusively(ctx context.Context, note string, names []catalog.Namespace, fn func() error) error {
	o := db.locks.Owner(note)
	defer o.Release()
	all := make([]lock.Name, len(names))
	for i, ns := range names {
		all[i] = lock.Name(ns)
	}
	if err := o.Exclusive(ctx, all...); err != nil {
		return err
	}
	return fn()
}

// Begin opens a transaction.
func (db *DB) Begin(ctx context.Context, opt kv.Options) (*Tx, error) {
	txn, err := db.store.Begin(ctx, opt)
	if err != nil {
		return nil, err
	}
	s, _ := db.scratch.Get().(*scratch)
	if s == nil {
		s = &scratch{}
	}
	tx := &Tx{KV: txn, db: db, mem: s}
	tx.Cat = &tx.view
	db.catalog.ViewIn(tx.Cat, txn, opt.Serializable)
	return tx, nil
}

// Alter runs a change of the catalog outside of any client's transaction, and
// commits it, if there is anything to commit. Who uses the collections is the
// caller's to ask: see Exclusively. The entries of the given namespaces are claimed
// first, in their order, waiting for others who change them; fn may run several
// times, each time on a newer snapshot.
func (db *DB) Alter(ctx context.Context, names []catalog.Namespace, fn func(*Tx) error) (kv.Time, error) {
	born := db.env.Now()
	for {
		tx, err := db.Begin(ctx, kv.Options{Note: "catalog change", Born: born})
		if err != nil {
			return 0, err
		}
		tx.Wait = true
		t, err := tx.alter(ctx, names, fn)
		tx.Rollback()
		if !isConflict(err) {
			return t, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}

func (tx *Tx) alter(ctx context.Context, names []catalog.Namespace, fn func(*Tx) error) (kv.Time, error) {
	if err := tx.settled(ctx, func() error {
		for _, ns := range names {
			if err := tx.Cat.Lock(ctx, ns, true); err != nil {
				return err
			}
		}
		return fn(tx)
	}); err != nil {
		return 0, err
	}
	if tx.KV.Size() == 0 {
		// All is as was wanted. A commit would mark the names as changed, and
		// transactions that use them would fail for nothing.
		return tx.KV.ReadTime(), nil
	}
	return tx.Commit(ctx)
}

// settled runs fn, and again on a newer snapshot for as long as claims are made
// that only a refresh makes good. Other conflicts are returned.
func (tx *Tx) settled(ctx context.Context, fn func() error) error {
	for {
		err := fn()
		c, ok := errors.AsType[*kv.Conflict](err)
		if !ok || !c.Claimed {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := tx.Refresh(ctx); err != nil {
			return err
		}
	}
}

func isConflict(err error) bool {
	_, ok := errors.AsType[*kv.Conflict](err)
	return ok
}
