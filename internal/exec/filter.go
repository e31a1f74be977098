package exec

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
)

// filter passes on the documents that match.
type filter struct {
	base
	check check
}

// Next gives the next document that matches.
func (f *filter) Next(ctx context.Context) (bsonx.Doc, error) {
	for {
		doc, err := f.next(ctx) // the scan below minds ctx; a filter need not.
		if err != nil {
			f.stats.EOF = true
			return nil, err
		}
		ok, err := f.check.matches(doc)
		if err != nil {
			return nil, err
		}
		if ok {
			return f.gave(doc)
		}
		f.stats.Passed++
	}
}
