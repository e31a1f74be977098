package exec

import (
	"context"
	"errors"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/plan"
)

// express reads one document by a unique index.
type express struct {
	base
	plan    *plan.Express
	check   check
	project *projector
	ended   bool
	buf     []byte
}

// idRoom is enough for the encoded form of most _ids.
const idRoom = 64

func (r *run) express(n *plan.Express) *express {
	e := &express{base: r.base(n), plan: n, check: r.check(n.Filter)}
	if n.Projection != nil {
		e.project = r.projector(n.Projection, n.Filter)
	}
	return e
}

// Next gives the document, if there is one.
func (e *express) Next(ctx context.Context) (bsonx.Doc, error) {
	if e.ended {
		return nil, e.done()
	}
	e.ended = true
	doc, err := e.read(ctx)
	if err != nil || doc == nil {
		if err == nil {
			err = e.done()
		}
		return nil, err
	}
	if e.project != nil {
		if doc, err = e.project.apply(doc); err != nil {
			return nil, err
		}
	}
	return e.gave(doc)
}

func (e *express) read(ctx context.Context) (bsonx.Doc, error) {
	if e.plan.Index.ID != 0 {
		return e.readIndex(ctx)
	}
	id := docstore.EncodeID(make([]byte, 0, idRoom), e.plan.Value)
	doc, err := e.run.tx.Fetch(ctx, e.plan.Coll, id, e.buf[:0])
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e.stats.KeysExamined++
	e.stats.DocsExamined++
	if docstore.HashedID(id) {
		if ok, err := e.check.matches(doc); err != nil || !ok {
			return nil, err
		}
	}
	return doc, nil
}

// readIndex finds the entry and then the document. A unique field that met arrays
// may have several entries of one value only if they end in hashes.
func (e *express) readIndex(ctx context.Context) (doc bsonx.Doc, err error) {
	n := &plan.IndexScan{Coll: e.plan.Coll, Index: e.plan.Index, Bounds: []plan.Set{plan.Point(e.plan.Value)}}
	scan := e.run.indexScan(n)
	defer func() {
		e.stats.KeysExamined += scan.stats.KeysExamined
		if cerr := scan.Close(); err == nil {
			err = cerr
		}
	}()
	for {
		p, err := scan.next(ctx)
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		e.stats.DocsExamined++
		doc, err := e.run.read(ctx, &plan.Fetch{Coll: e.plan.Coll}, p.id, &e.buf)
		if err != nil || !p.long {
			return doc, err
		}
		if ok, err := e.check.matches(doc); ok || err != nil {
			return doc, err
		}
	}
}
