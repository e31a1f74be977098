package docstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// A batch of a build claims so many documents at a time: their writers wait for
// it, and it for them.
const (
	batchDocsMax  = 128
	batchBytesMax = 1 << 20
)

// BuildResult is what createIndexes tells.
type BuildResult struct {
	Before, After int  // how many indexes there were and are.
	Created       bool // the collection was made for them.
}

// BuildIndexes adds indexes to a collection, which is made if there is none, and
// fills them while others go on writing. It returns when they are ready, or when
// one of them could not be built and none of them is there. Those that exist
// already are passed over. Builds of one collection come one after another. Before
// the indexes appear, and before they are ready, it waits for the transactions that
// use the collection; note names the operation to people who look at who waits.
func (db *DB) BuildIndexes(ctx context.Context, note string, ns catalog.Namespace, indexes []*catalog.Index) (BuildResult, error) {
	unlock, err := db.lockBuilds(ctx, ns)
	if err != nil {
		return BuildResult{}, err
	}
	defer unlock()
	b := build{db: db, note: note, ns: ns, indexes: indexes}
	if err := b.begin(ctx); err != nil || len(b.ids) == 0 {
		return b.result, err
	}
	if err = b.fill(ctx); err == nil {
		err = b.finish(ctx)
	}
	if err != nil {
		b.undo(context.WithoutCancel(ctx))
		return BuildResult{}, b.failed(err)
	}
	return b.result, nil
}

// lockBuilds waits for the build of the same collection that runs, if one does.
func (db *DB) lockBuilds(ctx context.Context, ns catalog.Namespace) (unlock func(), err error) {
	for {
		db.builds.mu.Lock()
		running := db.builds.running[ns]
		if running == nil {
			mine := make(chan struct{})
			db.builds.running[ns] = mine
			db.builds.mu.Unlock()
			return func() {
				db.builds.mu.Lock()
				delete(db.builds.running, ns)
				db.builds.mu.Unlock()
				close(mine)
			}, nil
		}
		db.builds.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// build is one run of BuildIndexes.
type build struct {
	db      *DB
	note    string
	ns      catalog.Namespace
	indexes []*catalog.Index
	result  BuildResult
	coll    *catalog.Collection // as begin left it.
	ids     []uint32            // of the indexes to be filled.
}

// alter changes the collection's entry, when no transaction uses the collection.
func (b *build) alter(ctx context.Context, fn func(tx *Tx) error) error {
	return b.db.Exclusively(ctx, b.note, []catalog.Namespace{b.ns}, func() error {
		_, err := b.db.Alter(ctx, []catalog.Namespace{b.ns}, fn)
		return err
	})
}

// disturbs tells whether there is anything to add to a collection that others may
// be using.
func (b *build) disturbs(ctx context.Context) (bool, error) {
	tx, err := b.db.Begin(ctx, kv.Options{Note: b.note})
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	coll, err := tx.Cat.Lookup(ctx, b.ns)
	if err != nil || coll == nil {
		return false, err
	}
	if err := indexable(coll); err != nil {
		return false, err
	}
	return slices.ContainsFunc(b.indexes, func(idx *catalog.Index) bool {
		same, err := coll.Match(idx)
		return err == nil && same == nil
	}), nil
}

// begin adds the indexes. In a collection made by the same commit they are ready
// at once; in any other, empty or not, a writer may be under way who does not know
// of them.
func (b *build) begin(ctx context.Context) error {
	disturbs, err := b.disturbs(ctx)
	if err != nil {
		return err
	}
	if disturbs {
		return b.alter(ctx, b.add(ctx))
	}
	_, err = b.db.Alter(ctx, []catalog.Namespace{b.ns}, b.add(ctx))
	return err
}

// add is begin's change.
func (b *build) add(ctx context.Context) func(tx *Tx) error {
	return func(tx *Tx) error {
		b.result, b.ids = BuildResult{}, nil
		coll, err := tx.Cat.Lookup(ctx, b.ns)
		if err != nil {
			return err
		}
		state := catalog.StateBuilding
		if coll == nil {
			state, b.result.Created = catalog.StateReady, true
			if coll, err = tx.Cat.Create(ctx, b.ns, catalog.CreateOptions{}); err != nil {
				return err
			}
		}
		b.result.Before = len(coll.Indexes)
		if b.coll, err = tx.addIndexes(ctx, coll, b.indexes, state); err != nil {
			return err
		}
		b.result.After = len(b.coll.Indexes)
		if state == catalog.StateBuilding {
			for _, idx := range b.coll.Indexes[b.result.Before:] {
				b.ids = append(b.ids, idx.ID)
			}
		}
		return nil
	}
}

// fill indexes every document, a batch at a time, in the order of their _ids.
// Documents that come meanwhile have their entries from whoever writes them.
func (b *build) fill(ctx context.Context) error {
	var from []byte
	for limit := batchDocsMax; ; {
		next, err := b.batch(ctx, from, limit)
		c, lost := errors.AsType[*kv.Conflict](err)
		switch {
		case lost && c.Deadlock:
			// With one document at a time nothing is held while waiting for
			// another; the batches after it may be whole ones again.
			limit = 1
		case lost:
		case err != nil:
			return err
		case next == nil:
			return nil
		default:
			from, limit = next, batchDocsMax
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// batch indexes the documents from an encoded _id on, at most limit, and returns
// where to go on; nil at the end.
func (b *build) batch(ctx context.Context, from []byte, limit int) (next []byte, err error) {
	tx, err := b.db.Begin(ctx, kv.Options{Note: "index build on " + b.ns.String()})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	tx.Wait = true
	err = tx.settled(ctx, func() error {
		coll, indexes, err := b.current(ctx, tx)
		if err != nil {
			return err
		}
		var ids [][]byte
		if ids, next, err = pick(ctx, tx, coll, from, limit); err != nil {
			return err
		}
		for _, id := range ids {
			if err := tx.ClaimEncoded(ctx, coll, id); err != nil {
				return err
			}
		}
		// All that was claimed is unchanged since the snapshot, or Lock would
		// have said so: what is read now is the newest.
		for _, id := range ids {
			if err := tx.indexOne(ctx, coll, indexes, id); err != nil {
				return err
			}
		}
		return tx.Cat.Rely(coll)
	})
	if err != nil {
		return nil, err
	}
	_, err = tx.Commit(ctx)
	return next, err
}

// current looks the collection and the indexes up as tx sees them. They may have
// been dropped.
func (b *build) current(ctx context.Context, tx *Tx) (*catalog.Collection, []*catalog.Index, error) {
	coll, err := tx.Cat.Lookup(ctx, b.ns)
	if err != nil {
		return nil, nil, err
	}
	if coll == nil || coll.ID != b.coll.ID {
		return nil, nil, mongoerr.New(mongoerr.IndexBuildAborted, "collection dropped")
	}
	var indexes []*catalog.Index
	for _, idx := range coll.Indexes {
		if slices.Contains(b.ids, idx.ID) {
			indexes = append(indexes, idx)
		}
	}
	if len(indexes) < len(b.ids) {
		return nil, nil, mongoerr.New(mongoerr.IndexBuildAborted, "dropIndexes command")
	}
	return coll, indexes, nil
}

// pick lists the encoded _ids of a batch, and the one after it.
func pick(ctx context.Context, tx *Tx, coll *catalog.Collection, from []byte, limit int) (ids [][]byte, next []byte, err error) {
	it, err := tx.Scan(ctx, coll, Bounds{Lower: from})
	if err != nil {
		return nil, nil, err
	}
	defer it.Close()
	for size := 0; it.Next(); {
		id := bytes.Clone(it.ID())
		if len(ids) == limit || size > batchBytesMax {
			return ids, id, nil
		}
		ids = append(ids, id)
		size += len(it.Doc())
	}
	return ids, nil, it.Err()
}

// indexOne adds the entries of one claimed document, unless they are there.
func (tx *Tx) indexOne(ctx context.Context, coll *catalog.Collection, indexes []*catalog.Index, encID []byte) error {
	doc, err := tx.Fetch(ctx, coll, encID, nil)
	if err != nil {
		return err
	}
	d, err := tx.identify(doc)
	if err != nil {
		return err
	}
	for _, idx := range indexes {
		set, err := tx.extract(ctx, &tx.scratch().entries[0], coll, idx, d)
		if err != nil {
			return err
		}
		for i := range set.list {
			if err := tx.backfillEntry(ctx, set, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tx *Tx) backfillEntry(ctx context.Context, s *entrySet, i int) error {
	if s.idx.Unique {
		if err := tx.KV.Lock(ctx, kv.How{Wait: true}, s.key(i)); err != nil {
			return err
		}
		there, own, err := tx.entryThere(ctx, s, i)
		if err == nil && there && !own {
			err = duplicateKey(s.coll, s.idx, s.tuple(i))
		}
		if err != nil || there {
			return err
		}
	}
	return tx.KV.Set(s.key(i), s.value(i))
}

// finish makes the indexes ready.
func (b *build) finish(ctx context.Context) error {
	return b.alter(ctx, func(tx *Tx) error {
		coll, _, err := b.current(ctx, tx)
		if err != nil {
			return err
		}
		coll, err = tx.Cat.FinishIndexes(ctx, coll, b.ids...)
		if err == nil {
			b.result.After = len(coll.Indexes)
		}
		return err
	})
}

// undo drops what was begun. If it fails, the next Open does it. It waits for
// nobody: what it takes back was never used, and its client may be gone.
func (b *build) undo(ctx context.Context) {
	b.db.Alter(ctx, []catalog.Namespace{b.ns}, func(tx *Tx) error {
		coll, err := tx.Cat.Lookup(ctx, b.ns)
		if err != nil || coll == nil || coll.ID != b.coll.ID {
			return err
		}
		return tx.dropIndexes(ctx, coll, func(idx *catalog.Index) bool { return slices.Contains(b.ids, idx.ID) })
	})
}

// dropHalfBuilt drops the indexes whose building ended with the process.
func (db *DB) dropHalfBuilt(ctx context.Context) error {
	building := func(idx *catalog.Index) bool { return idx.State == catalog.StateBuilding }
	tx, err := db.Begin(ctx, kv.Options{Note: "open"})
	if err != nil {
		return err
	}
	all, err := tx.Cat.All(ctx)
	tx.Rollback()
	if err != nil {
		return err
	}
	for _, coll := range all {
		if !slices.ContainsFunc(coll.Indexes, building) {
			continue
		}
		_, err := db.Alter(ctx, []catalog.Namespace{coll.NS}, func(tx *Tx) error {
			coll, err := tx.Cat.Lookup(ctx, coll.NS)
			if err != nil || coll == nil {
				return err
			}
			return tx.dropIndexes(ctx, coll, building)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// failed puts the reference server's words before a client's error.
func (b *build) failed(err error) error {
	e, ok := errors.AsType[*mongoerr.Error](err)
	if !ok {
		return err
	}
	return e.Prefix(fmt.Sprintf("Index build failed: %s: Collection %s ( %s )", uuid(b.db.env.UUID()), b.coll.NS, uuid(b.coll.UUID)))
}
