package plan

import (
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/query"
)

// optimize moves filters towards the source, where an index may answer them, and
// tells sorts how much of them will be read. The result means the same.
func optimize(stages []Stage) []Stage {
	out := slices.Clone(stages)
	for i := 1; i < len(out); i++ {
		m, ok := out[i].(*Match)
		if !ok {
			continue
		}
		early, late := split(m, out[i-1])
		if early == nil {
			continue
		}
		out[i] = out[i-1]
		out[i-1] = early
		if late != nil {
			out = slices.Insert(out, i+1, Stage(late))
		}
		i = max(i-2, 0) // it may go further.
	}
	return limitSorts(out)
}

// split parts a filter in what may run before the stage and what may not.
func split(m *Match, before Stage) (early, late *Match) {
	var first, second []*query.Node
	for _, n := range conjuncts(m.Filter.Root()) {
		if crosses(n, before) {
			first = append(first, n)
		} else {
			second = append(second, n)
		}
	}
	if len(first) == 0 {
		return nil, m
	}
	if len(second) == 0 {
		return m, nil
	}
	return &Match{m.spelled, query.FilterOf(query.And(first...))}, &Match{m.spelled, query.FilterOf(query.And(second...))}
}

// crosses tells whether a conjunct means the same on the input of a stage as on
// its output.
func crosses(n *query.Node, s Stage) bool {
	paths, ok := reads(n)
	if !ok {
		return false
	}
	switch s := s.(type) {
	case *Order:
		return true
	case *Unwind:
		return apart(paths, s.Path[0]) && (s.Index == nil || apart(paths, s.Index[0]))
	case *Join:
		return apart(paths, s.As[0])
	case *Shape:
		return s.keeps(paths)
	}
	return false
}

// keeps tells whether the stage leaves what is at the paths as it was.
func (s *Shape) keeps(paths []string) bool {
	switch s.name {
	case "$addFields", "$set":
		for name := range bsonx.All(bsonx.AsDoc(s.spec)) {
			if !apart(paths, head(name)) {
				return false
			}
		}
		return true
	case "$unset":
		if s.spec.Type == bsonx.TypeString {
			return apart(paths, head(bsonx.Str(s.spec)))
		}
		for _, v := range bsonx.All(bsonx.AsDoc(s.spec)) {
			if !apart(paths, head(bsonx.Str(v))) {
				return false
			}
		}
		return true
	}
	spec := bsonx.AsDoc(s.spec)
	if kept, only := s.Projection.DependsOnly(); only && isSimple(spec) {
		return !slices.ContainsFunc(paths, func(p string) bool { return !slices.Contains(kept, head(p)) })
	}
	return false
}

// apart tells whether none of the paths is in the top-level field called name.
func apart(paths []string, name string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool { return head(p) == name })
}

func head(path string) string {
	h, _, _ := strings.Cut(path, ".")
	return h
}

// reads lists the paths that a filter looks at; ok is false if that is not known.
func reads(n *query.Node) (paths []string, ok bool) {
	switch n.Op {
	case query.OpAlwaysTrue, query.OpAlwaysFalse:
		return nil, true
	case query.OpExpr:
		if expr.Varies(n.Expr) {
			return nil, false
		}
		paths, root := expr.Deps(n.Expr)
		return paths, !root
	}
	if n.Path != "" {
		return []string{n.Path}, true
	}
	for _, c := range n.Children {
		p, ok := reads(c)
		if !ok {
			return nil, false
		}
		paths = append(paths, p...)
	}
	return paths, len(n.Children) > 0
}

// limitSorts tells each sort how many of its documents a later $limit lets through.
func limitSorts(stages []Stage) []Stage {
	for i, s := range stages {
		o, ok := s.(*Order)
		if !ok {
			continue
		}
		if n := taken(stages[i+1:]); n > 0 {
			limited := *o
			limited.Limit = n
			stages[i] = &limited
		}
	}
	return stages
}

// taken is how many documents a pipeline takes at most; zero: no limit is known.
func taken(stages []Stage) int64 {
	skipped := int64(0)
	for _, s := range stages {
		switch s := s.(type) {
		case *Cut:
			if s.name == "$limit" {
				if total := s.N + skipped; total > 0 {
					return total
				}
				return 0
			}
			skipped += s.N
			if skipped < 0 {
				return 0
			}
		case *Shape, *Replace, *Join: // one document out for each in.
		default:
			return 0
		}
	}
	return 0
}

// constant tells whether the sub-pipeline gives the same however often it runs.
func (j *Join) constant() bool {
	if j.Pipeline == nil {
		return false
	}
	return !slices.ContainsFunc(j.Pipeline.Stages, func(s Stage) bool { _, random := s.(*Sample); return random })
}
