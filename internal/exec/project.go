package exec

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/query"
)

// projector applies a projection in a buffer of its own.
type projector struct {
	projection *query.Projection
	filter     *query.Filter // for a positional $; nil: there is none.
	ctx        *expr.Context // nil: not needed.
	buf        []byte
}

func (r *run) projector(p *query.Projection, f *query.Filter) *projector {
	pr := &projector{projection: p}
	if p.NeedsPosition() {
		pr.filter = f
	}
	if p.NeedsContext() || pr.filter != nil && pr.filter.NeedsContext() {
		pr.ctx = r.NewContext()
	}
	return pr
}

func (p *projector) apply(doc bsonx.Doc) (bsonx.Doc, error) {
	if p.ctx != nil {
		p.ctx.Reset()
	}
	var pos query.MatchPos
	if p.filter != nil {
		var err error
		if _, pos, err = p.filter.MatchPosition(doc, p.ctx); err != nil {
			return nil, err
		}
	}
	out, err := p.projection.ApplyAt(doc, pos, p.ctx, p.buf[:0])
	if err == nil {
		p.buf = out
	}
	return out, err
}

// project shapes documents.
type project struct {
	base
	*projector
}

func (r *run) project(b base, p *query.Projection, f *query.Filter) *project {
	return &project{base: b, projector: r.projector(p, f)}
}

// Next gives the next document in its new shape.
func (p *project) Next(ctx context.Context) (bsonx.Doc, error) {
	doc, err := p.next(ctx)
	if err != nil {
		p.stats.EOF = true
		return nil, err
	}
	if doc, err = p.apply(doc); err != nil {
		return nil, err
	}
	return p.gave(doc)
}
