package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
)

// bounded is a trigonometric function that takes numbers between two bounds.
func bounded(name string, double func(float64) float64, lo, hi float64, inside string) function {
	return function{
		double: double,
		check: func(f float64) error {
			open := math.IsInf(lo, -1)
			if !open && (f < lo || f > hi) || open && math.IsInf(f, 0) {
				return fail(50989, "cannot apply %s to %s, value must be in %s", name, shortDouble(f), inside)
			}
			return nil
		},
	}
}

// scaled multiplies by a constant, given as a double and as a decimal.
func scaled(by float64, decimal string) function {
	return function{
		double: func(f float64) float64 { return f * by },
		decimal: func(r, d *apd.Decimal) {
			factor, _, _ := apd.NewFromString(decimal)
			decimals().Mul(r, d, factor)
		},
	}
}

// anyNumber is a function without bounds.
func anyNumber(double func(float64) float64) function { return function{double: double} }

func trigonometry(name string) builder {
	inf := math.Inf(1)
	const open, unit = "(-inf,inf)", "[-1,1]"
	switch name {
	case "$sin":
		return mathFunc(bounded(name, math.Sin, -inf, inf, open))
	case "$cos":
		return mathFunc(bounded(name, math.Cos, -inf, inf, open))
	case "$tan":
		return mathFunc(bounded(name, math.Tan, -inf, inf, open))
	case "$asin":
		return mathFunc(bounded(name, math.Asin, -1, 1, unit))
	case "$acos":
		return mathFunc(bounded(name, math.Acos, -1, 1, unit))
	case "$atanh":
		return mathFunc(bounded(name, math.Atanh, -1, 1, unit))
	case "$acosh":
		return mathFunc(bounded(name, math.Acosh, 1, inf, "[1,inf]"))
	case "$atan":
		return mathFunc(anyNumber(math.Atan))
	case "$asinh":
		return mathFunc(anyNumber(math.Asinh))
	case "$sinh":
		return mathFunc(anyNumber(math.Sinh))
	case "$cosh":
		return mathFunc(anyNumber(math.Cosh))
	case "$tanh":
		return mathFunc(anyNumber(math.Tanh))
	case "$sigmoid":
		return mathFunc(anyNumber(func(f float64) float64 { return 1 / (1 + math.Exp(-f)) }))
	case "$degreesToRadians":
		return mathFunc(scaled(math.Pi/180, "0.01745329251994329576923690768488612713"))
	case "$radiansToDegrees":
		return mathFunc(scaled(180/math.Pi, "57.29577951308232087679815481410517033"))
	case "$atan2":
		return exactly(2, evalAtan2)
	}
	return nil
}

func evalAtan2(c *Context, x *call) (bsonx.Value, error) {
	a, b, err := x.two(c)
	switch {
	case err != nil:
		return a, err
	case bsonx.IsNullish(a) || bsonx.IsNullish(b):
		return bsonx.Null, nil
	case rank(a) == 0:
		return a, fail(51044, "$atan2 only supports numeric types, not %s", nameOf(a))
	case rank(b) == 0:
		return a, fail(51045, "$atan2 only supports numeric types, not %s", nameOf(b))
	}
	r := math.Atan2(asDouble(a), asDouble(b))
	if rank(a) == 4 || rank(b) == 4 {
		return c.decimalValue(decimalFromDoubleExact(r)), nil
	}
	return c.doubleValue(r), nil
}
