package query

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Projection is a compiled projection of find, or one of the stages $project,
// $addFields, $set and $unset, which are projections by other rules. It never
// changes; any number of goroutines may use it at once.
type Projection struct {
	root       *projected
	inclusive  bool // what is not named is left out.
	positional bool
}

// action is what a projection does with one field.
type action uint8

const (
	descend    action = iota // looks at the fields within.
	keep                     // as it is.
	drop                     // leaves it out.
	compute                  // puts an expression's value in its place.
	cut                      // some elements of an array: $slice.
	elemMatch                // the first element that matches.
	positional               // the element that the filter matched.
)

// projected is a projection's tree: what it does with one field, and within it.
type projected struct {
	action      action
	fields      []projectedField // of descend, in the order of the specification.
	computes    bool             // there is a compute in or under it: it makes what is not there.
	places      bool             // there is a positional in or under it.
	expr        expr.Expr
	skip, limit int64 // of cut; skip < 0 counts from the end.
	match       *Node // of elemMatch.
}

type projectedField struct {
	name string
	node *projected
}

func (p *projected) find(name string) int {
	for i := range p.fields {
		if p.fields[i].name == name {
			return i
		}
	}
	return -1
}

// IsIdentity tells whether the projection leaves every document as it is.
func (p *Projection) IsIdentity() bool { return !p.inclusive && len(p.root.fields) == 0 }

// NeedsContext tells whether Apply needs an expression context.
func (p *Projection) NeedsContext() bool { return p.root.computes }

// NeedsPosition tells whether the projection needs to know where in an array the
// filter found its match: whether it has a positional $.
func (p *Projection) NeedsPosition() bool { return p.positional }

// Inclusive tells whether the projection shows the named fields only.
func (p *Projection) Inclusive() bool { return p.inclusive }

// Apply appends to dst what the projection shows of doc. c may be nil unless
// NeedsContext; doc becomes its root, and what expressions put into its memory
// stays there until the caller resets it.
func (p *Projection) Apply(doc bsonx.Doc, c *expr.Context, dst []byte) (bsonx.Doc, error) {
	return p.ApplyAt(doc, MatchPos{}, c, dst)
}

// ApplyAt is Apply for a projection that needs the filter's position.
func (p *Projection) ApplyAt(doc bsonx.Doc, pos MatchPos, c *expr.Context, dst []byte) (bsonx.Doc, error) {
	r := projecting{inclusive: p.inclusive, pos: pos, ctx: c}
	if c != nil {
		c.SetRoot(doc)
	}
	r.b.Reset(dst)
	if err := r.document(p.root, doc); err != nil {
		return nil, err
	}
	return r.b.Doc(), nil
}

// DependsOnly lists the paths that the result depends on; ok is false if it
// depends on the whole document, as an exclusion does.
func (p *Projection) DependsOnly() (paths []string, ok bool) {
	if !p.inclusive {
		return nil, false
	}
	whole := false
	var visit func(prefix string, n *projected)
	visit = func(prefix string, n *projected) {
		switch n.action {
		case drop:
		case descend:
			for _, f := range n.fields {
				name := f.name
				if prefix != "" {
					name = prefix + "." + name
				}
				visit(name, f.node)
			}
		case compute:
			deps, root := expr.Deps(n.expr)
			whole = whole || root
			paths = append(paths, deps...)
		default:
			paths = append(paths, prefix)
		}
	}
	visit("", p.root)
	return paths, !whole
}

// projecting is one run of a projection over one document.
type projecting struct {
	inclusive bool
	pos       MatchPos
	placed    bool // inside of the element that pos means.
	ctx       *expr.Context
	b         bsonx.Builder
}

// document writes the fields of a document. Computed fields of an inclusion
// stand at the end, others where the field was.
func (r *projecting) document(n *projected, doc bsonx.Doc) error {
	var few [16]bool
	done := few[:0]
	if len(n.fields) > len(few) {
		done = make([]bool, 0, len(n.fields))
	}
	done = done[:len(n.fields)]
	for it := bsonx.Walk(doc); it.Next(); {
		i := n.find(it.Key())
		if i < 0 {
			if !r.inclusive {
				r.b.Value(it.Key(), it.Value())
			}
			continue
		}
		f := n.fields[i].node
		if done[i] || r.inclusive && (f.action == compute || f.action == elemMatch) {
			continue
		}
		done[i] = true
		if err := r.field(f, it.Key(), it.Value()); err != nil {
			return err
		}
	}
	for i, f := range n.fields {
		if done[i] {
			continue
		}
		v := bsonx.Missing
		if f.node.action == elemMatch {
			v = bsonx.Get(doc, f.name)
		}
		if err := r.field(f.node, f.name, v); err != nil {
			return err
		}
	}
	return nil
}

// whole shows all of what it is for.
var whole = &projected{action: keep}

// field writes what becomes of one field, which may be missing.
func (r *projecting) field(n *projected, name string, v bsonx.Value) error {
	switch n.action {
	case keep:
		r.b.Value(name, v)
	case compute:
		v, err := n.expr.Eval(r.ctx)
		if err != nil {
			return err
		}
		r.b.Value(name, v)
	case cut:
		r.cut(n, name, v)
	case elemMatch:
		r.elemMatch(n, name, v)
	case positional:
		return r.atPosition(whole, name, v)
	case descend:
		switch v.Type {
		case bsonx.TypeDocument:
			return r.within(n, name, bsonx.AsDoc(v))
		case bsonx.TypeArray:
			if n.places && !r.placed {
				return r.atPosition(n, name, v)
			}
			r.b.OpenArray(name)
			err := r.elements(n, bsonx.AsDoc(v))
			r.b.Close()
			return err
		}
		if n.computes {
			return r.within(n, name, nil)
		}
		if !r.inclusive {
			r.b.Value(name, v)
		}
	}
	return nil
}

func (r *projecting) within(n *projected, name string, doc bsonx.Doc) error {
	r.b.OpenDoc(name)
	err := r.document(n, doc)
	r.b.Close()
	return err
}

// elements writes an array of whose documents the projection shows parts. What
// is no document has no parts to show.
func (r *projecting) elements(n *projected, array bsonx.Doc) error {
	i := 0
	for it := bsonx.Walk(array); it.Next(); {
		before := r.b.Mark()
		if err := r.field(n, bsonx.Index(i), it.Value()); err != nil {
			return err
		}
		if r.b.Mark() > before {
			i++
		}
	}
	return nil
}

// cut writes a slice of an array, and anything else as it is.
func (r *projecting) cut(n *projected, name string, v bsonx.Value) {
	if v.Type != bsonx.TypeArray {
		r.b.Value(name, v)
		return
	}
	length := int64(bsonx.Len(bsonx.AsDoc(v)))
	from := n.skip
	if from < 0 {
		from = max(length+from, 0)
	}
	r.b.OpenArray(name)
	at, written := int64(0), 0
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); at++ {
		if at >= from && int64(written) < n.limit {
			r.b.Value(bsonx.Index(written), it.Value())
			written++
		}
	}
	r.b.Close()
}

func (r *projecting) elemMatch(n *projected, name string, v bsonx.Value) {
	m := match{record: true}
	if m.element(n.match, v) {
		if element, ok := elementAt(bsonx.AsDoc(v), m.pos.Index); ok {
			r.b.OpenArray(name)
			r.b.Value("0", element)
			r.b.Close()
		}
	}
}

// atPosition writes an array of the one element that the filter matched, and of
// that what n shows. It is the first array on the path that is meant; what is no
// array has no positions.
func (r *projecting) atPosition(n *projected, name string, v bsonx.Value) error {
	if v.Type != bsonx.TypeArray || r.placed {
		r.b.Value(name, v)
		return nil
	}
	if !r.pos.OK {
		return mongoerr.New(51246, "positional operator '.$' couldn't find a matching element in the array")
	}
	element, ok := elementAt(bsonx.AsDoc(v), r.pos.Index)
	if !ok {
		return mongoerr.New(51247, "positional operator '.$' element mismatch")
	}
	r.placed = true
	r.b.OpenArray(name)
	err := r.field(n, "0", element)
	r.b.Close()
	r.placed = false
	return err
}

func elementAt(array bsonx.Doc, i int) (bsonx.Value, bool) {
	for it := bsonx.Walk(array); it.Next(); i-- {
		if i == 0 {
			return it.Value(), true
		}
	}
	return bsonx.Missing, false
}
