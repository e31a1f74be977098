package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Rows are the documents of a served collection, in the order of their _ids. What
// they return is borrowed until the next call.
type Rows interface {
	Next() bool
	ID() bsonx.Value // of the current document.
	Doc() bsonx.Doc
	Err() error // why Next was false, if not for the end.
	Close() error
}

// RowsOf opens the rows of a served collection within a transaction.
type RowsOf func(ctx context.Context, txn kv.Txn) (Rows, error)

// Serve has clients find a collection called ns whose documents the server keeps
// in a form of its own. They can read it, and nothing else. It is called before
// the first transaction.
func (c *Catalog) Serve(ns Namespace, rows RowsOf) {
	coll := &Collection{NS: ns, Kind: KindServed, Options: bsonx.Empty, Indexes: []*Index{idIndex()}, Rows: rows, key: entryKey(ns), derived: &derived{}}
	// The same in every life of every store: there is nothing else to tell it by.
	copy(coll.UUID[:], "served"+ns.Coll)
	coll.UUID[6], coll.UUID[8] = coll.UUID[6]&0x0f|0x40, coll.UUID[8]&0x3f|0x80
	c.served = append(c.served, coll)
	slices.SortFunc(c.served, func(a, b *Collection) int { return strings.Compare(a.NS.Coll, b.NS.Coll) })
}

func (c *Catalog) servedAs(ns Namespace) *Collection {
	for _, coll := range c.served {
		if coll.NS == ns {
			return coll
		}
	}
	return nil
}

// withServed adds a database's served collections to a list in the order of names.
func (c *Catalog) withServed(db string, list []*Collection) []*Collection {
	for _, coll := range c.served {
		if coll.NS.DB != db {
			continue
		}
		at, _ := slices.BinarySearchFunc(list, coll.NS.Coll, func(c *Collection, name string) int { return strings.Compare(c.NS.Coll, name) })
		list = slices.Insert(list, at, coll)
	}
	return list
}

// RefuseServed is the error of whoever wants to change a served collection; nil for any other.
func (c *Collection) RefuseServed() error {
	if c.Kind != KindServed {
		return nil
	}
	return mongoerr.Newf(mongoerr.IllegalOperation, "%s is kept by the server and can only be read", c.NS)
}
