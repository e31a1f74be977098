package exec

import (
	"context"
	"fmt"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/plan"
)

// interruptEvery is how many entries or documents are looked at between two looks
// at the context.
const interruptEvery = 128

// indexScan walks an index within bounds, jumping from range to range.
type indexScan struct {
	base
	plan   *plan.IndexScan
	bounds bounds
	it     *docstore.IndexIterator // nil before the first and after the last entry.
	seen   map[string]struct{}     // places given; nil if no document has two entries.
	ended  bool
	covers bool // the entries stand for the documents.
	parked
}

func (r *run) indexScan(n *plan.IndexScan) *indexScan {
	s := &indexScan{base: r.base(n), plan: n, bounds: encodeBounds(n.Index.Fields, n.Bounds, n.Reverse)}
	if n.Flags.Any() {
		s.seen = map[string]struct{}{}
	}
	return s
}

func (s *indexScan) next(ctx context.Context) (place, error) {
	for {
		ok, err := s.advance(ctx)
		if err != nil {
			return place{}, err
		}
		if !ok {
			return place{}, s.done()
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
		return place{id: id, key: s.it.Key(), long: s.it.Long()}, nil
	}
}

// advance moves to the next entry within the bounds.
func (s *indexScan) advance(ctx context.Context) (bool, error) {
	if s.ended || s.bounds.never {
		return false, nil
	}
	if s.it == nil {
		if err := s.start(ctx); err != nil {
			return false, err
		}
	}
	var ok bool
	if s.at != nil {
		ok = s.step(s.it)
	} else {
		ok = s.it.Next()
	}
	for ok {
		if s.stats.KeysExamined++; s.stats.KeysExamined%interruptEvery == 0 {
			if err := interrupted(ctx); err != nil {
				return false, err
			}
		}
		if s.bounds.exact || s.it.Long() {
			return true, nil
		}
		switch s.bounds.judge(s.it.Key()) {
		case within:
			return true, nil
		case beyond:
			ok = false
		case skipTo:
			s.stats.Passed++
			if s.bounds.ahead(s.it.Key()) {
				s.stats.Seeks++
				ok = s.it.Seek(s.bounds.seek)
			} else {
				ok = s.it.Next()
			}
		case broken:
			return false, fmt.Errorf("exec: malformed key in index %s of %s", s.plan.Index.Name, s.plan.Coll.NS)
		}
	}
	s.ended = true
	return false, s.it.Err()
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

// Close ends the scan.
func (s *indexScan) Close() error {
	s.ended = true
	return s.drop()
}

func (s *indexScan) drop() error {
	if s.it == nil {
		return nil
	}
	it := s.it
	s.it = nil
	return it.Close()
}

// idScan is a scan of the index on _id, which is the documents themselves.
type idScan struct {
	base
	plan   *plan.IndexScan
	bounds bounds
	docs   bool // give documents as well.
	it     *docstore.DocIterator
	ended  bool
	parked
}

func (r *run) idScan(n *plan.IndexScan, docs bool) *idScan {
	return &idScan{base: r.base(n), plan: n, docs: docs, bounds: encodeBounds(n.Index.Fields, n.Bounds, n.Reverse)}
}

func (s *idScan) next(ctx context.Context) (place, error) {
	if s.ended || s.bounds.never {
		return place{}, s.done()
	}
	if s.it == nil {
		if err := s.start(ctx); err != nil {
			return place{}, err
		}
	}
	var ok bool
	if s.at != nil {
		ok = s.step(s.it)
	} else {
		ok = s.it.Next()
	}
	for ok {
		if s.stats.KeysExamined++; s.stats.KeysExamined%interruptEvery == 0 {
			if err := interrupted(ctx); err != nil {
				return place{}, err
			}
		}
		id := s.it.ID()
		long := isLong(id)
		v := within
		if !s.bounds.exact && !long {
			v = s.bounds.judge(id)
		}
		switch v {
		case within:
			s.stats.Returned++
			return place{id: id, key: id, doc: s.doc(), long: long}, nil
		case beyond:
			ok = false
		case skipTo:
			s.stats.Passed++
			if s.bounds.ahead(id) {
				s.stats.Seeks++
				ok = s.it.Seek(s.bounds.seek)
			} else {
				ok = s.it.Next()
			}
		case broken:
			return place{}, fmt.Errorf("exec: malformed key of a document of %s", s.plan.Coll.NS)
		}
	}
	s.ended = true
	if err := s.it.Err(); err != nil {
		return place{}, err
	}
	return place{}, s.done()
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

// Close ends the scan.
func (s *idScan) Close() error {
	s.ended = true
	return s.drop()
}

func (s *idScan) drop() error {
	if s.it == nil {
		return nil
	}
	it := s.it
	s.it = nil
	return it.Close()
}
