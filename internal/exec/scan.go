package exec

import (
	"bytes"
	"context"
	"fmt"

	"github.com/pandodb/pando/internal/plan"
)

// interruptEvery is how many entries or documents are looked at between two looks
// at the context.
const interruptEvery = 128

// iterator is what all scans need of docstore's iterators. Pointers are comparable.
type iterator interface {
	comparable
	Next() bool
	Seek(position []byte) bool
	Position() []byte
	Err() error
	Close() error
}

// scan is what scans have in common: an iterator, and the way to let go of it and
// take it up again (see Execution.Park). It is generic, and not over an interface,
// for those who embed it to call their iterator directly.
type scan[I iterator] struct {
	base
	it    I // nil before the first entry, while parked, and once closed.
	ended bool

	// Of one that was parked: where its iterator stood, which it goes on behind;
	// again if that entry is to be given once more.
	at    []byte
	again bool
}

// move goes to the next entry, and tells if there is one.
func (s *scan[I]) move() bool {
	if s.at == nil {
		return s.it.Next()
	}
	at := s.at
	s.at = nil
	ok := s.it.Seek(at)
	if ok && !s.again && bytes.Equal(s.it.Position(), at) {
		ok = s.it.Next()
	}
	return ok
}

// end notes that there is no further entry, and returns what that came of.
func (s *scan[I]) end() error {
	s.ended = true
	if err := s.it.Err(); err != nil {
		return err
	}
	return s.done()
}

// standing tells whether the iterator stands at an entry.
func (s *scan[I]) standing() bool {
	var none I
	return s.it != none && !s.ended
}

// park lets go of the iterator and notes where it stood.
func (s *scan[I]) park(again bool) {
	if s.standing() {
		s.at, s.again = append([]byte{}, s.it.Position()...), again
	}
	s.drop()
}

// Close ends the scan.
func (s *scan[I]) Close() error {
	s.ended = true
	return s.drop()
}

func (s *scan[I]) drop() error {
	var none I
	if s.it == none {
		return nil
	}
	it := s.it
	s.it = none
	return it.Close()
}

// entries are what an index is walked by, be it one of its own or the documents.
type entries interface {
	iterator
	Key() []byte // the fields.
	Long() bool  // the key has lost its end, and says little of the bounds.
}

// rangeScan is a scan within bounds, which jumps from range to range.
type rangeScan[I entries] struct {
	scan[I]
	plan   *plan.IndexScan
	bounds bounds
}

func newRangeScan[I entries](r *run, n *plan.IndexScan) rangeScan[I] {
	return rangeScan[I]{scan: scan[I]{base: r.base(n)}, plan: n, bounds: encodeBounds(n.Index.Fields, n.Bounds, n.Reverse)}
}

// over tells whether there is nothing to look for.
func (s *rangeScan[I]) over() bool { return s.ended || s.bounds.never }

// advance moves the open iterator to the next entry within the bounds; io.EOF after
// the last.
func (s *rangeScan[I]) advance(ctx context.Context) error {
	ok := s.move()
	for ok {
		if s.stats.KeysExamined++; s.stats.KeysExamined%interruptEvery == 0 {
			if err := interrupted(ctx); err != nil {
				return err
			}
		}
		if s.bounds.exact || s.it.Long() {
			return nil
		}
		key := s.it.Key()
		switch s.bounds.judge(key) {
		case within:
			return nil
		case beyond:
			ok = false
		case skipTo:
			s.stats.Passed++
			if s.bounds.ahead(key) {
				s.stats.Seeks++
				ok = s.it.Seek(s.bounds.seek)
			} else {
				ok = s.it.Next()
			}
		case broken:
			return fmt.Errorf("exec: malformed key in index %s of %s", s.plan.Index.Name, s.plan.Coll.NS)
		}
	}
	return s.end()
}
