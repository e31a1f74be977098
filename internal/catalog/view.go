package catalog

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/pandodb/pando/internal/kv"
)

// View is the catalog as one transaction sees it, own changes included. It is
// used by one goroutine at a time, as the transaction is.
type View struct {
	// Using, if it is set, is told of each collection before it is looked up, and
	// may make the lookup wait or fail.
	Using func(ctx context.Context, ns Namespace) error

	// Strict has a drop count as a write of every document: the commit fails if
	// somebody has written one since the snapshot. A client's transaction may have
	// read them, and dropped the collection for what it read.
	Strict bool

	catalog      *Catalog
	txn          kv.Txn
	serializable bool

	changed [][]byte   // keys written here, to be locked before the commit.
	drops   []dropped  // what the commit leaves to be forgotten.
	flagged []ownFlags // flags of indexes set here.
	relied  [][]byte   // entries under Check.
	created []uint64   // collections made here.
	gone    []Gone     // collections that lost their names here.
}

// Gone is a collection that has lost its name.
type Gone struct {
	Coll *Collection // as it was.
	To   Namespace   // its new name; zero if it was dropped.
}

// Mark is a place in the order of a view's changes, beside kv's Savepoint.
type Mark struct{ changed, drops, flagged, relied, created, gone int }

// Mark marks the present.
func (v *View) Mark() Mark {
	return Mark{len(v.changed), len(v.drops), len(v.flagged), len(v.relied), len(v.created), len(v.gone)}
}

// RollbackTo forgets what was changed since; the caller has the transaction do
// the same.
func (v *View) RollbackTo(m Mark) {
	v.changed, v.drops = v.changed[:m.changed], v.drops[:m.drops]
	v.flagged, v.relied, v.created = v.flagged[:m.flagged], v.relied[:m.relied], v.created[:m.created]
	v.gone = v.gone[:m.gone]
}

// Refresh forgets all that was changed, when the transaction has done so.
func (v *View) Refresh() { v.RollbackTo(Mark{}) }

// Changed tells whether this transaction has changed the catalog.
func (v *View) Changed() bool { return len(v.changed) > 0 }

// Created tells whether this transaction made the collection.
func (v *View) Created(coll *Collection) bool { return slices.Contains(v.created, coll.ID) }

// Gone lists the collections that the transaction has taken the names of, for
// whoever keeps something by name. It may be asked after the commit.
func (v *View) Gone() []Gone { return v.gone }

// Lookup returns the collection or view called ns, or nil if there is none.
func (v *View) Lookup(ctx context.Context, ns Namespace) (*Collection, error) {
	if coll := v.catalog.servedAs(ns); coll != nil {
		return coll, nil
	}
	if err := refuseOplog(ns); err != nil {
		return nil, err
	}
	if v.Using != nil {
		if err := v.Using(ctx, ns); err != nil {
			return nil, err
		}
	}
	g := v.generation()
	var known *Collection
	if g != nil {
		known = g.entry(ns)
	}
	if known != nil && !v.serializable {
		return known, nil
	}
	key := entryKey(ns)
	if len(key) > kv.KeyBytesMax {
		return nil, nil // no such name was ever created.
	}
	value, err := v.txn.Get(ctx, key, nil)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if known != nil {
		return known, nil
	}
	coll, err := decodeEntry(key, value)
	if err == nil && g != nil {
		g.keep(coll)
	}
	return coll, err
}

// generation is the copy in memory, if it is what this view sees.
func (v *View) generation() *generation {
	if v.Changed() {
		return nil
	}
	return v.catalog.cache.at(v.txn.ReadTime())
}

// Databases lists the databases, in the order of their names.
func (v *View) Databases(ctx context.Context) ([]string, error) {
	lo, hi := partBounds(partEntry)
	it, err := v.txn.Scan(ctx, kv.Range{Lower: lo, Upper: hi, KeysOnly: true})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var names []string
	for ok := it.Next(); ok; {
		ns, err := parseEntryKey(it.Key())
		if err != nil {
			return nil, err
		}
		names = append(names, ns.DB)
		_, past := databaseBounds(ns.DB)
		ok = it.Seek(past)
	}
	return names, it.Err()
}

// HasDatabase tells whether a database has a collection or view.
func (v *View) HasDatabase(ctx context.Context, db string) (bool, error) {
	lo, hi := databaseBounds(db)
	it, err := v.txn.Scan(ctx, kv.Range{Lower: lo, Upper: hi, KeysOnly: true})
	if err != nil {
		return false, err
	}
	defer it.Close()
	return it.Next(), it.Err()
}

// Collections lists a database's collections and views, in the order of their names.
func (v *View) Collections(ctx context.Context, db string) ([]*Collection, error) {
	lo, hi := databaseBounds(db)
	list, err := v.scan(ctx, lo, hi)
	return v.catalog.withServed(db, list), err
}

// All lists every collection and view that is stored.
func (v *View) All(ctx context.Context) ([]*Collection, error) {
	lo, hi := partBounds(partEntry)
	return v.scan(ctx, lo, hi)
}

func (v *View) scan(ctx context.Context, lo, hi []byte) ([]*Collection, error) {
	it, err := v.txn.Scan(ctx, kv.Range{Lower: lo, Upper: hi})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var all []*Collection
	for it.Next() {
		coll, err := decodeEntry(it.Key(), bytes.Clone(it.Value()))
		if err != nil {
			return nil, err
		}
		all = append(all, coll)
	}
	return all, it.Err()
}

// Rely has the commit fail with a *kv.Conflict if coll's entry was changed after
// the snapshot. Whoever writes into a collection relies on it; once is enough.
func (v *View) Rely(coll *Collection) error {
	if containsKey(v.relied, coll.key) {
		return nil
	}
	v.relied = append(v.relied, coll.key)
	return v.txn.Check(coll.key)
}

// Lock claims the entry of ns at once, waiting for others who change it if wait
// is set. Changes outside transactions do so first, so that they come one after
// another; inside transactions the claim is Commit's.
func (v *View) Lock(ctx context.Context, ns Namespace, wait bool) error {
	return v.txn.Lock(ctx, kv.How{Wait: wait}, entryKey(ns))
}

// Commit commits the transaction, and everything else that it wrote with it.
func (v *View) Commit(ctx context.Context) (kv.Time, error) {
	if len(v.changed) == 0 && len(v.flagged) == 0 {
		return v.txn.Commit(ctx)
	}
	for _, key := range v.changed {
		if err := v.txn.Lock(ctx, kv.How{}, key); err != nil {
			v.txn.Rollback()
			return 0, err
		}
	}
	v.catalog.cache.begin()
	// An unknown outcome would cost the copy in memory, so it is not brought
	// about by a client that goes away.
	t, err := v.txn.Commit(context.WithoutCancel(ctx))
	v.catalog.cache.end(t, err)
	if err == nil && len(v.drops) > 0 {
		v.catalog.sweep(context.WithoutCancel(ctx), t, v.drops)
	}
	return t, err
}

// put writes an entry.
func (v *View) put(coll *Collection) error {
	coll.Cap = capOf(coll.Options)
	v.touch(coll.key)
	return v.txn.Set(coll.key, coll.encode())
}

func (v *View) touch(key []byte) {
	if !containsKey(v.changed, key) {
		v.changed = append(v.changed, key)
	}
}

func containsKey(keys [][]byte, key []byte) bool {
	return slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) })
}
