package session

import (
	"errors"
	"sync"
	"testing"
)

// TestTooManyAtOnce: of those that come all at once exactly as many get in as may, to
// the transactions and to the cursors.
func TestTooManyAtOnce(t *testing.T) {
	const crowd, most, rounds = 4, 1, 2000
	inHouse(t, func(h *house) {
		var sessions [crowd]*Session
		for i := range sessions {
			var err error
			if sessions[i], err = h.m.CheckOut(ctx, id(byte(i))); err != nil {
				h.t.Fatal(err)
			}
		}
		txns := func(i int) (func(), error) {
			s := sessions[i]
			_, err := s.Begin(s.Number()+1, API{}, most)
			return s.Abort, err
		}
		cursors := func(int) (func(), error) {
			c := &Cursor{Namespace: "d.c", Source: &docs{}, TxnNumber: -1}
			_, err := h.m.Cursors().Add(c, most)
			return func() { _ = h.m.Cursors().Kill(c.ID) }, err
		}
		for range rounds {
			for _, enter := range []func(int) (func(), error){txns, cursors} {
				if got := allAtOnce(h.t, crowd, enter); got != most {
					h.t.Fatalf("%d got in, want %d", got, most)
				}
			}
		}
		for _, s := range sessions {
			s.CheckIn()
		}
	})
}

// allAtOnce has a crowd enter at once, and leave when all have tried; it counts those
// that got in.
func allAtOnce(t *testing.T, crowd int, enter func(int) (leave func(), err error)) (in int) {
	var mu sync.Mutex
	var leaves []func()
	var tried sync.WaitGroup
	start := make(chan struct{})
	for i := range crowd {
		tried.Go(func() {
			<-start
			leave, err := enter(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				leaves = append(leaves, leave)
			} else if many, ok := errors.AsType[*TooMany](err); !ok || many.Open != many.Most {
				t.Error(err)
			}
		})
	}
	close(start)
	tried.Wait()
	for _, leave := range leaves {
		leave()
	}
	return len(leaves)
}
