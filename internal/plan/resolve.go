package plan

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Target is what a namespace leads to.
type Target struct {
	NS     catalog.Namespace   // of the collection underneath.
	Coll   *catalog.Collection // nil: there is none.
	Stages []bsonx.Doc         // of the views that lead there, the innermost first.
}

// Resolver finds what namespaces lead to.
type Resolver interface {
	Resolve(ctx context.Context, ns catalog.Namespace) (Target, error)
}

// CatalogResolver resolves by the catalog as a transaction sees it, through views.
func CatalogResolver(v *catalog.View) Resolver { return catalogResolver{v} }

type catalogResolver struct{ view *catalog.View }

// ViewDepthMax is how many views may stand on one another, and how many names are
// followed for a reader: one view less than that.
const ViewDepthMax = 20

// Resolve follows views down to a collection.
func (r catalogResolver) Resolve(ctx context.Context, ns catalog.Namespace) (Target, error) {
	t := Target{NS: ns}
	for range ViewDepthMax {
		coll, err := r.view.Lookup(ctx, t.NS)
		if err != nil || coll == nil {
			return t, err
		}
		if coll.Kind != catalog.KindView {
			t.Coll = coll
			return t, nil
		}
		on := bsonx.Get(coll.Options, "viewOn")
		stages, err := Stages(bsonx.Get(coll.Options, "pipeline"))
		if err != nil {
			return t, err
		}
		t.Stages = append(stages, t.Stages...)
		t.NS.Coll = bsonx.Str(on)
	}
	return t, mongoerr.Newf(mongoerr.ViewDepthLimitExceeded, "View depth too deep or view cycle detected; maximum depth is %d", ViewDepthMax)
}

// Lookup runs a $lookup over its input.
type Lookup struct {
	Input Node
	Stage *Join
	To    Target    // zero if the sub-pipeline is its own source.
	Views *Pipeline // of To.Stages, compiled; nil: none.

	// Cached: the sub-pipeline gives the same for every document, and may be run once.
	Cached bool
}

// Inputs is the one input.
func (n *Lookup) Inputs() []Node { return []Node{n.Input} }

// resolve finds what a $lookup leads to.
func (j *Join) resolve(ctx context.Context, r Resolver) (*Lookup, error) {
	l := &Lookup{Stage: j}
	l.Cached = j.Local == nil && len(j.Let) == 0 && j.constant()
	if j.From.Coll == "" {
		return l, nil
	}
	var err error
	if l.To, err = r.Resolve(ctx, j.From); err != nil {
		return nil, err
	}
	if len(l.To.Stages) > 0 {
		l.Views, err = CompilePipeline(l.To.Stages, PipelineOptions{NS: l.To.NS, Scope: j.scope.Sub(), within: inLookup})
	}
	return l, err
}

// Request is the sub-pipeline's plan request; match may be nil.
func (n *Lookup) Request() AggregateRequest {
	p := n.Stage.Pipeline
	switch {
	case p == nil && n.Views == nil:
		p = &Pipeline{}
	case p == nil:
		p = n.Views
	case n.Views != nil:
		p = &Pipeline{Stages: append(n.Views.Stages[:len(n.Views.Stages):len(n.Views.Stages)], p.Stages...)}
	}
	return AggregateRequest{NS: n.To.NS, Coll: n.To.Coll, Pipeline: p}
}
