package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Insert is the document that an upsert inserts where the filter has found none:
// what the filter says is equal to something, then the update. _id is its first
// field, from newID if neither gave one. [Filter.CheckUpsert] has accepted the filter.
func (u *Update) Insert(f *Filter, c *expr.Context, newID func() bsonx.Value) (bsonx.Doc, error) {
	var eq equalities
	if err := eq.collect(f.root); err != nil {
		return nil, err
	}
	doc, err := u.insert(&eq, c)
	if err != nil {
		return nil, err
	}
	doc = idFirst(doc, newID)
	return doc, u.checkNew(doc)
}

func (u *Update) insert(eq *equalities, c *expr.Context) (bsonx.Doc, error) {
	if u.replacement != nil {
		return u.insertReplacement(eq, c)
	}
	base, err := eq.document()
	if err != nil {
		return nil, err
	}
	if u.isPipeline {
		doc, _, err := u.runPipeline(base, c, nil)
		return doc, err
	}
	a := application{update: u, doc: base, ctx: c, inserting: true}
	doc, _, err := a.run(u.upsert, nil)
	return doc, err
}

// insertReplacement takes no more of the filter than its _id.
func (u *Update) insertReplacement(eq *equalities, c *expr.Context) (bsonx.Doc, error) {
	b := bsonx.NewBuilder(nil)
	for _, e := range eq.list {
		switch {
		case e.Path == "_id":
			b.Value("_id", e.Value)
		case strings.HasPrefix(e.Path, "_id."):
			return nil, mongoerr.Newf(mongoerr.NotExactValueField, "field at '_id' must be exactly specified, field at sub-path '%s'found", e.Path)
		}
	}
	return u.replace(b.Doc(), c, true, nil)
}

// equalities are the paths that a filter requires to be equal to something.
type equalities struct {
	list []*Node
}

func (eq *equalities) collect(n *Node) error {
	switch n.Op {
	case OpAnd:
		for _, c := range n.Children {
			if err := eq.collect(c); err != nil {
				return err
			}
		}
	case OpEq:
		for _, e := range eq.list {
			switch {
			case e.Path == n.Path:
				return mongoerr.Newf(mongoerr.NotSingleValueField, "cannot infer query fields to set, path '%s' is matched twice", n.Path)
			case strings.HasPrefix(e.Path, n.Path+"."):
				return bothMatched(e.Path, n.Path)
			case strings.HasPrefix(n.Path, e.Path+"."):
				return bothMatched(n.Path, e.Path)
			}
		}
		eq.list = append(eq.list, n)
	}
	return nil
}

func bothMatched(longer, shorter string) error {
	return mongoerr.Newf(mongoerr.NotSingleValueField, "cannot infer query fields to set, both paths '%s' and '%s' are matched", longer, shorter)
}

// document is a document with all of them, in the order of the filter.
func (eq *equalities) document() (bsonx.Doc, error) {
	root := &pathValue{}
	for _, e := range eq.list {
		if e.Path == "" {
			return nil, mongoerr.New(mongoerr.IllegalOperation, "Cannot call setValue on the root object")
		}
		root.set(e.parts, e.Value)
	}
	b := bsonx.NewBuilder(nil)
	root.write(b)
	return b.Doc(), nil
}

// pathValue is a document under construction.
type pathValue struct {
	name   string
	value  bsonx.Value
	fields []*pathValue
}

func (p *pathValue) set(parts []string, v bsonx.Value) {
	if len(parts) == 0 {
		p.value = v
		return
	}
	for _, f := range p.fields {
		if f.name == parts[0] {
			f.set(parts[1:], v)
			return
		}
	}
	f := &pathValue{name: parts[0]}
	p.fields = append(p.fields, f)
	f.set(parts[1:], v)
}

func (p *pathValue) write(b *bsonx.Builder) {
	for _, f := range p.fields {
		if f.fields == nil {
			b.Value(f.name, f.value)
			continue
		}
		b.OpenDoc(f.name)
		f.write(b)
		b.Close()
	}
}

// idFirst returns a document with _id as its first field.
func idFirst(doc bsonx.Doc, newID func() bsonx.Value) bsonx.Doc {
	first, _ := bsonx.First(doc)
	if first == "_id" {
		return doc
	}
	id := bsonx.Get(doc, "_id")
	if id.Type == bsonx.TypeMissing {
		id = newID()
	}
	b := bsonx.NewBuilder(make([]byte, 0, len(doc)+32))
	b.Value("_id", id)
	for it := bsonx.Walk(doc); it.Next(); {
		if it.Key() != "_id" {
			b.Value(it.Key(), it.Value())
		}
	}
	return b.Doc()
}
