package plan

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/query"
)

// AggregateRequest is a pipeline and what it runs over.
type AggregateRequest struct {
	NS       catalog.Namespace
	Coll     *catalog.Collection // nil: there is none.
	Pipeline *Pipeline
	Hint     bsonx.Value
	Resolver Resolver      // for $lookup; nil: the catalog of the transaction.
	Eval     *expr.Context // as in Request.

	// Match is put before the pipeline: what $lookup asks of the other collection.
	Match *query.Filter
}

// Aggregate plans a pipeline. What its first stages ask of the collection becomes
// one Find; the others are applied to that one by one.
func Aggregate(ctx context.Context, tx *docstore.Tx, r AggregateRequest) (Node, error) {
	if r.Resolver == nil {
		r.Resolver = CatalogResolver(tx.Cat)
	}
	var node Node
	find, stages := r.split()
	if !r.Pipeline.IsSource() {
		var err error
		if node, err = Find(ctx, tx, find); err != nil {
			return nil, err
		}
	} else if r.Match != nil {
		// After the source, which is the first stage.
		stages = append([]Stage{stages[0], &Match{Filter: r.Match}}, stages[1:]...)
	}
	return apply(ctx, r, node, stages)
}

// split is what the pipeline asks of the collection, and the stages left over.
func (r *AggregateRequest) split() (Request, []Stage) {
	stages := optimize(r.Pipeline.Stages)
	find := Request{NS: r.NS, Coll: r.Coll, Filter: r.Match, Hint: r.Hint, Eval: r.Eval, Pipeline: true}
	if !r.Pipeline.IsSource() {
		stages = find.absorb(stages)
	}
	return find, stages
}

// Filter is the filter that the pipeline's first stages amount to, for explain;
// nil: none.
func (r *AggregateRequest) Filter() *query.Filter {
	find, _ := r.split()
	return find.Filter
}

// apply puts stages on a node.
func apply(ctx context.Context, r AggregateRequest, node Node, stages []Stage) (Node, error) {
	for _, s := range stages {
		switch s := s.(type) {
		case *Join:
			l, err := s.resolve(ctx, r.Resolver)
			if err != nil {
				return nil, err
			}
			l.Input = node
			node = l
		case *Facet:
			f := &Branches{Input: node, Stage: s}
			for _, p := range s.Pipelines {
				branch, err := apply(ctx, r, &Tee{}, optimize(p.Stages))
				if err != nil {
					return nil, err
				}
				f.Branches = append(f.Branches, branch)
			}
			node = f
		default:
			node = &Apply{Input: node, Stage: s}
		}
	}
	return node, nil
}

// absorb takes the stages that a Find does from the front of a pipeline: a filter,
// a sort, a skip and a limit, and a projection that needs few fields.
func (r *Request) absorb(stages []Stage) []Stage {
	for len(stages) > 0 {
		switch s := stages[0].(type) {
		case *Match:
			if r.Sort != nil || r.Skip > 0 || r.Limit > 0 {
				return r.absorbShape(stages)
			}
			r.Filter = both(r.Filter, s.Filter)
		case *Order:
			if r.Sort != nil || r.Skip > 0 || r.Limit > 0 {
				return r.absorbShape(stages)
			}
			r.Sort, r.SortSpec = s.Sort, bsonx.AsDoc(s.spec)
		case *Cut:
			if !r.cut(s) {
				return r.absorbShape(stages)
			}
		default:
			return r.absorbShape(stages)
		}
		stages = stages[1:]
	}
	return stages
}

// cut folds a $skip or $limit into those of the request.
func (r *Request) cut(s *Cut) bool {
	if s.name == "$limit" {
		if r.Limit == 0 || s.N < r.Limit {
			r.Limit = s.N
		}
		return true
	}
	if r.Limit > 0 {
		if s.N >= r.Limit {
			return false // nothing is left, and zero would mean everything.
		}
		r.Limit -= s.N
	}
	if r.Skip+s.N < 0 {
		return false
	}
	r.Skip += s.N
	return true
}

func (r *Request) absorbShape(stages []Stage) []Stage {
	if len(stages) == 0 {
		return stages
	}
	switch s := stages[0].(type) {
	case *Shape:
		if _, only := s.Projection.DependsOnly(); only {
			r.Projection, r.ProjSpec = s.Projection, shapeSpec(s)
			return stages[1:]
		}
	case *Count:
		r.Places = true
	case *Group:
		r.Places = s.fieldless()
	}
	return stages
}

// shapeSpec is the specification of a $project or its like, as a document.
func shapeSpec(s *Shape) bsonx.Doc {
	if s.spec.Type == bsonx.TypeDocument {
		return bsonx.AsDoc(s.spec)
	}
	return bsonx.Empty
}

// fieldless tells whether the group needs no field of any document.
func (g *Group) fieldless() bool {
	if _, ok := expr.IsConstant(g.ID); !ok {
		return false
	}
	for _, a := range g.Fields {
		if a.Sort != nil {
			return false
		}
		if a.Arg != nil {
			if _, ok := expr.IsConstant(a.Arg); !ok {
				return false
			}
		}
	}
	return true
}

// both is the filter of two, either of which may be nil.
func both(a, b *query.Filter) *query.Filter {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return query.FilterOf(query.And(a.Root(), b.Root()))
}

// Tee is the input of a facet's branches: what the facet itself reads.
type Tee struct{}

// Inputs of a tee: none that is its own.
func (*Tee) Inputs() []Node { return nil }

// Branches runs the pipelines of a $facet over one input.
type Branches struct {
	Input    Node
	Stage    *Facet
	Branches []Node // each ends in a Tee.
}

// Inputs is the one input.
func (n *Branches) Inputs() []Node { return []Node{n.Input} }
