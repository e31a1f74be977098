package lock

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// request is what an owner asks for.
type request struct {
	name   Name
	mode   mode
	wait   time.Duration // or Forever.
	yields bool          // it is the one to be refused where nobody could go on.
}

// waiter is one place in an entry's queue.
type waiter struct {
	request
	owner *Owner
	note  string // the owner's when it began to wait.
	entry *entry
	done  chan struct{} // closed when the wait is over.
	err   error         // why it was in vain; fixed when done is closed.
}

// errWaited is what ends a wait that has a bound.
var errWaited = errors.New("lock: waited long enough")

// acquire gives o a name, unless it holds it.
func (o *Owner) acquire(ctx context.Context, r request) error {
	if o.has(r.name) {
		return nil
	}
	w := o.ask(r)
	if w == nil {
		return nil
	}
	if r.wait == 0 {
		o.table.abandon(w, w.timeout())
		<-w.done
		return w.err
	}
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if r.wait != Forever {
		bounded, cancel = context.WithTimeoutCause(ctx, r.wait, errWaited)
	}
	defer cancel()
	select {
	case <-w.done:
	case <-bounded.Done():
		err := ctx.Err()
		if err == nil {
			err = w.timeout()
		}
		o.table.abandon(w, err)
		<-w.done
	}
	return w.err
}

func (w *waiter) timeout() error { return &Timeout{Name: w.name, Wait: w.wait} }

// ask takes the name if it is free, and else a place in its queue.
func (o *Owner) ask(r request) *waiter {
	t := o.table
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entry(r.name)
	if len(e.queue) == 0 && e.grants(o, r.mode) {
		t.hold(e, o, r.mode)
		return nil
	}
	r.name = e.name
	w := &waiter{request: r, owner: o, note: o.Note, entry: e, done: make(chan struct{})}
	e.queue = append(e.queue, w)
	o.waiting = w
	t.waiting[w] = struct{}{}
	if r.mode == exclusive {
		t.changes.Add(1)
	}
	for { // a change may close several circles at once.
		v := victim(w)
		if v == nil {
			return w
		}
		t.refuse(v, v.timeout())
	}
}

// leave takes w out of its queue.
func (t *Table) leave(w *waiter) {
	w.entry.queue = slices.DeleteFunc(w.entry.queue, func(other *waiter) bool { return other == w })
	w.owner.waiting = nil
	delete(t.waiting, w)
	if w.mode == exclusive {
		t.changes.Add(-1)
	}
}

// refuse ends a wait with err; those behind may have waited for it alone.
func (t *Table) refuse(w *waiter, err error) {
	t.leave(w)
	w.err = err
	close(w.done)
	t.advance(w.entry)
}

// abandon is refuse, unless the wait is over already.
func (t *Table) abandon(w *waiter, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, waits := t.waiting[w]; waits {
		t.refuse(w, err)
	}
}

// victim returns whose wait must be refused so that w's can end: its own if it
// yields, else that of another who does; nil if w is on no circle. Names are few, so
// all paths are walked.
func victim(w *waiter) *waiter {
	if w.owner.waiting != w {
		return nil // it has what it waited for, or was refused itself.
	}
	seen := map[*Owner]bool{}
	var walk func(from *waiter) (circle bool, v *waiter)
	walk = func(from *waiter) (circle bool, v *waiter) {
		for o := range from.blockers() {
			switch {
			case o == w.owner:
				circle = true
			case !seen[o] && o.waiting != nil:
				seen[o] = true
				circle, v = walk(o.waiting)
			}
			if circle {
				if v == nil && from.yields {
					v = from
				}
				return true, v
			}
		}
		return false, nil
	}
	circle, v := walk(w)
	if circle && w.yields {
		return w
	}
	return v
}

// blockers ranges over the owners that w waits for: who holds the name, and who is
// to have it before.
func (w *waiter) blockers() iter.Seq[*Owner] {
	excludes := func(m mode) bool { return w.mode == exclusive || m == exclusive }
	return func(yield func(*Owner) bool) {
		for o, held := range w.entry.holders {
			if o != w.owner && excludes(held) && !yield(o) {
				return
			}
		}
		for _, ahead := range w.entry.queue {
			if ahead == w || excludes(ahead.mode) && !yield(ahead.owner) {
				return
			}
		}
	}
}
