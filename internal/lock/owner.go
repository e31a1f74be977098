package lock

import (
	"context"
	"slices"
	"time"
)

// Owner is who holds names: a transaction, or one change of the catalog. It is
// used by one goroutine at a time and ends with Release.
type Owner struct {
	// Note names the operation that asks, to people who look at who waits.
	Note string

	table   *Table
	held    []*entry
	waiting *waiter // or nil.
}

// Owner returns an owner that holds nothing yet.
func (t *Table) Owner(note string) *Owner { return &Owner{Note: note, table: t} }

// Forever is the bound of a wait that has none.
const Forever time.Duration = -1

// Timeout is the error of a wait that was over before the name was free, or that
// could never have ended.
type Timeout struct {
	Name Name // the collection that was asked for, or its database.
	Wait time.Duration
}

// Error is for the log; clients are told by whoever asked.
func (e *Timeout) Error() string { return "lock: not free within " + e.Wait.String() }

// Intent says that a transaction uses a collection. What the owner holds already
// it has at once, whoever waits. Otherwise it waits behind changes for at most wait,
// for each of the two names (Forever: without bound), and then fails with *Timeout.
func (o *Owner) Intent(ctx context.Context, n Name, wait time.Duration) error {
	if o.has(n) {
		return nil
	}
	return o.use(ctx, n, request{wait: wait, yields: true})
}

func (o *Owner) use(ctx context.Context, n Name, r request) error {
	for _, r.name = range [...]Name{n.database(), n} {
		if err := o.acquire(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// has tells whether the owner holds n. Nobody else changes what it holds while it
// does not wait.
func (o *Owner) has(n Name) bool {
	return slices.ContainsFunc(o.held, func(e *entry) bool { return e.name == n })
}

// Exclusive waits until nobody else holds the names. It is called once, on an
// owner that holds nothing.
func (o *Owner) Exclusive(ctx context.Context, names ...Name) error {
	all := make(map[Name]mode, 2*len(names))
	for _, n := range names {
		if _, asked := all[n.database()]; !asked {
			all[n.database()] = intent
		}
		all[n] = exclusive
	}
	order := make([]Name, 0, len(all))
	for n := range all {
		order = append(order, n)
	}
	slices.SortFunc(order, Name.compare)
	for _, n := range order {
		if err := o.acquire(ctx, request{name: n, mode: all[n], wait: Forever}); err != nil {
			return err
		}
	}
	return nil
}

// Pass waits until nobody changes n, or waits to, and holds nothing afterwards.
func (t *Table) Pass(ctx context.Context, n Name, note string) error {
	if t.changes.Load() == 0 {
		return nil
	}
	o := t.Owner(note)
	defer o.Release()
	return o.use(ctx, n, request{wait: Forever})
}

// Release gives back all that the owner holds.
func (o *Owner) Release() {
	t := o.table
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range o.held {
		t.drop(e, o)
	}
	o.held = nil
}
