package query

import (
	"cmp"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

// match is one run of a filter over one document. It stays on the stack.
type match struct {
	ctx    *expr.Context
	record bool // pos is wanted.
	pos    MatchPos
	err    error       // of a regular expression that took too long.
	field  bsonx.Value // if not missing, it stands for whatever field the paths begin with.
}

// at notes the array position of a match. Callers note on their way out, so
// that the outermost array is what remains.
func (m *match) at(key string) bool {
	if m.record {
		// An array that calls its elements otherwise than by numbers has no positions.
		n, ok := arrayIndex(key)
		m.pos = MatchPos{Index: n, OK: ok}
	}
	return true
}

// document runs a node over a document.
func (m *match) document(n *Node, doc bsonx.Doc) (bool, error) {
	switch n.Op {
	case OpAlwaysTrue:
		return true, nil
	case OpAlwaysFalse:
		return false, nil
	case OpAnd:
		children := n.Children
		if m.record {
			children = n.ranked
		}
		for _, c := range children {
			if ok, err := m.document(c, doc); !ok {
				return false, err
			}
		}
		return true, nil
	case OpOr:
		for _, c := range n.Children {
			if ok, err := m.unrecorded(c, doc); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case OpNor:
		for _, c := range n.Children {
			if ok, err := m.unrecorded(c, doc); ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case OpNot:
		ok, err := m.unrecorded(n.Children[0], doc)
		return !ok && err == nil, err
	case OpExpr:
		m.ctx.SetRoot(doc)
		v, err := n.Expr.Eval(m.ctx)
		return err == nil && expr.Truthy(v), err
	case OpSchema:
		return n.Schema.keeps(bsonx.DocValue(doc))
	}
	if m.field.Type != bsonx.TypeMissing {
		return m.from(n, m.field, 1), nil
	}
	return m.walk(n, doc, 0), nil
}

// unrecorded runs a node whose match is no match of the whole, so that its
// position in an array means nothing.
func (m *match) unrecorded(n *Node, doc bsonx.Doc) (bool, error) {
	inner := match{ctx: m.ctx, field: m.field}
	ok, err := inner.document(n, doc)
	return ok, cmp.Or(err, inner.err)
}

// walk shows a leaf the values at its path from the i-th part on, until one
// matches. It branches at arrays: every element, then, at the end of the path,
// the array itself; a numeric part is both a position and a name. What is not
// there is shown as missing, but for what lies behind elements of an array that
// are no documents: of them there is nothing to show.
func (m *match) walk(n *Node, doc bsonx.Doc, i int) bool {
	return m.from(n, bsonx.Get(doc, n.parts[i]), i+1)
}

// from goes on from v, which is what the first i parts of the path lead to.
func (m *match) from(n *Node, v bsonx.Value, i int) bool {
	for ; v.Type == bsonx.TypeDocument && i < len(n.parts); i++ {
		v = bsonx.Get(bsonx.AsDoc(v), n.parts[i])
	}
	switch {
	case v.Type == bsonx.TypeArray && n.endsAt(i):
		return m.leafArray(n, v)
	case v.Type == bsonx.TypeArray:
		return m.walkArray(n, bsonx.AsDoc(v), i)
	case i < len(n.parts):
		return m.value(n, bsonx.Missing)
	}
	return m.value(n, v)
}

func (m *match) walkArray(n *Node, array bsonx.Doc, i int) bool {
	for it := bsonx.Walk(array); it.Next(); {
		e := it.Value()
		here := n.numeric[i] && it.Key() == n.parts[i]
		if e.Type == bsonx.TypeDocument && m.walk(n, bsonx.AsDoc(e), i) {
			return m.at(it.Key())
		}
		if !here {
			continue
		}
		if i+1 == len(n.parts) {
			if m.value(n, e) {
				return true // a position that the path itself names is none that a positional $ stands for.
			}
		} else if e.Type == bsonx.TypeDocument || e.Type == bsonx.TypeArray {
			if m.from(n, e, i+1) {
				return true
			}
		}
	}
	return false
}

// leafArray shows a leaf an array at the end of its path.
func (m *match) leafArray(n *Node, array bsonx.Value) bool {
	switch n.Op {
	case OpSize, OpElemMatch, OpElemValue:
		return m.value(n, array) // these are about the array, not about what is in it.
	}
	for it := bsonx.Walk(bsonx.AsDoc(array)); it.Next(); {
		if m.value(n, it.Value()) {
			return m.at(it.Key())
		}
	}
	return m.value(n, array)
}

// value runs a node over one value, which may be missing.
func (m *match) value(n *Node, v bsonx.Value) bool {
	switch n.Op {
	case OpAlwaysTrue:
		return true
	case OpAlwaysFalse:
		return false
	case OpAnd:
		for _, c := range n.Children {
			if !m.value(c, v) {
				return false
			}
		}
		return true
	case OpOr:
		for _, c := range n.Children {
			if m.value(c, v) {
				return true
			}
		}
		return false
	case OpNor:
		for _, c := range n.Children {
			if m.value(c, v) {
				return false
			}
		}
		return true
	case OpNot:
		return !m.value(n.Children[0], v)
	case OpElemMatch, OpElemValue:
		return m.element(n, v)
	case OpRegex:
		return m.regex(n.Regexes[0], v)
	case OpIn:
		return m.in(n, v)
	}
	return n.leaf(v)
}

// element looks for an array element that satisfies all of an $elemMatch.
func (m *match) element(n *Node, array bsonx.Value) bool {
	if array.Type != bsonx.TypeArray {
		return false
	}
	inner := match{ctx: m.ctx}
	for it := bsonx.Walk(bsonx.AsDoc(array)); it.Next(); {
		e := it.Value()
		ok := false
		switch {
		case n.Op == OpElemValue:
			ok = inner.value(n.Children[0], e)
		case e.Type == bsonx.TypeDocument, e.Type == bsonx.TypeArray:
			var err error
			ok, err = inner.document(n.Children[0], bsonx.AsDoc(e))
			inner.err = cmp.Or(inner.err, err)
		}
		if inner.err != nil {
			m.err = inner.err
			return false
		}
		if ok {
			return m.at(it.Key())
		}
	}
	return false
}
