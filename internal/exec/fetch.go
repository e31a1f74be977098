package exec

import (
	"context"
	"errors"
	"fmt"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/plan"
)

// fetch reads the documents of places.
type fetch struct {
	base
	plan  *plan.Fetch
	from  places
	check check // what the bounds have not answered.
	whole check // all of the filter, where the bounds said little.
	buf   []byte
}

func (r *run) fetch(n *plan.Fetch) (*fetch, error) {
	from, err := r.openPlaces(n.Input, !n.Places)
	if err != nil {
		return nil, err
	}
	return &fetch{base: r.base(n), plan: n, from: from, check: r.check(n.Filter), whole: r.check(n.Whole)}, nil
}

// Next gives the next document that matches.
func (f *fetch) Next(ctx context.Context) (bsonx.Doc, error) {
	for {
		p, err := f.from.next(ctx)
		if err != nil {
			f.stats.EOF = true
			return nil, err
		}
		check := &f.check
		if p.long {
			check = &f.whole
		}
		if f.plan.Places && check.filter == nil {
			return f.gave(bsonx.Empty)
		}
		doc := p.doc
		f.stats.DocsExamined++
		if doc == nil {
			if doc, err = f.run.read(ctx, f.plan, p.id, &f.buf); err != nil {
				return nil, err
			}
		}
		ok, err := check.matches(doc)
		if err != nil {
			return nil, err
		}
		if ok {
			return f.gave(doc)
		}
		f.stats.Passed++
	}
}

func (r *run) read(ctx context.Context, n *plan.Fetch, id []byte, buf *[]byte) (bsonx.Doc, error) {
	doc, err := r.tx.Fetch(ctx, n.Coll, id, (*buf)[:0])
	if errors.Is(err, kv.ErrNotFound) {
		return nil, fmt.Errorf("exec: an index entry of %s has no document", n.Coll.NS)
	}
	if err == nil {
		*buf = doc
	}
	return doc, err
}

// Close closes what gives the places.
func (f *fetch) Close() error   { return f.from.Close() }
func (f *fetch) places() places { return f.from }
