package param

import (
	"errors"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/bsonx"
)

// kind is the BSON type that an Int shows, and its manner of complaining.
type kind uint8

const (
	kindInt kind = iota
	kindLong
	kindLogLevel
)

// Int is a whole number.
type Int struct {
	named
	kind     kind
	min, max int64
	value    atomic.Int64
	changed  []func(int64) // guarded by the table's mutex.
	table    *table
}

func (t *table) int(name string, when When, k kind, def, min, max int64) *Int {
	p := &Int{named: named{name, when}, kind: k, min: min, max: max, table: t}
	p.value.Store(def)
	t.add(p)
	return p
}

// Get is the present value.
func (p *Int) Get() int64 { return p.value.Load() }

// Millis is the present value of a parameter in milliseconds.
func (p *Int) Millis() time.Duration { return scale(p.Get(), time.Millisecond) }

// Seconds is the present value of a parameter in seconds.
func (p *Int) Seconds() time.Duration { return scale(p.Get(), time.Second) }

// Minutes is the present value of a parameter in minutes.
func (p *Int) Minutes() time.Duration { return scale(p.Get(), time.Minute) }

// scale multiplies and stops at the longest duration.
func scale(n int64, unit time.Duration) time.Duration {
	switch limit := int64(math.MaxInt64 / unit); {
	case n > limit:
		return math.MaxInt64
	case n < -limit:
		return math.MinInt64
	}
	return time.Duration(n) * unit
}

// OnChange has f called with each new value, one call at a time. f must not set
// parameters.
func (p *Int) OnChange(f func(int64)) {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	p.changed = append(p.changed, f)
}

// Value is the present value in BSON.
func (p *Int) Value() bsonx.Value {
	if p.kind == kindLong {
		return bsonx.Int64(p.Get())
	}
	return bsonx.Int32(int32(p.Get()))
}

func (p *Int) set(v bsonx.Value) error {
	if p.kind == kindLogLevel && (!bsonx.IsNumber(v) && v.Type != bsonx.TypeBool) {
		return badValue("Invalid value for logLevel: logLevel: %s", v)
	}
	n, err := wholeNumber(v)
	if err == nil && p.kind != kindLong && int64(int32(n)) != n {
		err = errOutOfBounds
	}
	if err != nil {
		return badValue("Failed validating %s: %v", p.name, err)
	}
	return p.store(n)
}

func (p *Int) parse(text string) error {
	bits := 64
	if p.kind != kindLong {
		bits = 32
	}
	n, err := strconv.ParseInt(text, 0, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return badValue("Overflow")
	case err != nil && text == "":
		return badValue("Empty string")
	case err != nil:
		return badValue("Did not consume whole string.")
	}
	return p.store(n)
}

func (p *Int) store(n int64) error {
	switch {
	case p.kind == kindLogLevel && n < p.min:
		return badValue("Invalid value for logLevel: logLevel: %d", n)
	case n < p.min:
		return badValue("Invalid value for parameter %s: %d is not greater than or equal to %d", p.name, n, p.min)
	case n > p.max:
		return badValue("Invalid value for parameter %s: %d is not less than or equal to %d", p.name, n, p.max)
	}
	p.value.Store(n)
	for _, f := range p.changed {
		f(n)
	}
	return nil
}

var (
	errOutOfBounds = errors.New("Out of bounds coercing to integral value")
	errNotWhole    = errors.New("Unable to coerce value to integral type")
)

// wholeNumber coerces as mongod does: fractions are cut off and booleans count.
func wholeNumber(v bsonx.Value) (int64, error) {
	switch v.Type {
	case bsonx.TypeInt32:
		return int64(bsonx.AsInt32(v)), nil
	case bsonx.TypeInt64:
		return bsonx.AsInt64(v), nil
	case bsonx.TypeBool:
		if bsonx.AsBool(v) {
			return 1, nil
		}
		return 0, nil
	case bsonx.TypeDouble:
		return fromFloat(bsonx.AsDouble(v))
	case bsonx.TypeDecimal:
		f, err := strconv.ParseFloat(bson.NewDecimal128(v.Decimal128()).String(), 64)
		if err != nil {
			return 0, errOutOfBounds
		}
		return fromFloat(f)
	}
	return 0, errNotWhole
}

func fromFloat(f float64) (int64, error) {
	if !(f >= math.MinInt64 && f < math.MaxInt64) { // NaN as well.
		return 0, errOutOfBounds
	}
	return int64(f), nil
}
