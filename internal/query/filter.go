package query

import (
	"bytes"
	"cmp"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Filter is a compiled filter. It never changes; any number of goroutines may use it at once.
type Filter struct {
	root      *Node
	needsExpr bool
	usesExpr  bool // perhaps one that is constant.
}

// CompileFilter compiles a filter document, of which it keeps a copy.
func CompileFilter(doc bsonx.Doc, o Options) (*Filter, error) {
	p := parser{scope: o.scope(), noExpr: o.NoExpr}
	var root *Node
	err := p.scope.FoldsLast(func() (err error) {
		root, err = p.document(bytes.Clone(doc), topLevel)
		return err
	})
	if err = p.scope.PutOff(err); err != nil {
		return nil, err
	}
	f := newFilter(root)
	f.usesExpr = p.usesExpr
	return f, nil
}

func newFilter(root *Node) *Filter {
	return &Filter{root: root, needsExpr: root.any(func(n *Node) bool { return n.Op == OpExpr })}
}

// Root is the filter's tree, for the planner. It is shared: nobody may change it.
func (f *Filter) Root() *Node { return f.root }

// FilterOf is a filter of a part of another one's tree: what is left for the
// executor to check after an index has answered the rest.
func FilterOf(n *Node) *Filter { return newFilter(n) }

// And is the filter of all given nodes; without any it matches everything.
func And(nodes ...*Node) *Node { return and(nodes) }

// NeedsContext tells whether Matches needs an expression context.
func (f *Filter) NeedsContext() bool { return f.needsExpr }

// CheckUpsert says what is wrong with the filter as that of an upsert.
func (f *Filter) CheckUpsert() error {
	if f.usesExpr {
		return mongoerr.New(mongoerr.QueryFeatureNotAllowed, "$expr is not allowed in the query predicate for an upsert")
	}
	return nil
}

// MatchesAll tells whether the filter lets everything through.
func (f *Filter) MatchesAll() bool { return f.root.Op == OpAlwaysTrue }

// Matches tells whether doc matches. Errors come from $expr only; c may be nil
// if the filter does not need it, else its variables are set and its root will
// be; what expressions leave in its memory the caller resets.
func (f *Filter) Matches(doc bsonx.Doc, c *expr.Context) (bool, error) {
	m := match{ctx: c}
	ok, err := m.document(f.root, doc)
	if m.err != nil {
		return false, m.err
	}
	return ok, err
}

// MatchPos is where in an array a filter found its match: what a positional $ in
// an update or projection stands for.
type MatchPos struct {
	Index int
	OK    bool
}

// MatchPosition is Matches that also tells where in an array the match was. With
// several arrays in the filter it is the last one in the filter's order.
func (f *Filter) MatchPosition(doc bsonx.Doc, c *expr.Context) (bool, MatchPos, error) {
	m := match{ctx: c, record: true}
	ok, err := m.document(f.root, doc)
	return ok, m.pos, cmp.Or(err, m.err)
}
