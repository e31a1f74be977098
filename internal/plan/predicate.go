package plan

import (
	"bytes"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/query"
)

// predicate is what one conjunct of a filter says about one path, in terms of
// index keys: a document that matches the conjunct has a key in set.
type predicate struct {
	conjunct int    // its place in the filter's conjunction.
	path     string // dotted, from the document's root.
	set      Set
	elems    []elem // the $elemMatches that it stands in, the outermost first.

	// exact: the other way round as well, so that whoever scans the set need
	// not look at the conjunct again.
	exact bool

	// single: only if no array was ever met on the path. Then exact is so too.
	single bool

	// exactSingle: exact holds only if no array was ever met on the path.
	exactSingle bool

	// existing: no document matches in which the path is missing.
	existing bool
}

// elem is an $elemMatch and the path of its array.
type elem struct {
	node *query.Node
	path string
}

// conjuncts are the parts of a filter that must all hold.
func conjuncts(n *query.Node) []*query.Node {
	switch n.Op {
	case query.OpAlwaysTrue:
		return nil
	case query.OpAnd:
		return n.Children
	}
	return []*query.Node{n}
}

// extractor collects predicates on the paths that some index has.
type extractor struct {
	wanted func(path string) bool
	eval   *expr.Context // for the parts of $expr that depend on variables only; may be nil.
	out    []predicate
}

func (x *extractor) filter(conj []*query.Node) []predicate {
	for i, n := range conj {
		x.node(i, n, "", nil)
	}
	return x.out
}

// node collects what a conjunct says. Within an $elemMatch prefix is its path with a dot.
func (x *extractor) node(i int, n *query.Node, prefix string, elems []elem) {
	switch n.Op {
	case query.OpElemMatch:
		path := prefix + n.Path
		within := append(elems[:len(elems):len(elems)], elem{n, path})
		for _, c := range conjuncts(n.Children[0]) {
			x.node(i, c, path+".", within)
		}
		return
	case query.OpNor:
		for _, c := range n.Children {
			if p, ok := negated(c); ok && len(elems) == 0 {
				p.exact = p.exact && len(n.Children) == 1
				x.add(p, i, prefix, elems)
			}
		}
		return
	case query.OpExpr:
		if len(elems) == 0 {
			x.expression(i, n.Expr)
		}
		return
	}
	if p, ok := simple(n); ok {
		x.add(p, i, prefix, elems)
	}
}

func (x *extractor) add(p predicate, i int, prefix string, elems []elem) {
	if len(elems) > 0 && numericHead(p.path) {
		return // an element that is an array has positions; the index knows none of them.
	}
	p.path = prefix + p.path
	if !x.wanted(p.path) {
		return
	}
	p.conjunct, p.elems = i, elems
	if len(elems) > 0 || hasNumeric(p.path) {
		p.exact = false
	}
	x.out = append(x.out, p)
}

// simple is what a leaf, its negation, or an $or of leaves on one path says.
func simple(n *query.Node) (predicate, bool) {
	switch n.Op {
	case query.OpNot:
		return negated(n.Children[0])
	case query.OpOr:
		return alternatives(n)
	}
	return leaf(n)
}

// alternatives joins the branches of an $or that speak of one path.
func alternatives(n *query.Node) (predicate, bool) {
	var all predicate
	for i, c := range n.Children {
		p, ok := leaf(c)
		switch {
		case !ok || i > 0 && p.path != all.path:
			return all, false
		case i == 0:
			all = p
		default:
			all.set = union(all.set, p.set)
			all.exact, all.existing = all.exact && p.exact, all.existing && p.existing
		}
	}
	return all, len(n.Children) > 0
}

// leaf is what an operator on a path says.
func leaf(n *query.Node) (predicate, bool) {
	p := predicate{path: n.Path, existing: true}
	switch n.Op {
	case query.OpEq:
		p.set, p.exact = equal(n.Value)
		p.existing = !bsonx.IsNullish(n.Value)
	case query.OpLt, query.OpLte, query.OpGt, query.OpGte:
		p.set, p.exact = compared(n)
		switch n.Value.Type {
		case bsonx.TypeNull, bsonx.TypeUndefined, bsonx.TypeMinKey, bsonx.TypeMaxKey:
			p.exact, p.existing = false, false
		}
	case query.OpIn:
		p.set, p.exact, p.existing = oneOf(n)
	case query.OpRegex:
		p.set, p.exact = matching(n.Regexes[0])
	case query.OpExists:
		p.set = everything()
	case query.OpType:
		p.set, p.exact = ofTypes(&n.Types)
	case query.OpMod:
		iv, _ := bracket(bsonx.TypeDouble)
		p.set = Set{iv}
	case query.OpElemValue:
		return elementValue(n)
	default:
		return p, false
	}
	return p, true
}

func compared(n *query.Node) (Set, bool) {
	switch n.Op {
	case query.OpLt:
		return less(n.Value, false)
	case query.OpLte:
		return less(n.Value, true)
	case query.OpGt:
		return greater(n.Value, false)
	}
	return greater(n.Value, true)
}

// elementValue is {$elemMatch: {$gt: 1, $lt: 5}}: all of it holds of one element,
// and an element has one key, so the sets may be intersected.
func elementValue(n *query.Node) (predicate, bool) {
	p := predicate{path: n.Path, existing: true, set: everything()}
	for _, c := range conjuncts(n.Children[0]) {
		part, ok := simple(c)
		if ok && part.path == "" && !part.single {
			p.set = p.set.intersect(part.set)
		}
	}
	return p, true
}

// negated is what the negation of a node says. A set that is exact has an exact
// complement as long as a document has one key. With several, a document that
// matches has none in the set, and one at least outside; but null stands for more
// than the filter means by it when arrays are on the path.
func negated(n *query.Node) (predicate, bool) {
	switch n.Op {
	case query.OpExists:
		return predicate{path: n.Path, set: point(bsonx.Null)}, true
	case query.OpEq, query.OpIn, query.OpLt, query.OpLte, query.OpGt, query.OpGte, query.OpAnd:
	default:
		return predicate{}, false
	}
	p, ok := leaf(n)
	if n.Op == query.OpAnd {
		p, ok = together(n)
	}
	if !ok {
		return p, false
	}
	isNull := n.Op == query.OpEq && n.Value.Type == bsonx.TypeNull
	if !p.exact && !isNull {
		return p, false
	}
	p.single = p.set.has(bsonx.Null)
	p.set = p.set.complement()
	p.exact, p.exactSingle = true, true
	p.existing = isNull
	return p, true
}

// together is the intersection of leaves that are exact and on one path; it is
// for negation only.
func together(n *query.Node) (predicate, bool) {
	all := predicate{set: everything(), exact: true}
	for i, c := range n.Children {
		p, ok := leaf(c)
		if !ok || !p.exact || i > 0 && p.path != all.path {
			return all, false
		}
		all.path, all.set = p.path, all.set.intersect(p.set)
	}
	return all, true
}

func oneOf(n *query.Node) (s Set, exact, existing bool) {
	exact, existing = true, true
	sets := make([]Set, 0, len(n.Values)+len(n.Regexes))
	for _, v := range n.Values {
		set, ok := equal(v)
		sets = append(sets, set)
		exact = exact && ok
		existing = existing && !bsonx.IsNullish(v)
	}
	for _, re := range n.Regexes {
		set, ok := matching(re)
		sets = append(sets, set)
		exact = exact && ok
	}
	return union(sets...), exact, existing
}

// ofTypes is the values of the types; arrays have no keys of their own.
func ofTypes(types *query.TypeSet) (Set, bool) {
	if types.Has(bsonx.TypeArray) {
		return everything(), false
	}
	numbers := 0
	var sets []Set
	others := false
	for t := range 256 {
		if !types.Has(bsonx.Type(t)) {
			continue
		}
		iv, ok := bracket(bsonx.Type(t))
		if !ok {
			return everything(), false
		}
		if bsonx.IsNumber(bsonx.Value{Type: bsonx.Type(t)}) {
			numbers++
		} else {
			others = true
		}
		sets = append(sets, Set{iv})
	}
	return union(sets...), numbers == 4 && !others
}

// matching is the strings that a regular expression may match, and the
// expression itself, which is equal to it as a stored value.
func matching(re *query.Regex) (Set, bool) {
	prefix, exact := expr.RegexPrefix(re.Pattern, re.Options)
	return union(prefixed(prefix), point(regexValue(re.Pattern, re.Options))), exact
}

// expression looks for comparisons of a path with what is constant for this
// execution. Aggregation compares across types, and takes an array as a value: so
// these hold only where no array was ever met.
func (x *extractor) expression(i int, e expr.Expr) {
	if operands, ok := expr.AsAnd(e); ok {
		for _, o := range operands {
			x.expression(i, o)
		}
		return
	}
	op, a, b, ok := expr.AsComparison(e)
	if !ok {
		return
	}
	path, ok := expr.SimplePath(a)
	other := b
	if !ok {
		if path, ok = expr.SimplePath(b); !ok {
			return
		}
		other, op = a, mirrored(op)
	}
	if !x.wanted(path) {
		return
	}
	v, ok := x.constant(other)
	if !ok || bsonx.IsNullish(v) || v.Type == bsonx.TypeMinKey {
		return
	}
	p := predicate{path: path, conjunct: i, single: true}
	switch op {
	case expr.Eq:
		p.set, p.existing = point(v), true
	case expr.Lt, expr.Lte:
		p.set = between(minKey, true, v, op == expr.Lte)
	case expr.Gt, expr.Gte:
		p.set, p.existing = between(v, op == expr.Gte, maxKey, true), true
	default:
		return
	}
	x.out = append(x.out, p)
}

// constant is the value of e, if it needs no document.
func (x *extractor) constant(e expr.Expr) (bsonx.Value, bool) {
	if v, ok := expr.IsConstant(e); ok {
		return v, true
	}
	if paths, root := expr.Deps(e); x.eval == nil || len(paths) > 0 || root || expr.Varies(e) {
		return bsonx.Missing, false
	}
	v, err := e.Eval(x.eval)
	if err != nil {
		return bsonx.Missing, false // it will fail again where it is told.
	}
	return bsonx.Value{Type: v.Type, Data: bytes.Clone(v.Data)}, true
}

func mirrored(op expr.Cmp) expr.Cmp {
	switch op {
	case expr.Lt:
		return expr.Gt
	case expr.Lte:
		return expr.Gte
	case expr.Gt:
		return expr.Lt
	case expr.Gte:
		return expr.Lte
	}
	return op
}

// numericHead tells whether a path begins with what may be a position in an array.
func numericHead(path string) bool {
	head, _, _ := strings.Cut(path, ".")
	return head != "" && strings.Trim(head, "0123456789") == ""
}

// hasNumeric tells whether some part of a path may be a position in an array.
func hasNumeric(path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		if numericHead(part) {
			return true
		}
	}
	return false
}
