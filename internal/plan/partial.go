package plan

import (
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/query"
)

// implies tells whether every document that matches all of conj surely matches
// want, the filter of a partial index. It knows the simple cases; a no means
// "perhaps not".
func implies(conj []*query.Node, want *query.Node) bool {
	switch want.Op {
	case query.OpAlwaysTrue:
		return true
	case query.OpAnd:
		return !slices.ContainsFunc(want.Children, func(c *query.Node) bool { return !implies(conj, c) })
	case query.OpOr:
		if slices.ContainsFunc(want.Children, func(c *query.Node) bool { return implies(conj, c) }) {
			return true
		}
	}
	return slices.ContainsFunc(conj, func(c *query.Node) bool { return impliesOne(c, want) })
}

func impliesOne(have, want *query.Node) bool {
	switch have.Op {
	case query.OpOr:
		return !slices.ContainsFunc(have.Children, func(c *query.Node) bool { return !implies(conjuncts(c), want) })
	case query.OpNot:
		if want.Op == query.OpNot {
			return sameLeaf(have.Children[0], want.Children[0])
		}
		if want.Op == query.OpExists && have.Children[0].Path == want.Path {
			inner := have.Children[0]
			return inner.Op == query.OpEq && inner.Value.Type == bsonx.TypeNull
		}
		return false
	}
	if have.Path != want.Path || have.Path == "" {
		return false
	}
	switch want.Op {
	case query.OpExists:
		p, ok := leaf(have)
		return ok && p.existing
	case query.OpEq, query.OpLt, query.OpLte, query.OpGt, query.OpGte:
		return valuesImply(have, want)
	}
	return sameLeaf(have, want)
}

// valuesImply compares what two operators allow. An array has one value that
// satisfies the narrower and hence the wider one.
func valuesImply(have, want *query.Node) bool {
	wide, ok := leaf(want)
	if !ok {
		return false
	}
	if !wide.exact {
		return sameLeaf(have, want)
	}
	narrow, ok := leaf(have)
	if !ok || !narrow.exact {
		return false
	}
	return len(narrow.set.intersect(wide.set.complement())) == 0
}

// sameLeaf tells whether two leaves are the same.
func sameLeaf(a, b *query.Node) bool {
	if a.Op != b.Op || a.Path != b.Path || a.Path == "" || len(a.Children) > 0 {
		return false
	}
	switch a.Op {
	case query.OpEq, query.OpLt, query.OpLte, query.OpGt, query.OpGte:
		return bsonx.Equal(a.Value, b.Value)
	case query.OpIn:
		return len(a.Regexes)+len(b.Regexes) == 0 && slices.EqualFunc(a.Values, b.Values, bsonx.Equal)
	case query.OpExists:
		return true
	case query.OpType:
		return a.Types == b.Types
	}
	return false
}
