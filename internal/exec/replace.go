package exec

import (
	"context"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

// replace is $replaceRoot and $replaceWith.
type replace struct {
	base
	stage *plan.Replace
	ctx   *expr.Context
}

// Next gives what the expression makes of the next document.
func (r *replace) Next(ctx context.Context) (bsonx.Doc, error) {
	doc, err := r.next(ctx)
	if err != nil {
		r.stats.EOF = true
		return nil, err
	}
	r.ctx.Reset()
	v, err := r.stage.New.Eval(doc, r.ctx)
	if err != nil {
		return nil, err
	}
	if v.Type != bsonx.TypeDocument {
		return nil, r.stage.New.Refuse(v, needed(r.stage.New.Expr(), doc)) // as the original, which reads no more.
	}
	return r.gave(bsonx.AsDoc(v))
}

// needed is what e reads of doc.
func needed(e expr.Expr, doc bsonx.Doc) bsonx.Doc {
	paths, root := expr.Deps(e)
	if root {
		return doc
	}
	b := bsonx.NewBuilder(nil)
	id := false
	for _, p := range paths {
		head, _, _ := strings.Cut(p, ".")
		id = id || head == "_id"
		b.Int32(p, 1)
	}
	switch {
	case len(paths) == 0:
		return bsonx.Empty
	case !id:
		b.Int32("_id", 0)
	}
	p, err := query.CompileProjection(b.Doc(), query.Options{})
	if err != nil {
		return doc
	}
	if seen, err := p.Apply(doc, nil, nil); err == nil {
		return seen
	}
	return doc
}
