package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/session"
)

// A view is read by the aggregate that it stands for: the stages of the views on the
// way down, then those that the reader's command amounts to.

func isView(coll *catalog.Collection) bool { return coll != nil && coll.Kind == catalog.KindView }

// notOnView is the error of a command that is for collections.
func notOnView(ns catalog.Namespace) error {
	return mongoerr.Newf(mongoerr.CommandNotSupportedOnView, "Namespace %s is a view, not a collection", ns)
}

// openFinding opens a query on a collection or view.
func (c *Call) openFinding(ctx context.Context, tx *docstore.Tx, f finding) (session.Source, error) {
	if !isView(f.req.Coll) {
		return c.openFind(ctx, tx, f.req, f.vars)
	}
	a, err := f.asPipeline()
	if err != nil {
		return nil, err
	}
	return c.openPipeline(ctx, tx, a)
}

// asPipeline is the aggregate that a query amounts to.
func (f *finding) asPipeline() (*aggregation, error) {
	for _, name := range []string{"showRecordId", "returnKey", "min", "max", "noCursorTimeout", "allowPartialResults", "singleBatch"} {
		if v := f.text.Value(name); v.Type == bsonx.TypeDocument || v.Type == bsonx.TypeBool && bsonx.AsBool(v) {
			return nil, mongoerr.Newf(mongoerr.InvalidPipelineOperator, "Option %s not supported in aggregation.", name)
		}
	}
	if f.req.Tailable {
		return nil, mongoerr.New(mongoerr.InvalidPipelineOperator, "Tailable cursors are not supported in aggregation.")
	}
	a := &aggregation{ns: f.req.NS, vars: f.vars, hint: f.req.Hint}
	stage := func(name string, v bsonx.Value) {
		b := bsonx.NewBuilder(nil)
		b.Value(name, v)
		a.stages = append(a.stages, b.Doc())
	}
	if q := f.text.Doc("filter"); bsonx.Len(q) > 0 {
		stage("$match", bsonx.DocValue(q))
	}
	if f.req.Sort != nil {
		stage("$sort", bsonx.DocValue(f.req.SortSpec))
	}
	if f.req.Skip > 0 {
		stage("$skip", bsonx.Int64(f.req.Skip))
	}
	if f.req.Limit > 0 {
		stage("$limit", bsonx.Int64(f.req.Limit))
	}
	if f.req.ProjSpec != nil {
		stage("$project", bsonx.DocValue(f.req.ProjSpec))
	}
	return a, nil
}

// underView is what an aggregate on a view runs over, and as what.
type underView struct {
	plan.Target
	pipeline *plan.Pipeline
}

// below finds what an aggregate on a view comes down to.
func (a *aggregation) below(ctx context.Context, tx *docstore.Tx) (u underView, err error) {
	if u.Target, err = plan.CatalogResolver(tx.Cat).Resolve(ctx, a.ns); err != nil {
		return u, err
	}
	u.Stages = append(u.Stages, a.stages...)
	u.pipeline, err = plan.CompilePipeline(u.Stages, plan.PipelineOptions{Scope: a.vars.scope, NS: u.NS})
	return u, err
}

// command is what the client might have sent instead, for explain.
func (u *underView) command(hint bsonx.Value) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.String("aggregate", u.NS.Coll)
	b.OpenArray("pipeline")
	for i, s := range u.Stages {
		b.EmbedDoc(bsonx.Index(i), s)
	}
	b.Close()
	b.OpenDoc("cursor")
	b.Close()
	b.Value("hint", hint)
	b.OpenDoc("collation")
	b.String("locale", "simple")
	b.Close()
	return b.Doc()
}
