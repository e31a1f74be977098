package exec

import (
	"context"
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/plan"
)

// collScan walks all documents.
type collScan struct {
	base
	plan  *plan.CollScan
	check check
	it    *docstore.DocIterator
	ended bool
	parked
}

func (r *run) collScan(n *plan.CollScan) *collScan {
	return &collScan{base: r.base(n), plan: n, check: r.check(n.Filter)}
}

// Next gives the next document that matches, as the store's own bytes.
func (s *collScan) Next(ctx context.Context) (bsonx.Doc, error) {
	if s.ended {
		return nil, s.done()
	}
	if s.it == nil {
		if err := s.start(ctx); err != nil {
			return nil, err
		}
	}
	for s.advance() {
		if s.stats.DocsExamined++; s.stats.DocsExamined%interruptEvery == 0 {
			if err := interrupted(ctx); err != nil {
				return nil, err
			}
		}
		if s.plan.Places {
			return s.gave(bsonx.Empty)
		}
		doc := s.it.Doc()
		ok, err := s.check.matches(doc)
		if err != nil {
			return nil, err
		}
		if ok {
			return s.gave(doc)
		}
		s.stats.Passed++
	}
	s.ended = true
	if err := s.it.Err(); err != nil {
		return nil, err
	}
	return nil, s.done()
}

func (s *collScan) start(ctx context.Context) (err error) {
	if s.run.resumed {
		if _, err := s.run.find(ctx, s.plan.Coll); err != nil {
			return err
		}
	}
	s.it, err = s.run.tx.ScanNatural(lasting(ctx), s.plan.Coll, s.plan.Reverse, s.plan.Places)
	return err
}

func (s *collScan) advance() bool {
	if s.at != nil {
		return s.step(s.it)
	}
	return s.it.Next()
}

// Close ends the scan.
func (s *collScan) Close() error {
	s.ended = true
	return s.drop()
}

func (s *collScan) drop() error {
	if s.it == nil {
		return nil
	}
	it := s.it
	s.it = nil
	return it.Close()
}

// express reads one document by a unique index.
type express struct {
	base
	plan    *plan.Express
	check   check
	project *projector
	ended   bool
	buf     []byte
}

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
	id := docstore.EncodeID(nil, e.plan.Value)
	doc, err := e.run.tx.Fetch(ctx, e.plan.Coll, id, e.buf[:0])
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e.stats.KeysExamined++
	e.stats.DocsExamined++
	if isLong(id) {
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
		if isEOF(err) {
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
