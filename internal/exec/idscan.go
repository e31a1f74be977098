package exec

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/plan"
)

// idScan is a scan of the index on _id, which is the documents themselves.
type idScan struct {
	rangeScan[*docstore.DocIterator]
	docs bool // give documents as well.
}

func (r *run) idScan(n *plan.IndexScan, docs bool) *idScan {
	return &idScan{newRangeScan[*docstore.DocIterator](r, n), docs}
}

func (s *idScan) next(ctx context.Context) (place, error) {
	if s.over() {
		return place{}, s.done()
	}
	if s.it == nil {
		if err := s.start(ctx); err != nil {
			return place{}, err
		}
	}
	if err := s.advance(ctx); err != nil {
		return place{}, err
	}
	s.stats.Returned++
	id := s.it.ID()
	return place{id: id, key: id, doc: s.doc(), long: s.it.Long()}, nil
}

func (s *idScan) doc() bsonx.Doc {
	if !s.docs {
		return nil
	}
	return s.it.Doc()
}

func (s *idScan) start(ctx context.Context) (err error) {
	if s.run.resumed {
		if _, err := s.run.find(ctx, s.plan.Coll); err != nil {
			return err
		}
	}
	s.stats.Seeks++
	b := s.bounds.outer
	b.KeysOnly = !s.docs
	s.it, err = s.run.tx.Scan(lasting(ctx), s.plan.Coll, b)
	return err
}
