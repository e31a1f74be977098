package exec

import (
	"context"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
)

// count is $count.
type count struct {
	base
	field string
	ended bool
}

// Next gives the one document with the number, or none if that is zero.
func (c *count) Next(ctx context.Context) (bsonx.Doc, error) {
	if c.ended {
		return nil, c.done()
	}
	c.ended = true
	n := int64(0)
	for {
		_, err := c.next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		n++
	}
	if n == 0 {
		return nil, c.done()
	}
	b := bsonx.NewBuilder(nil)
	appendInt(b, c.field, n)
	return c.gave(b.Doc())
}

// appendInt appends an int32 if n fits, else an int64.
func appendInt(b *bsonx.Builder, key string, n int64) {
	if n == int64(int32(n)) {
		b.Int32(key, int32(n))
		return
	}
	b.Int64(key, n)
}
