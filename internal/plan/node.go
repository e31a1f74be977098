package plan

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/query"
)

// Node is one step of a plan: plain data. The executor has an operator for each
// of the types in this file, and explain a document.
type Node interface {
	// Inputs are the steps that feed this one.
	Inputs() []Node
}

// EOF gives nothing. Why is in the words of explain.
type EOF struct{ Why string }

// The reasons of EOF.
const (
	NoCollection = "nonExistentNamespace"
	AlwaysFalse  = "predicateEvalsToFalse"
)

// CollScan walks all documents of a collection, in natural order.
type CollScan struct {
	Coll    *catalog.Collection
	Filter  *query.Filter // nil: every document.
	Reverse bool
	Places  bool // nobody looks at the documents: empty ones will do.
}

// Express is a point read: at most one document, by a unique index.
type Express struct {
	Coll       *catalog.Collection
	Index      *catalog.Index
	Value      bsonx.Value
	Filter     *query.Filter // the whole filter, for keys that end in a hash.
	Projection *query.Projection
}

// IndexScan walks entries of an index. Its output is a document's place, and the
// document only where a Fetch stands above it.
type IndexScan struct {
	Coll    *catalog.Collection
	Index   *catalog.Index
	Flags   catalog.IndexFlags
	Bounds  []Set // one for each field of the index, ascending.
	Reverse bool
}

// Or is the union of its branches' places, each once.
type Or struct{ Branches []Node }

// Merge puts scans of one index together in the order of their keys behind the
// first Fields, each place once.
type Merge struct {
	Branches []Node
	Fields   []catalog.Field
	Reverse  bool
	Spec     bsonx.Doc // of the sort, for explain.
}

// Fetch reads the documents whose places its input gives.
type Fetch struct {
	Coll   *catalog.Collection
	Input  Node
	Filter *query.Filter // what the bounds have not answered; nil: nothing.
	Whole  *query.Filter // the whole filter, for entries that end in a hash; nil: everything matches.

	// Places: nobody looks at the documents. Only those are read that must be
	// checked, and empty ones are given.
	Places bool
}

// Sort sorts its input, all of it or the first Limit.
type Sort struct {
	Input Node
	Sort  *query.Sort
	Spec  bsonx.Doc
	Limit int64 // zero: all.
}

// Skip drops the first N of its input. It may stand below a Fetch.
type Skip struct {
	Input Node
	N     int64
}

// Limit ends after N.
type Limit struct {
	Input Node
	N     int64
}

// Project shapes documents as a find's projection says.
type Project struct {
	Input      Node
	Projection *query.Projection
	Spec       bsonx.Doc
	Simple     bool          // of inclusions or exclusions of top-level fields only.
	Filter     *query.Filter // where in an array it matched is what a positional $ stands for.
}

// Covered makes documents from index entries alone. Where an entry cannot tell
// (null stands for a missing field too) the document is fetched after all.
type Covered struct {
	Coll       *catalog.Collection
	Input      *IndexScan
	Projection *query.Projection
	Spec       bsonx.Doc
	Whole      *query.Filter
}

// Apply runs a stage of a pipeline over its input.
type Apply struct {
	Input Node
	Stage Stage
}

// Inputs are none: it is a source.
func (*EOF) Inputs() []Node { return nil }

// Inputs are none: it is a source.
func (*CollScan) Inputs() []Node { return nil }

// Inputs are none: it is a source.
func (*Express) Inputs() []Node { return nil }

// Inputs are none: it is a source.
func (*IndexScan) Inputs() []Node { return nil }

// Inputs are the branches.
func (n *Or) Inputs() []Node { return n.Branches }

// Inputs are the branches.
func (n *Merge) Inputs() []Node { return n.Branches }

// Inputs is the one input.
func (n *Fetch) Inputs() []Node { return []Node{n.Input} }

// Inputs is the one input.
func (n *Sort) Inputs() []Node { return []Node{n.Input} }

// Inputs is the one input.
func (n *Skip) Inputs() []Node { return []Node{n.Input} }

// Inputs is the one input.
func (n *Limit) Inputs() []Node { return []Node{n.Input} }

// Inputs is the one input.
func (n *Project) Inputs() []Node { return []Node{n.Input} }

// Inputs is the one input.
func (n *Covered) Inputs() []Node { return []Node{n.Input} }

// Inputs is the one input; a stage that is a source has none.
func (n *Apply) Inputs() []Node {
	if n.Input == nil {
		return nil
	}
	return []Node{n.Input}
}
