package exec

import (
	"bytes"
	"context"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

// facet runs several pipelines over its input, which it holds in memory, and gives
// one document with an array for each.
type facet struct {
	base
	stage    *plan.Facet
	branches []Operator
	tees     []*tee
	ended    bool
}

// tee is the input of one branch.
type tee struct {
	base
	docs [][]byte
}

// Next gives the next document of the facet's input.
func (t *tee) Next(context.Context) (bsonx.Doc, error) {
	if len(t.docs) == 0 {
		return nil, t.done()
	}
	doc := t.docs[0]
	t.docs = t.docs[1:]
	return t.gave(doc)
}

func (r *run) facet(ctx context.Context, n *plan.Branches) (Operator, error) {
	in, err := r.open(ctx, n.Input)
	if err != nil {
		return nil, err
	}
	f := &facet{base: r.base(n, in), stage: n.Stage}
	for _, branch := range n.Branches {
		inner := *r
		inner.tee = &tee{}
		inner.tee.base = inner.base(&plan.Tee{})
		op, err := inner.open(ctx, branch)
		if err != nil {
			f.Close()
			return nil, err
		}
		f.tees = append(f.tees, inner.tee)
		f.branches = append(f.branches, op)
	}
	return f, nil
}

// Next gives the one document.
func (f *facet) Next(ctx context.Context) (bsonx.Doc, error) {
	if f.ended {
		return nil, f.done()
	}
	f.ended = true
	docs, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	b := bsonx.NewBuilder(nil)
	for i, op := range f.branches {
		f.tees[i].docs = docs
		b.OpenArray(f.stage.Names[i])
		if err := drainInto(ctx, b, op); err != nil {
			return nil, err
		}
		b.Close()
		if int64(b.Size()) > f.run.MemoryBytesMax {
			return nil, fail(mongoerr.Code(4031700), "document constructed by $facet is %d bytes, which exceeds the limit of %d bytes", b.Size(), f.run.MemoryBytesMax)
		}
	}
	return f.gave(b.Doc())
}

func (f *facet) read(ctx context.Context) (docs [][]byte, err error) {
	for {
		doc, err := f.next(ctx)
		if err == io.EOF {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		if f.stats.BytesHeld += int64(len(doc)); f.stats.BytesHeld > f.run.MemoryBytesMax {
			return nil, fail(mongoerr.QueryExceededMemoryLimitNoDiskUseAllowed, "Exceeded memory limit for $facet of %d bytes", f.run.MemoryBytesMax)
		}
		docs = append(docs, bytes.Clone(doc))
	}
}

// drainInto appends all documents to the array that is open in b.
func drainInto(ctx context.Context, b *bsonx.Builder, op Operator) error {
	for i := 0; ; i++ {
		doc, err := op.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		b.EmbedDoc(bsonx.Index(i), doc)
	}
}

// Close closes the input and the branches.
func (f *facet) Close() error {
	first := f.base.Close()
	for _, op := range f.branches {
		if err := op.Close(); err != nil && first == nil {
			first = err
		}
	}
	f.branches = nil
	return first
}

// sample holds a random choice of its input.
type sample struct {
	base
	size int64
	held [][]byte
	read bool
}

// Next gives the next document of the choice.
func (s *sample) Next(ctx context.Context) (bsonx.Doc, error) {
	if !s.read {
		if err := s.fill(ctx); err != nil {
			return nil, err
		}
		s.read = true
	}
	if len(s.held) == 0 {
		return nil, s.done()
	}
	doc := s.held[0]
	s.held = s.held[1:]
	return s.gave(doc)
}

// fill keeps each document with the same chance (reservoir sampling), in random order.
func (s *sample) fill(ctx context.Context) error {
	for n := int64(0); ; n++ {
		doc, err := s.next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if n < s.size {
			s.held = append(s.held, bytes.Clone(doc))
			s.stats.BytesHeld += int64(len(doc))
		} else if at := s.dice(n + 1); at < s.size {
			s.stats.BytesHeld += int64(len(doc) - len(s.held[at]))
			s.held[at] = append(s.held[at][:0], doc...)
		}
		if s.stats.BytesHeld > s.run.MemoryBytesMax {
			return fail(mongoerr.QueryExceededMemoryLimitNoDiskUseAllowed,
				"Sort exceeded memory limit of %d bytes, but did not opt in to external sorting.", s.run.MemoryBytesMax)
		}
	}
	for i := len(s.held) - 1; i > 0; i-- {
		j := s.dice(int64(i + 1))
		s.held[i], s.held[j] = s.held[j], s.held[i]
	}
	return nil
}

// dice is a number in [0, n).
func (s *sample) dice(n int64) int64 {
	if s.run.Rand == nil {
		return 0
	}
	return min(int64(s.run.Rand()*float64(n)), n-1)
}
