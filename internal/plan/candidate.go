package plan

import (
	"context"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/query"
)

// candidate is one index and what it can do for a query.
type candidate struct {
	index  *catalog.Index
	flags  catalog.IndexFlags
	bounds []Set
	exact  []int // conjuncts that the bounds answer fully.

	points   int  // fields from the first on that are single values.
	bounded  int  // fields from the first on that are bounded at all.
	unique   bool // all fields of a unique index are one single value.
	sorted   bool // gives the order that was asked for,
	reverse  bool // scanned backwards,
	merged   bool // one scan for each combination of the first fields' values.
	existing bool // some predicate in the bounds excludes a missing field.
}

// bound makes a candidate of an index, with the tightest bounds that preds allow.
func bound(idx *catalog.Index, flags catalog.IndexFlags, preds []predicate) *candidate {
	c := &candidate{index: idx, flags: flags, bounds: make([]Set, len(idx.Fields))}
	chosen := make([][]predicate, len(idx.Fields))
	for i, f := range idx.Fields {
		c.bounds[i] = everything()
		usable := onPath(preds, f.Path)
		if flags.Multikey(i) {
			usable = c.oneOf(chosen[:i], i, usable)
		}
		chosen[i] = usable
		for _, p := range usable {
			c.bounds[i] = c.bounds[i].intersect(p.set)
			c.existing = c.existing || p.existing
			if p.exact && !(p.exactSingle && flags.Multikey(i)) {
				c.exact = append(c.exact, p.conjunct)
			}
		}
	}
	c.count()
	return c
}

func onPath(preds []predicate, path string) []predicate {
	var out []predicate
	for _, p := range preds {
		if p.path == path {
			out = append(out, p)
		}
	}
	return out
}

// oneOf picks the predicate for a field that met arrays. Two predicates on it may
// be met by two elements, and their sets must not be intersected. The same goes for
// two fields that met the same array, unless one $elemMatch on it asks for both.
func (c *candidate) oneOf(before [][]predicate, field int, usable []predicate) []predicate {
	var best *predicate
	for k := range usable {
		p := &usable[k]
		if p.single || !c.compatible(before, field, p) {
			continue
		}
		if best == nil || tighter(p.set, best.set) {
			best = p
		}
	}
	if best == nil {
		return nil
	}
	return []predicate{*best}
}

func (c *candidate) compatible(before [][]predicate, field int, p *predicate) bool {
	for j, others := range before {
		shared := sharedPrefix(c.index.Fields[j].Path, c.index.Fields[field].Path)
		if len(others) == 0 || !c.flags.Multikey(j) || shared == "" {
			continue
		}
		for _, o := range others {
			if !sameElement(o, *p, shared) {
				return false
			}
		}
	}
	return true
}

// sameElement tells whether two predicates ask for one element of the array at path.
func sameElement(a, b predicate, path string) bool {
	for _, e := range a.elems {
		if e.path == path && slices.Contains(b.elems, e) {
			return true
		}
	}
	return false
}

// sharedPrefix is what two paths have in common, in whole parts.
func sharedPrefix(a, b string) string {
	end := 0
	for i := 0; ; i++ {
		aEnds, bEnds := i == len(a), i == len(b)
		if (aEnds || a[i] == '.') && (bEnds || b[i] == '.') {
			end = i
		}
		if aEnds || bEnds || a[i] != b[i] {
			return a[:end]
		}
	}
}

// tighter guesses which of two sets has fewer keys.
func tighter(a, b Set) bool { return tightness(a) > tightness(b) }

func tightness(s Set) int {
	switch {
	case len(s) == 0:
		return 5
	case s.Points():
		return 4
	case s.Full():
		return 0
	}
	ends := 2
	for _, iv := range s {
		if openEnd(iv.Lo, true) || openEnd(iv.Hi, false) {
			ends = 1
		}
	}
	return ends + flag(len(s) == 1)
}

// openEnd tells whether v is the end of its type's values rather than one that
// somebody asked for.
func openEnd(v bsonx.Value, low bool) bool {
	if v.Type == bsonx.TypeMinKey || v.Type == bsonx.TypeMaxKey {
		return true
	}
	if low && bsonx.IsNumber(v) {
		return bsonx.Equal(v, negInf)
	}
	iv, ok := bracket(v.Type)
	return ok && (low && bsonx.Equal(v, iv.Lo) || !low && bsonx.Equal(v, iv.Hi))
}

// count sees how many fields from the first on are bounded.
func (c *candidate) count() {
	for c.points < len(c.bounds) && len(c.bounds[c.points]) == 1 && c.bounds[c.points][0].Point() {
		c.points++
	}
	c.bounded = c.points
	for c.bounded < len(c.bounds) && !c.bounds[c.bounded].Full() {
		c.bounded++
	}
	c.unique = c.index.Unique && c.points == len(c.bounds)
}

func (c *candidate) fieldAt(path string) int {
	return slices.IndexFunc(c.index.Fields, func(f catalog.Field) bool { return f.Path == path })
}

// better is the ranking: see the package comment.
func (c *candidate) better(o *candidate) bool {
	for _, by := range []func(*candidate) int{
		func(c *candidate) int { return flag(c.never()) },
		func(c *candidate) int { return flag(c.unique) },
		func(c *candidate) int { return c.points },
		func(c *candidate) int { return flag(c.bounded > 0) },
		func(c *candidate) int { return flag(c.sorted) },
		func(c *candidate) int { return c.strength() },
		func(c *candidate) int { return c.bounded },
		func(c *candidate) int { return len(c.exact) },
		func(c *candidate) int { return -len(c.index.Fields) },
	} {
		if a, b := by(c), by(o); a != b {
			return a > b
		}
	}
	return false
}

// helps tells whether using the index is better than scanning the collection.
func (c *candidate) helps() bool {
	return c.bounded > 0 || c.sorted || c.index.Sparse && c.existing
}

// never tells whether the bounds hold nothing.
func (c *candidate) never() bool {
	return slices.ContainsFunc(c.bounds, func(s Set) bool { return len(s) == 0 })
}

// strength is how tight the first field is that is not a single value.
func (c *candidate) strength() int {
	if c.points == len(c.bounds) {
		return 5
	}
	return tightness(c.bounds[c.points])
}

// residual is what of the filter the bounds leave to be checked.
func (c *candidate) residual(conj []*query.Node) *query.Filter {
	var rest []*query.Node
	for i, n := range conj {
		if !slices.Contains(c.exact, i) {
			rest = append(rest, n)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return query.FilterOf(query.And(rest...))
}

// usable lists the indexes that may answer a filter.
func usable(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection, conj []*query.Node) ([]indexUse, error) {
	var out []indexUse
	for _, idx := range coll.Indexes {
		if idx.State != catalog.StateReady || idx.Hidden {
			continue
		}
		if idx.Partial != nil {
			f, err := query.CompileFilter(idx.Partial, query.Options{})
			if err != nil {
				return nil, err
			}
			if !implies(conj, f.Root()) {
				continue
			}
		}
		flags, err := tx.Multikey(ctx, coll, idx)
		if err != nil {
			return nil, err
		}
		out = append(out, indexUse{idx, flags})
	}
	return out, nil
}

type indexUse struct {
	index *catalog.Index
	flags catalog.IndexFlags
}

// wantedBy tells which paths any of the indexes has.
func wantedBy(indexes []indexUse) func(string) bool {
	return func(path string) bool {
		for _, u := range indexes {
			for _, f := range u.index.Fields {
				if f.Path == path {
					return true
				}
			}
		}
		return false
	}
}

// under tells whether path is at or below prefix.
func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix) && path[len(prefix)] == '.'
}
