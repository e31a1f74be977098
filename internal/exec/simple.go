package exec

import (
	"context"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

func isEOF(err error) bool { return err == io.EOF }

func fail(code mongoerr.Code, format string, args ...any) error {
	return mongoerr.Newf(code, format, args...)
}

// filter passes on the documents that match.
type filter struct {
	base
	check check
}

// Next gives the next document that matches.
func (f *filter) Next(ctx context.Context) (bsonx.Doc, error) {
	for {
		doc, err := f.next(ctx) // the scan below minds ctx; a filter need not.
		if err != nil {
			f.stats.EOF = true
			return nil, err
		}
		ok, err := f.check.matches(doc)
		if err != nil {
			return nil, err
		}
		if ok {
			return f.gave(doc)
		}
		f.stats.Passed++
	}
}

// skip drops the first n.
type skip struct {
	base
	n int64 // still to be dropped.
}

// Next gives the next document behind the first n.
func (s *skip) Next(ctx context.Context) (bsonx.Doc, error) {
	for {
		doc, err := s.next(ctx)
		if err != nil {
			s.stats.EOF = true
			return nil, err
		}
		if s.n == 0 {
			return s.gave(doc)
		}
		s.n--
		s.stats.Passed++
	}
}

// limit ends after n.
type limit struct {
	base
	n int64 // still to be given.
}

// Next gives the next document of the first n.
func (l *limit) Next(ctx context.Context) (bsonx.Doc, error) {
	if l.n == 0 {
		return nil, l.done()
	}
	doc, err := l.next(ctx)
	if err != nil {
		l.stats.EOF = true
		return nil, err
	}
	l.n--
	return l.gave(doc)
}

// count is $count.
type count struct {
	base
	field string
	ended bool
}

// Next gives the one document with the number, or none if that is zero.
func (c *count) Next(ctx context.Context) (bsonx.Doc, error) {
	if c.ended {
		return nil, c.done()
	}
	c.ended = true
	n := int64(0)
	for {
		_, err := c.next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		n++
	}
	if n == 0 {
		return nil, c.done()
	}
	b := bsonx.NewBuilder(nil)
	appendInt(b, c.field, n)
	return c.gave(b.Doc())
}

// appendInt appends an int32 if n fits, else an int64.
func appendInt(b *bsonx.Builder, key string, n int64) {
	if n == int64(int32(n)) {
		b.Int32(key, int32(n))
		return
	}
	b.Int64(key, n)
}

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

// replace is $replaceRoot.
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
	r.ctx.SetRoot(doc)
	v, err := r.stage.NewRoot.Eval(r.ctx)
	if err != nil {
		return nil, err
	}
	if v.Type != bsonx.TypeDocument {
		return nil, notAnObject(r.stage, doc, v)
	}
	return r.gave(bsonx.AsDoc(v))
}

// documents is $documents.
type documents struct {
	base
	stage *plan.Documents
	rest  bsonx.Iter
	begun bool
}

// Next gives the next element of the list.
func (d *documents) Next(context.Context) (bsonx.Doc, error) {
	if !d.begun {
		v, err := d.stage.List.Eval(d.run.NewContext()) // its own context, so the list lives on.
		if err != nil {
			return nil, err
		}
		if v.Type != bsonx.TypeArray {
			return nil, fail(5858203, "an array is expected")
		}
		d.begun, d.rest = true, bsonx.Walk(bsonx.AsDoc(v))
	}
	if !d.rest.Next() {
		return nil, d.done()
	}
	v := d.rest.Value()
	if v.Type != bsonx.TypeDocument {
		return nil, fail(40228, "elements within the array passed to $documents must evaluate to an object, but resulting value was: %s. Type of resulting value: '%s'. Input document: {_tempDocumentsField: %s}",
			shown(v), bsonx.TypeName(v.Type), shown(v))
	}
	return d.gave(bsonx.AsDoc(v))
}
