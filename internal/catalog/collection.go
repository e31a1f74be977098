package catalog

import (
	"slices"
	"sync/atomic"

	"github.com/pandodb/pando/internal/bsonx"
)

// Kind is what a name stands for.
type Kind byte

// The kinds of things that have a namespace.
const (
	KindCollection Kind = iota
	KindView
	KindServed // no entry of the catalog: see Catalog.Serve.
)

// Collection is one entry of the catalog. It is shared and never changes: a
// change makes another one.
type Collection struct {
	NS   Namespace
	ID   uint64   // never used again; keys of documents begin with it.
	UUID [16]byte // of a view: zero.
	Kind Kind

	// Options are those of the create command that listCollections shows, as they
	// were given: the command layer has judged them. Of a view they hold viewOn
	// and pipeline.
	Options bsonx.Doc

	// Cap is what Options say of a capped collection, nil of any other.
	Cap *Cap

	// Indexes are in the order of their creation. The first is the one on _id,
	// whose ID is [IDIndex]; a view has none.
	Indexes []*Index

	// Rows are the documents of a served collection; nil for all others.
	Rows RowsOf

	nextIndex uint32
	key       []byte // of the entry.
	derived   *derived
}

// derived is what somebody above has made of an entry.
type derived struct{ made atomic.Pointer[any] }

// Derive returns what make returns, which is called once for each copy of the entry
// or, if several ask for it first, a few times. One package may use it, for what it
// needs at every write.
func (c *Collection) Derive(make func(*Collection) (any, error)) (any, error) {
	if was := c.derived.made.Load(); was != nil {
		return *was, nil
	}
	made, err := make(c)
	if err == nil {
		c.derived.made.Store(&made)
	}
	return made, err
}

// IDIndex is the ID of every collection's index on _id, which is the documents
// themselves: they are keyed by _id.
const IDIndex = 0

// IDIndexName is the name of the index on _id.
const IDIndexName = "_id_"

// FindIndex returns the index of that name, or nil.
func (c *Collection) FindIndex(name string) *Index {
	for _, idx := range c.Indexes {
		if idx.Name == name {
			return idx
		}
	}
	return nil
}

// FindIndexKey returns the indexes whose key pattern equals key, numbers of any type alike.
func (c *Collection) FindIndexKey(key bsonx.Doc) []*Index {
	var found []*Index
	for _, idx := range c.Indexes {
		if bsonx.CompareDocs(idx.Key, key) == 0 {
			found = append(found, idx)
		}
	}
	return found
}

// building tells whether an index is not ready yet.
func (c *Collection) building() bool {
	return slices.ContainsFunc(c.Indexes, func(i *Index) bool { return i.State == StateBuilding })
}

// edited returns a copy that may be changed until it is put.
func (c *Collection) edited() *Collection {
	e := *c
	e.Indexes = slices.Clone(c.Indexes)
	e.derived = &derived{}
	return &e
}

// State is how far an index is.
type State byte

// The states of an index.
const (
	// StateReady: every document has its entries, queries may use it.
	StateReady State = iota
	// StateBuilding: writers keep it, but older documents may lack entries.
	StateBuilding
)

// Index is one index of a collection, shared and never changed.
type Index struct {
	ID     uint32
	Name   string
	Key    bsonx.Doc
	Fields []Field
	Unique bool
	Sparse bool
	Hidden bool

	// Partial is the filter of a partial index, or nil.
	Partial bsonx.Doc

	// ExpireAfterSeconds is a TTL index's, or -1.
	ExpireAfterSeconds int64

	State State

	// Spec is the index as listIndexes shows it.
	Spec bsonx.Doc

	given bsonx.Doc // what ParseIndex was given.
}

// Field is one component of an index's key.
type Field struct {
	Path string
	Desc bool
}

// idIndex is the index on _id that every collection has; it is not stored.
func idIndex() *Index {
	key := bsonx.NewBuilder(nil)
	key.Int32("_id", 1)
	idx := &Index{
		ID: IDIndex, Name: IDIndexName, Key: key.Doc(), Unique: true,
		Fields: []Field{{Path: "_id"}}, ExpireAfterSeconds: -1,
	}
	spec := bsonx.NewBuilder(nil)
	spec.Int32("v", 2)
	spec.EmbedDoc("key", idx.Key)
	spec.String("name", IDIndexName)
	idx.Spec = spec.Doc()
	return idx
}
