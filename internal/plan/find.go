package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// Request is what is asked of one collection. The compiled parts are kept by the plan.
type Request struct {
	NS     catalog.Namespace
	Coll   *catalog.Collection // nil: there is none, and nothing to read.
	Filter *query.Filter       // nil: everything.

	Sort       *query.Sort // nil: any order.
	SortSpec   bsonx.Doc
	Projection *query.Projection // nil: whole documents.
	ProjSpec   bsonx.Doc

	Skip, Limit int64 // zero: none.

	// Hint is an index's name or key, or {$natural: ±1}; missing or {}: none.
	Hint bsonx.Value

	// Tailable asks for a cursor that waits for more, which no collection gives yet.
	Tailable bool

	// Only for the words of errors: the client's batch size, and whether a pipeline asks.
	BatchSize int64
	Pipeline  bool

	// Places says that only the number of documents matters: the plan gives
	// empty ones where it needs not read them.
	Places bool

	// Eval has the variables' values, so that a comparison in $expr with what
	// depends on them only can use an index. It may be nil.
	Eval *expr.Context
}

// finder is one Find under way.
type finder struct {
	Request
	ctx     context.Context
	tx      *docstore.Tx
	conj    []*query.Node
	sort    []query.SortField
	natural int // of the hint: 1 or -1.
	hinted  *catalog.Index
}

// Find plans the reading of one collection.
func Find(ctx context.Context, tx *docstore.Tx, r Request) (Node, error) {
	f := &finder{Request: r, ctx: ctx, tx: tx}
	if r.Filter != nil {
		f.conj = conjuncts(r.Filter.Root())
	}
	if r.Coll == nil {
		return &EOF{NoCollection}, nil
	}
	if r.Tailable && r.Coll.Cap != nil {
		return nil, mongoerr.NotYet("tailable cursors")
	}
	if r.Tailable {
		return nil, r.refused("tailable cursor requested on non capped collection")
	}
	if err := f.hint(); err != nil {
		return nil, err
	}
	if len(f.conj) == 1 && f.conj[0].Op == query.OpAlwaysFalse {
		return &EOF{AlwaysFalse}, nil
	}
	if r.Sort != nil {
		f.sort = r.Sort.Fields()
	}
	return f.plan()
}

func (f *finder) plan() (Node, error) {
	if n := f.express(); n != nil {
		return n, nil
	}
	if f.natural != 0 {
		return f.finish(f.collScan(f.natural < 0), false, nil), nil
	}
	indexes, err := f.indexes()
	if err != nil {
		return nil, err
	}
	best := f.best(indexes, f.conj)
	if f.hinted != nil {
		return f.scan(best), nil
	}
	if best == nil || best.points == 0 && !best.unique {
		if n := f.alternatives(indexes, best); n != nil {
			return f.finish(n, false, nil), nil
		}
	}
	if best == nil {
		return f.finish(f.collScan(false), false, nil), nil
	}
	return f.scan(best), nil
}

// hint finds what the hint names.
func (f *finder) hint() error {
	h := f.Hint
	switch h.Type {
	case bsonx.TypeMissing:
		return nil
	case bsonx.TypeString:
		f.hinted = f.Coll.FindIndex(bsonx.Str(h))
	case bsonx.TypeDocument:
		name, v := bsonx.First(bsonx.AsDoc(h))
		if name == "" && bsonx.IsMissing(v) {
			return nil
		}
		if name == "$natural" {
			n, ok := bsonx.ToInt64Exact(v)
			if !ok || n != 1 && n != -1 || bsonx.Len(bsonx.AsDoc(h)) != 1 {
				return mongoerr.New(mongoerr.BadValue, "$natural hint cannot be set to a value other than -1 or 1.")
			}
			f.natural = int(n)
			return nil
		}
		if found := f.Coll.FindIndexKey(bsonx.AsDoc(h)); len(found) > 0 {
			f.hinted = found[0]
		}
	}
	if f.hinted == nil || f.hinted.Hidden || f.hinted.State != catalog.StateReady {
		return f.refused("planner returned error :: caused by :: hint provided does not correspond to an existing index")
	}
	return nil
}

// refused is why no plan will do, told with the whole query.
func (r *Request) refused(why string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "error processing query: ns=%s", r.NS)
	for _, n := range [...]struct {
		name string
		n    int64
	}{{"batchSize", r.BatchSize}, {"limit", r.Limit}, {"skip", r.Skip}} {
		if n.n != 0 && !r.Places {
			fmt.Fprintf(&b, " %s=%d", n.name, n.n)
		}
	}
	fmt.Fprintf(&b, "Tree: %sSort: %s\nProj: %s\n", debugTree(r.Filter), shellOf(r.SortSpec), shellOf(r.ProjSpec))
	if r.Pipeline {
		b.WriteString("Collation: { locale: \"simple\" }\n")
	}
	b.WriteString(" " + why)
	return mongoerr.New(mongoerr.BadValue, b.String())
}

func shellOf(spec bsonx.Doc) string {
	if spec == nil {
		return "{}"
	}
	return bsonx.ShellString(bsonx.DocValue(spec))
}

// express is a read of one document by its _id or by another unique field.
func (f *finder) express() Node {
	if f.hinted != nil || f.natural != 0 || f.Skip != 0 || len(f.conj) != 1 || f.Places {
		return nil
	}
	n := f.conj[0]
	if n.Op != query.OpEq {
		return nil
	}
	if !onePoint(n.Value) {
		return nil
	}
	if n.Path == "_id" {
		return f.expressBy(f.Coll.Indexes[0], n.Value)
	}
	for _, idx := range f.Coll.Indexes[1:] {
		if idx.Unique && len(idx.Fields) == 1 && idx.Fields[0].Path == n.Path &&
			idx.State == catalog.StateReady && !idx.Hidden && idx.Partial == nil {
			return f.expressBy(idx, n.Value)
		}
	}
	return nil
}

func (f *finder) expressBy(idx *catalog.Index, v bsonx.Value) Node {
	return &Express{Coll: f.Coll, Index: idx, Value: v, Filter: f.Filter, Projection: f.Projection}
}

func (f *finder) collScan(reverse bool) *CollScan {
	scan := &CollScan{Coll: f.Coll, Reverse: reverse, Filter: f.whole()}
	scan.Places = f.Places && scan.Filter == nil && len(f.sort) == 0
	return scan
}

func (f *finder) indexes() ([]indexUse, error) {
	if f.hinted == nil {
		return usable(f.ctx, f.tx, f.Coll, f.conj)
	}
	flags, err := f.tx.Multikey(f.ctx, f.Coll, f.hinted)
	return []indexUse{{f.hinted, flags}}, err
}

// best ranks what the indexes can do for the conjuncts. It is nil if none of them
// narrows the search or gives the order.
func (f *finder) best(indexes []indexUse, conj []*query.Node) *candidate {
	x := extractor{wanted: wantedBy(indexes), eval: f.Eval}
	preds := x.filter(conj)
	var best *candidate
	for _, u := range indexes {
		c := bound(u.index, u.flags, preds)
		if !f.complete(c, conj) {
			if f.hinted == nil {
				continue
			}
			// Whoever asks for it by name gets what it holds.
			c = bound(u.index, u.flags, nil)
		}
		c.order(f.sort)
		if f.hinted == nil && !c.helps() {
			continue
		}
		if best == nil || c.better(best) {
			best = c
		}
	}
	return best
}

// complete tells whether the index has every document that may match.
func (f *finder) complete(c *candidate, conj []*query.Node) bool {
	if c.index.Sparse && !c.existing {
		return false
	}
	if f.hinted == nil || c.index.Partial == nil {
		return true
	}
	p, err := query.CompileFilter(c.index.Partial, query.Options{})
	return err == nil && implies(conj, p.Root())
}

// scan is the plan over one index.
func (f *finder) scan(c *candidate) Node {
	ix := &IndexScan{Coll: f.Coll, Index: c.index, Flags: c.flags, Bounds: c.bounds, Reverse: c.reverse}
	residual := c.residual(f.conj)
	sorted := c.sorted || len(f.sort) == 0
	if residual == nil && sorted && !c.merged && f.covers(c) {
		return f.finish(&Covered{Coll: f.Coll, Input: ix, Projection: f.Projection, Spec: f.ProjSpec, Whole: f.whole()}, true, c)
	}
	var places Node = ix
	if c.merged {
		places = f.merge(c)
	}
	return f.finish(&Fetch{Coll: f.Coll, Input: places, Filter: residual, Whole: f.whole(), Places: f.Places && residual == nil && sorted}, c.sorted, c)
}

// merge is one scan for each combination of the leading fields' values, put
// together in the order of the fields behind them.
func (f *finder) merge(c *candidate) Node {
	m := &Merge{Fields: c.index.Fields[:c.points], Reverse: c.reverse, Spec: f.SortSpec}
	for _, bounds := range c.combinations() {
		m.Branches = append(m.Branches, &IndexScan{Coll: f.Coll, Index: c.index, Flags: c.flags, Bounds: bounds, Reverse: c.reverse})
	}
	return m
}

// whole is the filter for entries that end in a hash.
func (f *finder) whole() *query.Filter {
	if f.Filter == nil || f.Filter.MatchesAll() {
		return nil
	}
	return f.Filter
}

// covers tells whether index entries hold all that the projection shows.
func (f *finder) covers(c *candidate) bool {
	if f.Projection == nil || f.Places || c.flags.Any() || c.index.ID == catalog.IDIndex {
		return false
	}
	paths, ok := f.Projection.DependsOnly()
	if !ok {
		return false
	}
	for i, p := range paths {
		if p != "_id" && c.fieldAt(p) < 0 || hasNumeric(p) {
			return false
		}
		if slices.ContainsFunc(paths[:i], func(o string) bool { return under(p, o) || under(o, p) }) {
			return false
		}
	}
	return true
}

// alternatives is the plan for an $or of which every branch has an index. other is
// the best plan without; it is nil if that is a scan of the collection.
func (f *finder) alternatives(indexes []indexUse, other *candidate) Node {
	at := slices.IndexFunc(f.conj, func(n *query.Node) bool { return n.Op == query.OpOr })
	if at < 0 || other != nil && (other.sorted || other.strength() > 2 || slices.Contains(other.exact, at)) {
		return nil
	}
	rest := slices.Concat(f.conj[:at], f.conj[at+1:])
	or := &Or{}
	exact := true
	for _, branch := range f.conj[at].Children {
		own := conjuncts(branch)
		c := f.best(indexes, slices.Concat(own, rest))
		if c == nil || c.bounded == 0 {
			return nil
		}
		for i := range own {
			exact = exact && slices.Contains(c.exact, i)
		}
		or.Branches = append(or.Branches, &IndexScan{Coll: f.Coll, Index: c.index, Flags: c.flags, Bounds: c.bounds})
	}
	fetch := &Fetch{Coll: f.Coll, Input: or, Filter: f.Filter, Whole: f.Filter}
	if exact {
		fetch.Filter = nil
		if len(rest) > 0 {
			fetch.Filter = query.FilterOf(query.And(rest...))
		}
	}
	fetch.Places = f.Places && fetch.Filter == nil
	return fetch
}

// finish puts on an access path what the request asks beyond it. c is nil if it is
// not one index.
func (f *finder) finish(n Node, sorted bool, c *candidate) Node {
	_, covered := n.(*Covered)
	switch {
	case len(f.sort) > 0 && !sorted:
		limit := f.Limit
		if limit > 0 {
			limit += f.Skip
		}
		n = &Sort{Input: n, Sort: f.Sort, Spec: f.SortSpec, Limit: max(limit, 0)}
		n = f.skip(n)
		return f.project(n)
	case f.Skip > 0:
		fetch, ok := n.(*Fetch)
		if ok && fetch.Filter == nil && c != nil && !c.flags.Long() {
			fetch.Input = f.skip(fetch.Input)
		} else {
			n = f.skip(n)
		}
	}
	if !covered {
		n = f.project(n)
	}
	if f.Limit > 0 {
		n = &Limit{Input: n, N: f.Limit}
	}
	return n
}

func (f *finder) skip(n Node) Node {
	if f.Skip > 0 {
		n = &Skip{Input: n, N: f.Skip}
	}
	return n
}

func (f *finder) project(n Node) Node {
	if f.Projection == nil || f.Places {
		return n
	}
	return &Project{Input: n, Projection: f.Projection, Spec: f.ProjSpec, Simple: isSimple(f.ProjSpec), Filter: f.Filter}
}

// isSimple tells whether a projection only shows or hides top-level fields.
func isSimple(spec bsonx.Doc) bool {
	for name, v := range bsonx.All(spec) {
		if strings.Contains(name, ".") || v.Type != bsonx.TypeBool && !bsonx.IsNumber(v) {
			return false
		}
	}
	return true
}
