package exec

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/plan"
)

// collScan walks all documents.
type collScan struct {
	scan[*docstore.DocIterator]
	plan  *plan.CollScan
	check check
}

func (r *run) collScan(n *plan.CollScan) *collScan {
	return &collScan{scan: scan[*docstore.DocIterator]{base: r.base(n)}, plan: n, check: r.check(n.Filter)}
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
	for s.move() {
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
	return nil, s.end()
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
