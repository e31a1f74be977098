package exec

import (
	"context"
	"io"
	"strconv"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

// lookup joins each document with those of another collection. The sub-pipeline is
// planned anew for each: what is constant in it then may choose another index.
type lookup struct {
	base
	plan   *plan.Lookup
	let    *expr.Context // for the values of let.
	inner  *run          // with the variables of the sub-pipeline.
	cached *bsonx.Value
	b      bsonx.Builder
	buf    []byte
	doc    []byte
}

// lookupBytesMax is how large the joined documents of one document may be.
const lookupBytesMax = 100 << 20

func (r *run) lookup(ctx context.Context, n *plan.Lookup) (Operator, error) {
	in, err := r.open(ctx, n.Input)
	if err != nil {
		return nil, err
	}
	return &lookup{base: r.base(n, in), plan: n, let: r.NewContext()}, nil
}

// Next gives the next document with its array of joined ones.
func (l *lookup) Next(ctx context.Context) (bsonx.Doc, error) {
	doc, err := l.next(ctx)
	if err != nil {
		l.stats.EOF = true
		return nil, err
	}
	// The input's bytes may be the store's, and the join reads the store.
	l.doc = append(l.doc[:0], doc...)
	joined, err := l.join(ctx, l.doc)
	if err != nil {
		return nil, err
	}
	l.b.Reset(l.buf[:0])
	setPath(&l.b, l.doc, l.plan.Stage.As, joined)
	out := l.b.Doc()
	l.buf = out
	return l.gave(out)
}

func (l *lookup) join(ctx context.Context, doc bsonx.Doc) (bsonx.Value, error) {
	if l.cached != nil {
		return *l.cached, nil
	}
	if err := l.bind(doc); err != nil {
		return bsonx.Missing, err
	}
	if p := l.plan.Stage.Pipeline; p != nil && p.Fault != nil {
		return bsonx.Missing, p.Fault
	}
	req := l.plan.Request()
	if l.plan.Stage.Local != nil {
		match, err := foreignFilter(doc, l.plan.Stage)
		if err != nil {
			return bsonx.Missing, err
		}
		req.Match = match
	}
	req.Eval = l.inner.NewContext()
	node, err := plan.Aggregate(ctx, l.run.tx, req)
	if err != nil {
		return bsonx.Missing, err
	}
	op, err := l.inner.open(ctx, node)
	if err != nil {
		return bsonx.Missing, err
	}
	joined, err := l.collect(ctx, op)
	total := Count(op)
	l.stats.KeysExamined += total.KeysExamined
	l.stats.DocsExamined += total.DocsExamined
	if cerr := op.Close(); err == nil {
		err = cerr
	}
	if err == nil && l.plan.Cached {
		l.cached = &joined
	}
	return joined, err
}

// bind gives the sub-pipeline's variables their values on doc.
func (l *lookup) bind(doc bsonx.Doc) error {
	inner := *l.run
	inner.Vars = append(inner.Vars[:len(inner.Vars):len(inner.Vars)], make([]Var, 0, len(l.plan.Stage.Let))...)
	l.let.Reset()
	l.let.SetRoot(doc)
	for _, v := range l.plan.Stage.Let {
		value, err := v.Value.Eval(l.let)
		if err != nil {
			return err
		}
		inner.Vars = append(inner.Vars, Var{v.Slot, value})
	}
	l.inner = &inner
	return nil
}

func (l *lookup) collect(ctx context.Context, op Operator) (bsonx.Value, error) {
	var body []byte
	for i := 0; ; i++ {
		doc, err := op.Next(ctx)
		if err == io.EOF {
			return arrayOf(body), nil
		}
		if err != nil {
			return bsonx.Missing, err
		}
		body = appendElement(body, i, bsonx.DocValue(doc))
		if len(body) > lookupBytesMax {
			return bsonx.Missing, fail(4568, "Total size of documents in %s matching pipeline's $lookup stage exceeds %d bytes",
				l.plan.Stage.From.Coll, lookupBytesMax)
		}
	}
}

// foreignFilter asks for the foreign documents whose field equals one of the
// local values.
func foreignFilter(doc bsonx.Doc, j *plan.Join) (*query.Filter, error) {
	values := localValues(doc, j.Local)
	b := bsonx.NewBuilder(nil)
	b.OpenArray("$or")
	b.OpenDoc("0")
	b.OpenDoc(j.Foreign)
	b.OpenArray("$in")
	n, regexes := 0, 0
	for _, v := range values {
		if v.Type != bsonx.TypeRegex {
			b.Value(bsonx.Index(n), v)
			n++
		}
	}
	b.Close()
	b.Close()
	b.Close()
	for _, v := range values { // within $in they would match rather than be equal.
		if v.Type == bsonx.TypeRegex {
			regexes++
			b.OpenDoc(bsonx.Index(regexes))
			b.OpenDoc(j.Foreign)
			b.Value("$eq", v)
			b.Close()
			b.Close()
		}
	}
	b.Close()
	return query.CompileFilter(b.Doc(), query.Options{})
}

// localValues are the values at a path, those in arrays one by one; if there are
// none, null is. A number in the path is a place in an array, and no field's name there.
func localValues(doc bsonx.Doc, path []string) []bsonx.Value {
	values := valuesAt(nil, bsonx.DocValue(doc), path)
	if len(values) == 0 {
		return []bsonx.Value{bsonx.Null}
	}
	return values
}

func valuesAt(dst []bsonx.Value, v bsonx.Value, path []string) []bsonx.Value {
	switch {
	case v.Type == bsonx.TypeMissing:
		return dst
	case v.Type == bsonx.TypeArray && len(path) == 0:
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
			dst = append(dst, nullFor(it.Value()))
		}
		return dst
	case len(path) == 0:
		return append(dst, nullFor(v))
	case v.Type == bsonx.TypeDocument:
		return valuesAt(dst, bsonx.Get(bsonx.AsDoc(v), path[0]), path[1:])
	case v.Type != bsonx.TypeArray:
		return dst
	}
	if place, ok := arrayPlace(path[0]); ok {
		return valuesAt(dst, bsonx.Get(bsonx.AsDoc(v), bsonx.Index(place)), path[1:])
	}
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		if e := it.Value(); e.Type == bsonx.TypeDocument {
			dst = valuesAt(dst, e, path)
		}
	}
	return dst
}

// arrayPlace is the number that a part of a path is, written as numbers are.
func arrayPlace(part string) (int, bool) {
	n, err := strconv.Atoi(part)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == part
}

func nullFor(v bsonx.Value) bsonx.Value {
	if bsonx.IsNullish(v) {
		return bsonx.Null
	}
	return v
}
