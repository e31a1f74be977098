package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"

	"github.com/pandodb/pando/internal/bsonx"
)

// domain is the numbers that a function takes: from lo to hi, but for infinities
// where it has no least one.
type domain struct {
	lo, hi float64
	text   string // in messages.
}

func (d domain) holds(f float64) bool {
	if math.IsInf(d.lo, -1) {
		return !math.IsInf(f, 0)
	}
	return !(f < d.lo || f > d.hi) // NaN is everywhere.
}

// bounded is a trigonometric function that takes the numbers of a domain.
func bounded(name string, double func(float64) float64, in domain) function {
	return function{
		double: double,
		check: func(f float64) error {
			if !in.holds(f) {
				return fail(50989, "cannot apply %s to %s, value must be in %s", name, shortDouble(f), in.text)
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
	finite := domain{math.Inf(-1), math.Inf(1), "(-inf,inf)"}
	unit := domain{-1, 1, "[-1,1]"}
	switch name {
	case "$sin":
		return mathFunc(bounded(name, math.Sin, finite))
	case "$cos":
		return mathFunc(bounded(name, math.Cos, finite))
	case "$tan":
		return mathFunc(bounded(name, math.Tan, finite))
	case "$asin":
		return mathFunc(bounded(name, math.Asin, unit))
	case "$acos":
		return mathFunc(bounded(name, math.Acos, unit))
	case "$atanh":
		return mathFunc(bounded(name, math.Atanh, unit))
	case "$acosh":
		return mathFunc(bounded(name, math.Acosh, domain{1, math.Inf(1), "[1,inf]"}))
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
		return ofTwo(evalAtan2)
	}
	return nil
}

func evalAtan2(c *Context, _ *call, a, b bsonx.Value) (bsonx.Value, error) {
	switch {
	case !bsonx.IsNumber(a):
		return a, fail(51044, "$atan2 only supports numeric types, not %s", nameOf(a))
	case !bsonx.IsNumber(b):
		return a, fail(51045, "$atan2 only supports numeric types, not %s", nameOf(b))
	}
	r := math.Atan2(asDouble(a), asDouble(b))
	if promoted(a, b) == ofDecimal {
		return c.decimalValue(decimalFromDoubleExact(r)), nil
	}
	return c.doubleValue(r), nil
}
