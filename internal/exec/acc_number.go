package exec

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

// counter is $count.
type counter struct{ n int64 }

func (c *counter) add(bsonx.Doc, bsonx.Value) (int64, error) { c.n++; return 0, nil }

func (c *counter) result(*expr.Context) bsonx.Value {
	if c.n == int64(int32(c.n)) {
		return bsonx.Int32(int32(c.n))
	}
	return bsonx.Int64(c.n)
}

// sum is $sum.
type sum struct{ expr.Sum }

func (s *sum) add(_ bsonx.Doc, v bsonx.Value) (int64, error) { s.Add(v); return 0, nil }
func (s *sum) result(c *expr.Context) bsonx.Value            { return s.Value(c) }

// mean is $avg.
type mean struct{ expr.Mean }

func (m *mean) add(_ bsonx.Doc, v bsonx.Value) (int64, error) { m.Add(v); return 0, nil }
func (m *mean) result(c *expr.Context) bsonx.Value            { return m.Value(c) }

// deviation is $stdDevPop and $stdDevSamp.
type deviation struct {
	expr.Deviation
	sample bool
}

func (d *deviation) add(_ bsonx.Doc, v bsonx.Value) (int64, error) { d.Add(v); return 0, nil }
func (d *deviation) result(c *expr.Context) bsonx.Value            { return d.Value(c, d.sample) }
