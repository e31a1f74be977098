package pebblekv

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

// TestChurn: a key that comes and goes is read right at every time, and what is
// written without a lock is noticed too.
func TestChurn(t *testing.T) {
	s := open(t, Options{})
	write := func(key string, value []byte) kv.Time {
		tx, err := s.Begin(t.Context(), kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if value == nil {
			err = tx.Delete([]byte(key))
		} else {
			err = tx.Set([]byte(key), value)
		}
		if err != nil {
			t.Fatal(err)
		}
		at, err := tx.Commit(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	want := func(at kv.Time, there bool) {
		t.Helper()
		tx, err := s.Begin(t.Context(), kv.Options{At: at})
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		_, err = tx.Get(t.Context(), []byte("lock"), nil)
		if there && err != nil || !there && !errors.Is(err, kv.ErrNotFound) {
			t.Fatalf("there is %v, got %v", there, err)
		}
		if err := tx.Lock(t.Context(), kv.How{Absent: true}, []byte("lock")); errors.Is(err, kv.ErrExists) != there {
			t.Fatalf("there is %v, lock says %v", there, err)
		}
	}
	var made, deleted []kv.Time
	for range 5 * hotAfter {
		made = append(made, write("lock", []byte("v")))
		want(0, true)
		deleted = append(deleted, write("lock", nil))
		want(0, false)
	}
	if s.churn.hot.Load() != 1 {
		t.Fatalf("%d keys are hot", s.churn.hot.Load())
	}
	for i := range made {
		want(made[i], true)
		want(deleted[i], false)
	}
}

// TestChurnIsBounded: what is remembered stays small, and a scan over what was
// deleted stays possible.
func TestChurnIsBounded(t *testing.T) {
	s := open(t, Options{HistoryWindow: -1})
	for i := range 3 * flushAfter / 100 {
		tx, err := s.Begin(t.Context(), kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for j := range 100 {
			if err := tx.Delete(fmt.Append(nil, "key", i%20*100+j)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.churn.keys); n > hotMax || int(s.churn.hot.Load()) != n {
		t.Errorf("%d keys are hot", n)
	}
	if n := len(s.churn.counts); n > countsMax {
		t.Errorf("%d keys are counted", n)
	}
	if s.churn.flushed.IsZero() {
		t.Error("no flush was asked for")
	}
}

// BenchmarkChurn is one round of a lock that is taken and given back.
func BenchmarkChurn(b *testing.B) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for b.Loop() {
		for _, take := range []bool{true, false} {
			tx, err := s.Begin(b.Context(), kv.Options{})
			if err != nil {
				b.Fatal(err)
			}
			if err := tx.Lock(b.Context(), kv.How{Absent: take}, []byte("lock")); err != nil {
				b.Fatal(err)
			}
			if take {
				err = tx.Set([]byte("lock"), []byte("v"))
			} else {
				err = tx.Delete([]byte("lock"))
			}
			if err != nil {
				b.Fatal(err)
			}
			if _, err := tx.Commit(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
