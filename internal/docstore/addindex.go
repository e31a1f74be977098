package docstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
)

// AddIndexes adds indexes inside a client's transaction, which must have made the
// collection itself and not filled it yet: then they are ready at once. Those that
// exist already are passed over, and are no reason to refuse.
func (tx *Tx) AddIndexes(ctx context.Context, coll *catalog.Collection, indexes []*catalog.Index) (*catalog.Collection, error) {
	if err := indexable(coll); err != nil {
		return nil, err
	}
	known := true
	for _, idx := range indexes {
		same, err := coll.Match(idx)
		if err != nil {
			return nil, err
		}
		known = known && same != nil
	}
	if known {
		return coll, nil
	}
	refused := func(why string) error {
		return mongoerr.Newf(mongoerr.OperationNotSupportedInTransaction,
			"Cannot create new indexes on %s collection %s in a multi-document transaction.", why, coll.NS)
	}
	if !tx.Cat.Created(coll) {
		return nil, refused("existing")
	}
	empty, err := tx.empty(ctx, coll)
	if err != nil {
		return nil, err
	}
	if !empty {
		return nil, refused("non-empty")
	}
	return tx.addIndexes(ctx, coll, indexes, catalog.StateReady)
}

// indexable tells why a collection can have no indexes: only a real one can.
func indexable(coll *catalog.Collection) error {
	switch coll.Kind {
	case catalog.KindView:
		return mongoerr.Newf(mongoerr.CommandNotSupportedOnView, "Namespace %s is a view, not a collection", coll.NS)
	case catalog.KindServed:
		return mongoerr.Newf(mongoerr.IllegalOperation, "not allowed to create index on %s", coll.NS)
	}
	return nil
}

// empty tells whether a collection has no documents.
func (tx *Tx) empty(ctx context.Context, coll *catalog.Collection) (bool, error) {
	it, err := tx.Scan(ctx, coll, Bounds{KeysOnly: true})
	if err != nil {
		return false, err
	}
	defer it.Close()
	return !it.Next(), it.Err()
}

// addIndexes adds those that are not there, in a state.
func (tx *Tx) addIndexes(
	ctx context.Context, coll *catalog.Collection, indexes []*catalog.Index, state catalog.State,
) (*catalog.Collection, error) {
	if err := indexable(coll); err != nil {
		return nil, err
	}
	given := coll
	for _, idx := range indexes {
		if err := validatePartial(idx); err != nil {
			return nil, err
		}
		same, err := given.Match(idx)
		if err != nil {
			return nil, err
		}
		if same != nil {
			continue
		}
		if same, err = coll.Match(idx); err == nil && same != nil {
			err = mongoerr.Newf(mongoerr.IndexAlreadyExists, "Identical index already exists: %s", same.Name)
		}
		if err != nil {
			return nil, tx.clashed(ctx, given, err)
		}
		if coll, err = tx.Cat.AddIndex(ctx, coll, idx, state); err != nil {
			return nil, err
		}
	}
	return coll, nil
}

// clashed puts the reference server's words before the error of two indexes of one
// command that exclude each other: it finds that while it builds them, unless the
// collection is as new as they are.
func (tx *Tx) clashed(ctx context.Context, coll *catalog.Collection, clash error) error {
	e, ok := errors.AsType[*mongoerr.Error](clash)
	if !ok || tx.Cat.Created(coll) {
		return clash
	}
	empty, err := tx.empty(ctx, coll)
	if err != nil {
		return err
	}
	build := uuid(tx.db.env.UUID())
	switch {
	case empty:
		e = e.Prefix("index build on empty collection failed: " + build)
	case e.Code == mongoerr.IndexAlreadyExists:
		e = mongoerr.New(mongoerr.OperationFailed, "Cannot build two identical indexes. Try again without duplicate indexes.")
	}
	return e.Prefix(fmt.Sprintf("Index build failed: %s: Collection %s ( %s )", build, coll.NS, uuid(coll.UUID)))
}

// dropIndexes drops those that which picks.
func (tx *Tx) dropIndexes(ctx context.Context, coll *catalog.Collection, which func(*catalog.Index) bool) (err error) {
	for _, idx := range coll.Indexes {
		if which(idx) {
			if coll, err = tx.Cat.DropIndex(ctx, coll, idx); err != nil {
				return err
			}
		}
	}
	return nil
}

func uuid(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
