package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
)

// Sum adds numbers as $sum does: integers exactly, doubles with compensation
// for what rounding loses, decimals apart; the result has the widest type that
// was added. The zero Sum is an int32 zero.
type Sum struct {
	hi, lo  float64 // the sum of everything but decimals is hi + lo; hi is the nearest double.
	plain   float64 // the uncompensated sum, for infinities and NaN.
	decimal *apd.Decimal
	rank    rank // the widest of what was added.
}

// Add takes one more value into the sum. What is no number is ignored.
func (s *Sum) Add(v bsonx.Value) {
	r := rankOf(v)
	if r == 0 {
		return
	}
	s.rank = max(s.rank, r)
	switch v.Type {
	case bsonx.TypeInt32:
		s.addDouble(float64(bsonx.AsInt32(v)))
	case bsonx.TypeInt64:
		n := bsonx.AsInt64(v)
		low := n & math.MaxUint32
		s.addDouble(float64(n - low)) // each half is exact as a double.
		s.addDouble(float64(low))
	case bsonx.TypeDouble:
		s.addDouble(bsonx.AsDouble(v))
	case bsonx.TypeDecimal:
		if s.decimal == nil {
			s.decimal = new(apd.Decimal)
		}
		decimals().Add(s.decimal, s.decimal, decimalOf(v))
	}
}

// addDouble repeats the reference server's steps exactly, so that sums agree to
// the last bit.
func (s *Sum) addDouble(f float64) {
	s.plain += f
	f, lo := twoSum(f, s.lo)
	s.hi, f = twoSum(s.hi, f)
	s.lo = lo + f
}

// twoSum is a + b, and what its rounding lost.
func twoSum(a, b float64) (sum, lost float64) {
	sum = a + b
	back := sum - a
	return sum, (a - (sum - back)) + (b - back)
}

// Double is the sum as a double.
func (s *Sum) Double() float64 {
	if math.IsNaN(s.plain) || math.IsInf(s.plain, 0) {
		return s.plain
	}
	return s.hi
}

// dec is the sum as a decimal.
func (s *Sum) dec() *apd.Decimal {
	r := new(apd.Decimal)
	if f := s.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
		r = decimalFromDouble(f)
	} else {
		ctx := decimals()
		ctx.Add(r, decimalFromDoubleExact(s.hi), decimalFromDoubleExact(s.lo))
	}
	if s.decimal != nil {
		decimals().Add(r, r, s.decimal)
	}
	return r
}

// int64 is the sum if it is within int64.
func (s *Sum) int64() (int64, bool) {
	// The parts are integers below 2^106, whose sum may be within although hi is not.
	hi, lo := s.hi, s.lo
	if math.Abs(hi) > 1<<63 || math.Abs(lo) > 1<<62 {
		return 0, false
	}
	if hi == 1<<63 {
		if lo >= 0 {
			return 0, false
		}
		return math.MaxInt64 + (int64(lo) + 1), true
	}
	return addInt64(int64(hi), int64(lo))
}

// Value is the sum; c owns its bytes, or the heap if c is nil.
func (s *Sum) Value(c *Context) bsonx.Value {
	switch s.rank {
	case ofDecimal:
		return c.decimalValue(s.dec())
	case ofDouble:
		return c.doubleValue(s.Double())
	}
	n, ok := s.int64()
	switch {
	case !ok:
		return c.doubleValue(s.Double())
	case s.rank == ofInt64:
		return c.int64Value(n)
	}
	return c.intValue(n)
}

// Mean is $avg: the mean of the numbers, null of none.
type Mean struct {
	sum   Sum
	count int64
}

// Add takes one more value into the mean. What is no number is ignored.
func (m *Mean) Add(v bsonx.Value) {
	if bsonx.IsNumber(v) {
		m.sum.Add(v)
		m.count++
	}
}

// Value is the mean so far, a double or a decimal.
func (m *Mean) Value(c *Context) bsonx.Value {
	switch {
	case m.count == 0:
		return bsonx.Null
	case m.sum.rank == 4:
		return c.divideDecimals(m.sum.dec(), apd.New(m.count, 0))
	}
	return c.doubleValue(m.sum.Double() / float64(m.count))
}

// Deviation is $stdDevPop and $stdDevSamp, in one pass.
type Deviation struct {
	count    int64
	mean, m2 float64
}

// Add takes one more value in. What is no number is ignored.
func (d *Deviation) Add(v bsonx.Value) {
	if !bsonx.IsNumber(v) {
		return
	}
	f := asDouble(v)
	d.count++
	delta := f - d.mean
	d.mean += delta / float64(d.count)
	d.m2 += delta * (f - d.mean)
}

// Value is the deviation of the whole population, or of it as a sample; null of
// too few numbers.
func (d *Deviation) Value(c *Context, sample bool) bsonx.Value {
	n := d.count
	if sample {
		n--
	}
	if n <= 0 {
		return bsonx.Null
	}
	return c.doubleValue(math.Sqrt(d.m2 / float64(n)))
}

// over calls f with what an accumulator in an expression works on: the elements
// of the array that is its only operand's value, else the operands' values.
func (x *call) over(c *Context, f func(bsonx.Value)) error {
	return x.overUntil(c, func(v bsonx.Value) error {
		f(v)
		return nil
	})
}

// overUntil is over that ends at the first failure.
func (x *call) overUntil(c *Context, f func(bsonx.Value) error) error {
	for _, e := range x.args {
		v, err := e.Eval(c)
		if err != nil {
			return err
		}
		if len(x.args) == 1 && v.Type == bsonx.TypeArray {
			for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
				if err := f(it.Value()); err != nil {
					return err
				}
			}
			return nil
		}
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}

func evalSum(c *Context, x *call) (bsonx.Value, error) {
	var s Sum
	err := x.over(c, s.Add)
	return s.Value(c), err
}

func evalAvg(c *Context, x *call) (bsonx.Value, error) {
	var m Mean
	err := x.over(c, m.Add)
	return m.Value(c), err
}

func evalStdDevPop(c *Context, x *call) (bsonx.Value, error) {
	var d Deviation
	err := x.over(c, d.Add)
	return d.Value(c, false), err
}

func evalStdDevSamp(c *Context, x *call) (bsonx.Value, error) {
	var d Deviation
	err := x.over(c, d.Add)
	return d.Value(c, true), err
}

// evalExtreme is $min (-1) and $max (1): nulls do not count.
func evalExtreme(sign int) evalFunc {
	return func(c *Context, x *call) (bsonx.Value, error) {
		best := bsonx.Null
		err := x.over(c, func(v bsonx.Value) {
			if !bsonx.IsNullish(v) && (best.Type == bsonx.TypeNull || bsonx.Compare(v, best)*sign > 0) {
				best = v
			}
		})
		return best, err
	}
}
