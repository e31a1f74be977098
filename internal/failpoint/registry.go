package failpoint

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/mongoerr"
)

// The points that the server has.
const (
	FailCommandPoint  = "failCommand"
	PrimaryWritePoint = "onPrimaryTransactionalWrite"
	GetMorePoint      = "failGetMoreAfterCursorCheckout"
)

// Registry is one server's fail points. It is safe for concurrent use.
type Registry struct {
	env    *env.Env
	active atomic.Int32 // how many points are on.

	used atomic.Bool // a point was configured, at some time.

	mu     sync.Mutex // guards what follows; a leaf.
	points map[string]*point
	fired  chan struct{} // closed when a point fires while somebody waits; else nil.
}

// point is one fail point.
type point struct {
	mode    mode
	left    int64   // times to fire, or matches to skip.
	chance  float64 // of firing.
	data    bsonx.Doc
	entered int64 // how often it fired, since the start.
}

type mode uint8

const (
	off mode = iota
	alwaysOn
	times
	skip
	chance
)

// New returns a registry in which all points are off.
func New(e *env.Env) *Registry {
	r := &Registry{env: e, points: map[string]*point{}}
	for _, name := range []string{FailCommandPoint, PrimaryWritePoint, GetMorePoint} {
		r.points[name] = &point{data: bsonx.Empty}
	}
	return r
}

// Idle says that no point can fire, without looking at each: none was ever configured.
func (r *Registry) Idle() bool { return !r.used.Load() }

// Configure does what the command configureFailPoint does: mode and data are its
// fields, missing or not. It returns how often the point has fired so far.
func (r *Registry) Configure(name string, modeField, data bsonx.Value) (count int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.points[name]
	if !ok {
		return 0, notFound(name)
	}
	next, err := parseMode(modeField)
	if err != nil {
		return 0, err
	}
	r.used.Store(true)
	switch {
	case bsonx.IsMissing(data):
		next.data = bsonx.Empty
	case data.Type == bsonx.TypeDocument:
		next.data = append(bsonx.Doc(nil), bsonx.AsDoc(data)...)
	default:
		return 0, mongoerr.New(mongoerr.TypeMismatch, "the 'data' option must be a JSON object")
	}
	r.active.Add(on(next.mode) - on(p.mode))
	next.entered = p.entered
	*p = next
	return p.entered, nil
}

func on(m mode) int32 {
	if m == off {
		return 0
	}
	return 1
}

func notFound(name string) error {
	return mongoerr.Newf(mongoerr.FailPointSetFailed, "%s not found", name)
}

// Eval asks whether a point fires now. A point that is on asks match, under the
// registry's lock, whether the operation is meant; nil means that any is. data is
// the configuration that it fired with, to be kept but not changed.
func (r *Registry) Eval(name string, match func(data bsonx.Doc) bool) (data bsonx.Doc, fired bool) {
	if r.active.Load() == 0 {
		return nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.points[name]
	if !ok || p.mode == off || match != nil && !match(p.data) || !r.fires(p) {
		return nil, false
	}
	p.entered++
	if r.fired != nil {
		close(r.fired)
		r.fired = nil
	}
	return p.data, true
}

// fires counts one match of a point that is on.
func (r *Registry) fires(p *point) bool {
	switch p.mode {
	case times:
		if p.left--; p.left <= 0 {
			p.mode = off
			r.active.Add(-1)
		}
	case skip:
		if p.left > 0 {
			p.left--
			return false
		}
	case chance:
		return r.env.Float64() < p.chance
	}
	return true
}

// Wait returns when a point has fired timesEntered times since the start, or
// with the cause of ctx's end.
func (r *Registry) Wait(ctx context.Context, name string, timesEntered int64) error {
	for {
		r.mu.Lock()
		p, ok := r.points[name]
		if !ok || p.entered >= timesEntered {
			r.mu.Unlock()
			if !ok {
				return notFound(name)
			}
			return nil
		}
		if r.fired == nil {
			r.fired = make(chan struct{})
		}
		fired := r.fired
		r.mu.Unlock()
		select {
		case <-fired:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lookEvery is how often Outlast asks whether its point is still on.
const lookEvery = 100 * time.Millisecond

// Outlast returns when a point is off, or with the cause of ctx's end. It asks now and
// then, as MongoDB does, since asking uses up the times of a point that fires a
// number of times; of all that only the first counts as fired.
func (r *Registry) Outlast(ctx context.Context, name string) error {
	_, fired := r.Eval(name, nil)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for fired {
		select {
		case <-look.C:
			fired = r.stillOn(name)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (r *Registry) stillOn(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.points[name]
	return ok && p.mode != off && r.fires(p)
}
