package param

import (
	"sync/atomic"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Version is a parameter that is shown as {version: …} and that only a command of
// its own changes.
type Version struct {
	named
	value atomic.Pointer[string]
}

func (t *table) version(name, v string) *Version {
	p := &Version{named: named{name, Never}}
	p.Store(v)
	t.add(p)
	return p
}

// Get is the present version.
func (p *Version) Get() string { return *p.value.Load() }

// Store makes v the present version.
func (p *Version) Store(v string) { p.value.Store(&v) }

// Value is {version: …}.
func (p *Version) Value() bsonx.Value { return version(p.Get()) }

func (p *Version) set(bsonx.Value) error { return mongoerr.NotYet("setting " + p.name) }
func (p *Version) parse(string) error    { return mongoerr.NotYet("setting " + p.name) }
