package lock_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pandodb/pando/internal/lock"
)

var (
	db = lock.Name{DB: "d"}
	x  = lock.Name{DB: "d", Coll: "x"}
	y  = lock.Name{DB: "d", Coll: "y"}
	z  = lock.Name{DB: "e", Coll: "z"}
)

// scene is one table and those who ask it for names.
type scene struct {
	t     *testing.T
	table lock.Table
}

func play(t *testing.T, f func(s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t}
		f(s)
		synctest.Wait()
		if n, w := s.table.Held(), s.table.Waiting(); n != 0 || len(w) != 0 {
			t.Errorf("left behind: %d names, %v waiting", n, w)
		}
	})
}

// asked is a request under way.
type asked struct {
	s    *scene
	done chan error
}

func (s *scene) ask(f func() error) asked {
	a := asked{s, make(chan error, 1)}
	go func() { a.done <- f() }()
	synctest.Wait()
	return a
}

func (s *scene) intent(o *lock.Owner, n lock.Name, wait time.Duration) asked {
	return s.ask(func() error { return o.Intent(s.t.Context(), n, wait) })
}

func (s *scene) exclusive(o *lock.Owner, names ...lock.Name) asked {
	return s.ask(func() error { return o.Exclusive(s.t.Context(), names...) })
}

func (s *scene) pass(n lock.Name) asked {
	return s.ask(func() error { return s.table.Pass(s.t.Context(), n, "pass") })
}

func (a asked) waits() asked {
	a.s.t.Helper()
	select {
	case err := <-a.done:
		a.s.t.Fatalf("expected it to wait, but: %v", err)
	default:
	}
	return a
}

func (a asked) ok() {
	a.s.t.Helper()
	synctest.Wait()
	select {
	case err := <-a.done:
		if err != nil {
			a.s.t.Fatal(err)
		}
	default:
		a.s.t.Fatal("it waits")
	}
}

// timesOut tells that the answer is a Timeout, and comes after that time.
func (a asked) timesOut(n lock.Name, after time.Duration) {
	a.s.t.Helper()
	from := time.Now()
	timeout, ok := errors.AsType[*lock.Timeout](<-a.done)
	if !ok || timeout.Name != n {
		a.s.t.Fatalf("expected a timeout on %v, got %v", n, timeout)
	}
	if took := time.Since(from); took != after {
		a.s.t.Fatalf("after %v, not %v", took, after)
	}
}

func TestChangeWaitsForTransactions(t *testing.T) {
	play(t, func(s *scene) {
		a, b, drop := s.table.Owner("a"), s.table.Owner("b"), s.table.Owner("drop")
		s.intent(a, x, 0).ok()
		s.intent(b, x, 0).ok()
		p := s.exclusive(drop, x).waits()
		if got := s.table.Waiting(); !slices.Equal(got, []string{"drop"}) {
			t.Errorf("waiting: %v", got)
		}
		s.intent(a, x, 0).ok() // held already.
		s.intent(a, y, 0).ok()
		a.Release()
		p.waits()
		b.Release()
		p.ok()
		drop.Release()
	})
}

func TestBehindAChange(t *testing.T) {
	play(t, func(s *scene) {
		a, b, drop := s.table.Owner("a"), s.table.Owner("b"), s.table.Owner("drop")
		s.intent(a, x, 0).ok()
		p := s.exclusive(drop, x).waits()
		s.intent(b, x, 0).timesOut(x, 0)
		s.intent(b, x, 5*time.Millisecond).waits().timesOut(x, 5*time.Millisecond)
		s.intent(b, y, 0).ok()
		s.pass(y).ok()
		w := s.pass(x).waits()
		later := s.intent(b, x, lock.Forever).waits()
		a.Release()
		p.ok()
		w.waits()
		drop.Release()
		w.ok()
		later.ok()
		b.Release()
	})
}

// TestInTurn: changes of one name come in the order of asking, and who asks
// between them is served between them.
func TestInTurn(t *testing.T) {
	play(t, func(s *scene) {
		a, first, second := s.table.Owner("a"), s.table.Owner("first"), s.table.Owner("second")
		b, c := s.table.Owner("b"), s.table.Owner("c")
		s.intent(a, x, 0).ok()
		p := s.exclusive(first, x).waits()
		pb, pc := s.intent(b, x, lock.Forever).waits(), s.intent(c, x, lock.Forever).waits()
		q := s.exclusive(second, x).waits()
		a.Release()
		p.ok()
		first.Release()
		pb.ok()
		pc.ok()
		q.waits()
		b.Release()
		c.Release()
		q.ok()
		second.Release()
	})
}

func TestDatabase(t *testing.T) {
	play(t, func(s *scene) {
		a, b, dropAll, dropOne := s.table.Owner("a"), s.table.Owner("b"), s.table.Owner("all"), s.table.Owner("one")
		s.intent(a, x, 0).ok()
		p := s.exclusive(dropAll, db).waits()
		s.intent(b, y, time.Millisecond).timesOut(db, time.Millisecond)
		s.intent(b, z, 0).ok()
		q := s.exclusive(dropOne, y).waits()
		w := s.pass(y).waits()
		a.Release()
		p.ok()
		q.waits()
		dropAll.Release()
		q.ok()
		dropOne.Release()
		w.ok()
		b.Release()
	})
}

// TestGiveUp: a wait ends with its context, and whoever waited only for it goes on.
func TestGiveUp(t *testing.T) {
	play(t, func(s *scene) {
		a, b, drop := s.table.Owner("a"), s.table.Owner("b"), s.table.Owner("drop")
		s.intent(a, x, 0).ok()
		ctx, cancel := context.WithCancel(s.t.Context())
		p := s.ask(func() error { return drop.Exclusive(ctx, x) }).waits()
		q := s.intent(b, x, lock.Forever).waits()
		cancel()
		if err := <-p.done; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		q.ok()
		drop.Release() // it holds the intent on the database.
		a.Release()
		b.Release()
	})
}

// TestCircle: two transactions each want what the other's change waits for. The
// one that closes the circle is refused at once, though it would wait forever.
func TestCircle(t *testing.T) {
	play(t, func(s *scene) {
		a, b, one, two := s.table.Owner("a"), s.table.Owner("b"), s.table.Owner("one"), s.table.Owner("two")
		s.intent(a, x, 0).ok()
		s.intent(b, y, 0).ok()
		p, q := s.exclusive(one, x).waits(), s.exclusive(two, y).waits()
		pa := s.intent(a, y, lock.Forever).waits()
		s.intent(b, x, lock.Forever).timesOut(x, 0)
		b.Release()
		q.ok()
		two.Release()
		pa.ok()
		a.Release()
		p.ok()
		one.Release()
	})
}

// TestCircleClosedByAChange: the change goes on, the transaction yields.
func TestCircleClosedByAChange(t *testing.T) {
	play(t, func(s *scene) {
		a, b, rename := s.table.Owner("a"), s.table.Owner("b"), s.table.Owner("rename")
		s.intent(a, y, 0).ok()
		s.intent(b, x, 0).ok()
		p := s.exclusive(rename, x, y).waits() // for b.
		pa := s.intent(a, x, lock.Forever).waits()
		b.Release() // now rename has x, and wants y.
		pa.timesOut(x, 0)
		p.waits()
		a.Release()
		p.ok()
		rename.Release()
	})
}

// TestManyNames: names that nobody uses any more are not kept without bound.
func TestManyNames(t *testing.T) {
	var table lock.Table
	for i := range 1000 {
		o := table.Owner("o")
		if err := o.Intent(t.Context(), lock.Name{DB: "d", Coll: fmt.Sprint(i)}, 0); err != nil {
			t.Fatal(err)
		}
		o.Release()
	}
	if n := testing.AllocsPerRun(100, func() {
		o := table.Owner("o")
		o.Intent(t.Context(), x, 0)
		o.Release()
	}); n > 4 {
		t.Errorf("%v allocations to use a name that was used before", n)
	}
	if n := table.Names(); n > 300 {
		t.Errorf("%d names are remembered", n)
	}
}

// TestCrowd has many ask for everything at random. Nobody is alone with a name
// beside others, and all come to an end.
func TestCrowd(t *testing.T) {
	var table lock.Table
	names := []lock.Name{x, y, z, {DB: "e", Coll: "w"}}
	var inside [4]struct{ intents, alone atomic.Int64 }
	check := func(i int) {
		if n, m := inside[i].alone.Load(), inside[i].intents.Load(); n > 1 || n == 1 && m > 0 {
			t.Errorf("%v: %d alone, %d beside", names[i], n, m)
		}
	}
	refused := func(err error) bool { _, ok := errors.AsType[*lock.Timeout](err); return ok }
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			for range 500 {
				o := table.Owner(fmt.Sprint(n))
				i, j := rng.IntN(4), rng.IntN(4)
				if n%4 == 0 {
					if err := o.Exclusive(t.Context(), names[i], names[j]); err != nil {
						t.Error(err)
					}
					inside[i].alone.Add(1)
					check(i)
					inside[i].alone.Add(-1)
					o.Release()
					continue
				}
				if err := o.Intent(t.Context(), names[i], lock.Forever); err == nil {
					inside[i].intents.Add(1)
					check(i)
					if err := o.Intent(t.Context(), names[j], lock.Forever); err != nil && !refused(err) {
						t.Error(err)
					}
					inside[i].intents.Add(-1)
				} else if !refused(err) {
					t.Error(err)
				}
				o.Release()
			}
		})
	}
	wg.Wait()
	if n := table.Held(); n != 0 {
		t.Errorf("%d names are left", n)
	}
}
