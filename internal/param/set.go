package param

import (
	"cmp"
	"iter"
	"slices"
	"sync"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// When says when a parameter may be set.
type When uint8

// The times of setting.
const (
	Never   When = 0
	Startup When = 1
	Anytime When = 3 // at startup and at run time.

	atRuntime When = 2
)

// AtStartup tells whether --setParameter may set it.
func (w When) AtStartup() bool { return w&Startup != 0 }

// AtRuntime tells whether the setParameter command may set it.
func (w When) AtRuntime() bool { return w&atRuntime != 0 }

// Param is one parameter as the commands see it.
type Param interface {
	Name() string
	When() When
	Value() bsonx.Value // in fresh bytes.
	set(v bsonx.Value) error
	parse(text string) error
}

// table finds parameters by name.
type table struct {
	mu      sync.Mutex // guards setting and the hooks that run then; a leaf but for what the hooks take.
	ordered []Param    // by name; not changed after New.
}

func (t *table) add(p Param) { t.ordered = append(t.ordered, p) }

func (t *table) sort() {
	slices.SortFunc(t.ordered, func(a, b Param) int { return cmp.Compare(a.Name(), b.Name()) })
}

// Lookup finds a parameter by its exact name.
func (t *table) Lookup(name string) (Param, bool) {
	i, ok := slices.BinarySearchFunc(t.ordered, name, func(p Param, name string) int { return cmp.Compare(p.Name(), name) })
	if !ok {
		return nil, false
	}
	return t.ordered[i], true
}

// Get returns a parameter's value.
func (t *table) Get(name string) (bsonx.Value, bool) {
	p, ok := t.Lookup(name)
	if !ok {
		return bsonx.Missing, false
	}
	return p.Value(), true
}

// All ranges over the parameters, by name.
func (t *table) All() iter.Seq[Param] { return slices.Values(t.ordered) }

// Settable tells why a parameter cannot be set at run time; nil if it can.
// setParameter asks this of all names before it sets the first one.
func (t *table) Settable(name string) error {
	p, ok := t.Lookup(name)
	if !ok {
		return mongoerr.Newf(mongoerr.InvalidOptions, "attempted to set unrecognized parameter [%s], use help:true to see options ", name)
	}
	if !p.When().AtRuntime() {
		return mongoerr.Newf(mongoerr.IllegalOperation, "not allowed to change [%s] at runtime", name)
	}
	return nil
}

// SetRuntime sets a parameter as the setParameter command does, and returns what it was.
func (t *table) SetRuntime(name string, v bsonx.Value) (was bsonx.Value, err error) {
	if err := t.Settable(name); err != nil {
		return bsonx.Missing, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p, _ := t.Lookup(name)
	was = p.Value()
	return was, p.set(v)
}

// SetStartup sets a parameter from the text of --setParameter or of the
// configuration file. Only the program's beginning calls it.
func (t *table) SetStartup(name, text string) error {
	p, ok := t.Lookup(name)
	if !ok {
		return mongoerr.Newf(mongoerr.BadValue, "Unknown --setParameter '%s'%s", name, t.suggest(name))
	}
	if !p.When().AtStartup() {
		return mongoerr.Newf(mongoerr.BadValue, "Cannot use --setParameter to set %q at startup", name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := p.parse(text); err != nil {
		e := mongoerr.From(err)
		return mongoerr.Newf(e.Code, "Bad value for parameter %q: %s", name, e.Msg)
	}
	return nil
}

// named is what all parameters have.
type named struct {
	name string
	when When
}

// Name is the parameter's name, in mongod's spelling.
func (n named) Name() string { return n.name }

// When says when the parameter may be set.
func (n named) When() When { return n.when }

func badValue(format string, args ...any) error {
	return mongoerr.Newf(mongoerr.BadValue, format, args...)
}
