package exec

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
)

// limit ends after n.
type limit struct {
	base
	n int64 // still to be given.
}

// Next gives the next document of the first n.
func (l *limit) Next(ctx context.Context) (bsonx.Doc, error) {
	if l.n == 0 {
		return nil, l.done()
	}
	doc, err := l.next(ctx)
	if err != nil {
		l.stats.EOF = true
		return nil, err
	}
	l.n--
	return l.gave(doc)
}
