package docstore

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
)

// Describe says in words whose key it is that a conflict is about, for people: a
// document's, an index's, a collection's definition. Names are those of some
// recent time. A nil key is that of a change of the catalog.
func (db *DB) Describe(ctx context.Context, key []byte) string {
	if ns, ok := catalog.SplitEntryKey(key); ok {
		return "the definition of " + ns.String()
	}
	if len(key) > 0 && key[0] == catalog.SpaceSessions {
		return "the record of a session"
	}
	id, index, tail, ok := catalog.SplitKey(key)
	if !ok {
		if id, index, ok = catalog.SplitFlagKey(key); !ok {
			return "a change of the catalog"
		}
	}
	coll, err := db.collectionOf(ctx, id)
	if err != nil || coll == nil {
		return "a dropped collection"
	}
	if index == catalog.IDIndex {
		if id, rest, err := keyenc.Decode(tail, nil, false); err == nil && len(rest) == 0 {
			return coll.NS.String() + ", _id: " + bsonx.ShellString(id)
		}
		return coll.NS.String() // a long _id is not in its key, and a range has none.
	}
	if index == catalog.OrderKeys || index == catalog.NumberKeys {
		return coll.NS.String() + ", its order of insertion"
	}
	for _, idx := range coll.Indexes {
		if idx.ID == index {
			return coll.NS.String() + ", index: " + idx.Name
		}
	}
	return coll.NS.String() + ", a dropped index"
}

// collectionOf returns the collection with that id, nil if there is none now.
func (db *DB) collectionOf(ctx context.Context, id uint64) (*catalog.Collection, error) {
	tx, err := db.Begin(ctx, kv.Options{Note: "name of a collection"})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	if ns, ok := db.catalog.NameOf(id); ok {
		coll, err := tx.Cat.Lookup(ctx, ns)
		if err != nil || coll != nil && coll.ID == id {
			return coll, err
		}
	}
	all, err := tx.Cat.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, coll := range all {
		if coll.ID == id {
			return coll, nil
		}
	}
	return nil, nil
}
