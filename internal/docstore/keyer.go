package docstore

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
)

// Keyer tells which values documents have in an index, without reading it. One
// goroutine at a time may use it.
type Keyer struct {
	coll *catalog.Collection
	idx  *catalog.Index
	set  entrySet
}

// NewKeyer returns the keyer of one of coll's indexes.
func NewKeyer(coll *catalog.Collection, idx *catalog.Index) *Keyer {
	return &Keyer{coll: coll, idx: idx}
}

// First calls do with each value that a document of the collection has in the index's
// first field: a missing field is null, an empty array undefined. The values are the
// document's bytes.
func (k *Keyer) First(doc bsonx.Doc, do func(bsonx.Value) error) error {
	defer k.set.forget()
	if err := k.set.extract(k.coll, k.idx, identified{doc: doc}); err != nil {
		return err
	}
	for i := range k.set.list {
		if err := do(k.set.tuple(i)[0]); err != nil {
			return err
		}
	}
	return nil
}
