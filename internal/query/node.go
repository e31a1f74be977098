package query

import (
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

// Op is what a filter's node does.
type Op uint8

// The operators that are left after compiling. $ne, $nin and {$exists: false} are
// an OpNot above another; $all is an OpAnd of OpEq or OpElemMatch; $in with one
// value is OpEq.
const (
	OpAlwaysTrue   Op = iota
	OpAlwaysFalse     // matches nothing.
	OpAnd             // all of Children; none: true.
	OpOr              // one of Children at least.
	OpNor             // none of Children.
	OpNot             // not Children[0].
	OpExpr            // Expr is truthy.
	OpSchema          // Schema is kept by the document.
	OpEq              // Value; a regular expression as a value to be equal to.
	OpLt              // Value.
	OpLte             // Value.
	OpGt              // Value.
	OpGte             // Value.
	OpIn              // one of Values or Regexes.
	OpRegex           // Regexes[0].
	OpExists          // there is something at Path.
	OpType            // the type is in Types.
	OpSize            // an array of N elements.
	OpMod             // the remainder of the number by N is Rem.
	OpElemMatch       // an array element is a document that matches Children[0].
	OpElemValue       // an array element, as a value, matches Children[0], whose leaves have no Path.
	OpBitsAllSet      // Bits.
	OpBitsAnySet      // Bits.
	OpBitsAllClear    // Bits.
	OpBitsAnyClear    // Bits.
)

// Node is one node of a compiled filter: plain data, which nobody may change.
type Node struct {
	Op       Op
	Path     string        // dotted; of leaves only, and empty within OpElemValue.
	Value    bsonx.Value   // what OpEq and its like compare with.
	Values   []bsonx.Value // OpIn: sorted, no two equal.
	Regexes  []*Regex      // OpIn and OpRegex.
	Children []*Node
	Types    TypeSet
	N, Rem   int64
	Bits     []int // positions, ascending.
	Expr     expr.Expr
	Schema   *Schema

	parts   []string
	ranked  []*Node // Children of OpAnd in the order that decides about positions.
	numeric []bool  // parts that may also be positions in an array.
}

// TypeSet is a set of BSON types.
type TypeSet struct {
	bits [4]uint64
}

// Has tells whether t is in the set.
func (s *TypeSet) Has(t bsonx.Type) bool { return s.bits[t>>6]&(1<<(t&63)) != 0 }

func (s *TypeSet) add(t bsonx.Type) { s.bits[t>>6] |= 1 << (t & 63) }

func (n *Node) setPath(path string) *Node {
	n.Path = path
	n.parts = strings.Split(path, ".")
	n.numeric = make([]bool, len(n.parts))
	for i, p := range n.parts {
		n.numeric[i] = isIndex(p)
	}
	return n
}

// endsAt tells whether an array that the first i parts lead to is where the path
// ends. A path with a dot at its end does so too: as in the server.
func (n *Node) endsAt(i int) bool {
	return i == len(n.parts) || i == len(n.parts)-1 && n.parts[i] == ""
}

// isIndex tells whether a path's part is a position in an array: digits, and no
// zero before others.
func isIndex(s string) bool {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// and joins nodes; one alone stays itself and inner ones are taken apart.
func and(nodes []*Node) *Node {
	flat := exprLast(flatten(nodes, OpAnd, OpAlwaysTrue))
	switch len(flat) {
	case 0:
		return &Node{Op: OpAlwaysTrue}
	case 1:
		return flat[0]
	}
	return &Node{Op: OpAnd, Children: flat, ranked: positionOrder(flat)}
}

func or(nodes []*Node) *Node {
	flat := exprLast(flatten(nodes, OpOr, OpAlwaysFalse))
	switch len(flat) {
	case 0:
		return &Node{Op: OpAlwaysFalse}
	case 1:
		return flat[0]
	}
	if in := oneOf(flat); in != nil {
		return in
	}
	return &Node{Op: OpOr, Children: flat}
}

// nor is none of the nodes.
func nor(nodes []*Node) *Node {
	return &Node{Op: OpNor, Children: exprLast(nodes)}
}

func alwaysTrue(nodes []*Node) bool {
	return slices.ContainsFunc(nodes, func(n *Node) bool { return n.Op == OpAlwaysTrue })
}

// exprLast puts expressions behind what costs less and cannot fail: they are asked
// only where the others leave it open. The result may be the slice that was given.
func exprLast(nodes []*Node) []*Node {
	isExpr := func(n *Node) bool {
		return n.Op == OpExpr || (n.Op == OpNor || n.Op == OpNot) && n.any(func(n *Node) bool { return n.Op == OpExpr })
	}
	if !slices.ContainsFunc(nodes, isExpr) {
		return nodes
	}
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(a, b *Node) int {
		switch x, y := isExpr(a), isExpr(b); {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
	return sorted
}

// flatten takes the nodes of one operator apart, and leaves out those that mean
// nothing to it. The result may be the slice that was given.
func flatten(nodes []*Node, join, neutral Op) []*Node {
	if !slices.ContainsFunc(nodes, func(n *Node) bool { return n.Op == join || n.Op == neutral }) {
		return nodes
	}
	flat := make([]*Node, 0, len(nodes))
	for _, n := range nodes {
		switch n.Op {
		case neutral:
		case join:
			flat = append(flat, n.Children...)
		default:
			flat = append(flat, n)
		}
	}
	return flat
}

// oneOf makes an OpIn of alternatives that are all equalities at one path; nil
// if they are not.
func oneOf(nodes []*Node) *Node {
	var values []bsonx.Value
	for _, n := range nodes {
		switch {
		case n.Path != nodes[0].Path:
			return nil
		case n.Op == OpEq && n.Value.Type != bsonx.TypeRegex:
			values = append(values, n.Value)
		default:
			return nil
		}
	}
	in := (&Node{Op: OpIn}).setPath(nodes[0].Path)
	in.setValues(values)
	return in
}

// setValues brings the values of an OpIn into their order.
func (n *Node) setValues(values []bsonx.Value) {
	slices.SortStableFunc(values, bsonx.Compare)
	n.Values = slices.CompactFunc(values, bsonx.Equal)
}

// not negates. Two negations stay: an upsert takes nothing from what is under them.
func not(n *Node) *Node {
	switch n.Op {
	case OpAlwaysTrue:
		return &Node{Op: OpAlwaysFalse}
	case OpAlwaysFalse:
		return &Node{Op: OpAlwaysTrue}
	}
	return &Node{Op: OpNot, Children: []*Node{n}}
}

// any tells whether f holds for n or for a node under it.
func (n *Node) any(f func(*Node) bool) bool {
	if f(n) {
		return true
	}
	for _, c := range n.Children {
		if c.any(f) {
			return true
		}
	}
	return false
}
