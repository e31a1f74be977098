package exec

import (
	"context"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
)

// skip drops the first n.
type skip struct {
	base
	n int64 // still to be dropped.
}

// Next gives the next document behind the first n.
func (s *skip) Next(ctx context.Context) (bsonx.Doc, error) {
	for {
		doc, err := s.next(ctx)
		if err != nil {
			s.stats.EOF = true
			return nil, err
		}
		if s.n == 0 {
			return s.gave(doc)
		}
		s.n--
		s.stats.Passed++
	}
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
