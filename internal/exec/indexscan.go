package exec

import (
	"context"

	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/plan"
)

// indexScan walks an index other than that on _id.
type indexScan struct {
	rangeScan[*docstore.IndexIterator]
	seen   map[string]struct{} // places given; nil if no document has two entries.
	covers bool                // the entries stand for the documents.
	loose  bool                // the bounds were made for an index that had met fewer arrays.
}

func (r *run) indexScan(n *plan.IndexScan) *indexScan {
	s := &indexScan{rangeScan: newRangeScan[*docstore.IndexIterator](r, n)}
	if n.Flags.Any() {
		s.seen = map[string]struct{}{}
	}
	return s
}

func (s *indexScan) next(ctx context.Context) (place, error) {
	if s.over() {
		return place{}, s.done()
	}
	if s.it == nil {
		if err := s.start(ctx); err != nil {
			return place{}, err
		}
	}
	for {
		if err := s.advance(ctx); err != nil {
			return place{}, err
		}
		id := s.it.ID()
		if s.seen != nil {
			s.stats.DupsTested++
			if _, twice := s.seen[string(id)]; twice {
				s.stats.DupsDropped++
				s.stats.Passed++
				continue
			}
			s.seen[string(id)] = struct{}{}
		}
		s.stats.Returned++
		return place{id: id, key: s.it.Key(), long: s.loose || s.it.Long()}, nil
	}
}

func (s *indexScan) start(ctx context.Context) (err error) {
	if s.run.resumed {
		if err := s.run.findIndex(ctx, s); err != nil {
			return err
		}
	}
	s.stats.Seeks++
	s.it, err = s.run.tx.ScanIndex(lasting(ctx), s.plan.Coll, s.plan.Index, s.bounds.outer)
	return err
}

func (s *indexScan) park(again bool) {
	if again && s.standing() {
		delete(s.seen, string(s.it.ID()))
	}
	s.rangeScan.park(again)
}
