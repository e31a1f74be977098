package param

import (
	"bytes"
	"strconv"
	"sync/atomic"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Bool is a switch.
type Bool struct {
	named
	value   atomic.Bool
	changed []func(bool) // guarded by the table's mutex.
	table   *table
}

func (t *table) bool(name string, when When, def bool) *Bool {
	p := &Bool{named: named{name, when}, table: t}
	p.value.Store(def)
	t.add(p)
	return p
}

// Get is the present value.
func (p *Bool) Get() bool { return p.value.Load() }

// OnChange has f called with each new value, one call at a time.
func (p *Bool) OnChange(f func(bool)) {
	p.table.mu.Lock()
	defer p.table.mu.Unlock()
	p.changed = append(p.changed, f)
}

// Value is the present value in BSON.
func (p *Bool) Value() bsonx.Value { return bsonx.Bool(p.Get()) }

func (p *Bool) set(v bsonx.Value) error { return p.store(truth(v)) }

func (p *Bool) parse(text string) error {
	b, ok := parseBool(text)
	if !ok {
		return badValue("Value is not a valid boolean")
	}
	return p.store(b)
}

func (p *Bool) store(b bool) error {
	p.value.Store(b)
	for _, f := range p.changed {
		f(b)
	}
	return nil
}

// truth is what mongod makes of a value where it wants a boolean: every value but
// zero, false, null and undefined is true, the string "false" too.
func truth(v bsonx.Value) bool {
	switch v.Type {
	case bsonx.TypeBool:
		return bsonx.AsBool(v)
	case bsonx.TypeDouble:
		return bsonx.AsDouble(v) != 0
	case bsonx.TypeInt32, bsonx.TypeInt64:
		return bytes.ContainsFunc(v.Data, func(r rune) bool { return r != 0 })
	}
	return !bsonx.IsNullish(v)
}

func parseBool(text string) (value, ok bool) {
	switch text {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// fixed is a parameter that is shown and cannot be given another value.
type fixed struct {
	named
	value bsonx.Value
}

func (t *table) shown(name string, when When, v bsonx.Value) {
	t.add(&fixed{named{name, when}, v})
}

func (t *table) fixedInt(name string, when When, k kind, n int64) {
	v := bsonx.Int64(n)
	if k == kindInt {
		v = bsonx.Int32(int32(n))
	}
	t.shown(name, when, v)
}

func (t *table) fixedBool(name string, when When, b bool) { t.shown(name, when, bsonx.Bool(b)) }

func (t *table) fixedDouble(name string, when When, f float64) { t.shown(name, when, bsonx.Double(f)) }

// Value is the value that stands.
func (p *fixed) Value() bsonx.Value { return p.value }

func (p *fixed) set(v bsonx.Value) error {
	same := false
	switch p.value.Type {
	case bsonx.TypeBool:
		same = truth(v) == bsonx.AsBool(p.value)
	case bsonx.TypeInt32, bsonx.TypeInt64:
		want, _ := wholeNumber(p.value)
		got, err := wholeNumber(v)
		same = err == nil && got == want
	default:
		same = v.Equal(p.value)
	}
	if !same {
		return p.refuse()
	}
	return nil
}

func (p *fixed) parse(text string) error {
	switch p.value.Type {
	case bsonx.TypeBool:
		b, ok := parseBool(text)
		if !ok {
			return badValue("Value is not a valid boolean")
		}
		return p.set(bsonx.Bool(b))
	case bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDouble:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return badValue("Did not consume whole string.")
		}
		return p.set(bsonx.Double(f))
	}
	return p.refuse()
}

func (p *fixed) refuse() error { return mongoerr.NotYet("another value for the parameter " + p.name) }

func array() bsonx.Value { return bsonx.ArrayValue(bsonx.Empty) }

func version(v string) bsonx.Value {
	b := bsonx.NewBuilder(nil)
	b.String("version", v)
	return bsonx.DocValue(b.Doc())
}
