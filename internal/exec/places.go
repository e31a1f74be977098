package exec

import (
	"context"
	"fmt"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/plan"
)

// place is where a document is. What it holds is borrowed until the following
// call of whoever gave it.
type place struct {
	id   []byte    // the encoded _id.
	doc  bsonx.Doc // the document itself, if it was at hand.
	long bool      // the bounds said little of it: the whole filter must be checked.
}

// places is an operator below a Fetch.
type places interface {
	next(ctx context.Context) (place, error) // io.EOF after the last.
	Close() error
}

// openPlaces makes the operator of a node that gives places. docs says that
// documents at hand are wanted.
func (r *run) openPlaces(node plan.Node, docs bool) (places, error) {
	switch n := node.(type) {
	case *plan.IndexScan:
		if n.Index.ID == 0 {
			return r.idScan(n, docs), nil
		}
		return r.indexScan(n), nil
	case *plan.Or:
		u := &unionOf{base: r.base(n), seen: map[string]struct{}{}}
		for _, branch := range n.Branches {
			p, err := r.openPlaces(branch, docs)
			if err != nil {
				return nil, err
			}
			u.branches = append(u.branches, p)
		}
		return u, nil
	case *plan.Skip:
		in, err := r.openPlaces(n.Input, docs)
		return &skipPlaces{base: r.base(n), in: in, n: n.N}, err
	}
	return nil, fmt.Errorf("exec: no places from %T", node)
}

// isLong tells whether an encoded _id ends in a hash.
func isLong(id []byte) bool { return len(id) >= keyenc.BoundBytes }

// unionOf gives the places of all branches, one branch after the other, each place once.
type unionOf struct {
	base
	branches []places
	at       int
	seen     map[string]struct{}
}

func (u *unionOf) next(ctx context.Context) (place, error) {
	for u.at < len(u.branches) {
		p, err := u.branches[u.at].next(ctx)
		if err == io.EOF {
			u.at++
			continue
		}
		if err != nil {
			return p, err
		}
		u.stats.DupsTested++
		if _, twice := u.seen[string(p.id)]; twice {
			u.stats.DupsDropped++
			u.stats.Passed++
			continue
		}
		u.seen[string(p.id)] = struct{}{}
		u.stats.Returned++
		return p, nil
	}
	return place{}, u.done()
}

// Close closes the branches.
func (u *unionOf) Close() error {
	var first error
	for _, b := range u.branches {
		if err := b.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// skipPlaces is a skip below the fetch: what is skipped is never read.
type skipPlaces struct {
	base
	in places
	n  int64
}

func (s *skipPlaces) next(ctx context.Context) (place, error) {
	for {
		p, err := s.in.next(ctx)
		if err != nil {
			s.stats.EOF = err == io.EOF
			return p, err
		}
		if s.n == 0 {
			s.stats.Returned++
			return p, nil
		}
		s.n--
		s.stats.Passed++
	}
}

// Close closes the input.
func (s *skipPlaces) Close() error   { return s.in.Close() }
func (s *skipPlaces) places() places { return s.in }
