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

// notAnObject is what $replaceRoot says of anything else. The document that it
// shows holds the fields that the expression reads.
func notAnObject(s *plan.Replace, doc bsonx.Doc, v bsonx.Value) error {
	what := "'newRoot' expression "
	if s.Name() == "$replaceWith" {
		what = "'replacement document' "
	}
	shownValue := "MISSING"
	if !bsonx.IsMissing(v) {
		shownValue = shown(v)
	}
	return fail(40228, "%s must evaluate to an object, but resulting value was: %s. Type of resulting value: '%s'. Input document: %s",
		what, shownValue, bsonx.TypeName(v.Type), shown(bsonx.DocValue(needed(s.NewRoot, doc))))
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

// shown is a value as the aggregation's messages print it: like the shell, but
// without blanks inside of braces.
func shown(v bsonx.Value) string {
	var b strings.Builder
	appendShown(&b, v)
	return b.String()
}

func appendShown(b *strings.Builder, v bsonx.Value) {
	switch v.Type {
	case bsonx.TypeDocument:
		b.WriteByte('{')
		sep := ""
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); sep = ", " {
			b.WriteString(sep + it.Key() + ": ")
			appendShown(b, it.Value())
		}
		b.WriteByte('}')
	case bsonx.TypeArray:
		b.WriteByte('[')
		sep := ""
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); sep = ", " {
			b.WriteString(sep)
			appendShown(b, it.Value())
		}
		b.WriteByte(']')
	default:
		b.WriteString(bsonx.ShellString(v))
	}
}
