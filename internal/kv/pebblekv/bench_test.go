package pebblekv

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

const benchKeys = 20_000

// benchStore is a store on the machine's disk with some documents.
func benchStore(b *testing.B) *Store {
	b.Helper()
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	ctx, value := b.Context(), bytes.Repeat([]byte("v"), 1000)
	for from := 0; from < benchKeys; from += 1000 {
		tx, err := s.Begin(ctx, kv.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for i := from; i < from+1000; i++ {
			if err := tx.Set(benchKey(nil, i), value); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := tx.Commit(ctx); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return s
}

func benchKey(dst []byte, i int) []byte { return fmt.Appendf(dst[:0], "doc%08d", i) }

func BenchmarkGet(b *testing.B) {
	s := benchStore(b)
	ctx := b.Context()
	var key, value []byte
	for i := 0; b.Loop(); i++ {
		tx, err := s.Begin(ctx, kv.Options{})
		if err != nil {
			b.Fatal(err)
		}
		key = benchKey(key, i*7919%benchKeys)
		if value, err = tx.Get(ctx, key, value[:0]); err != nil {
			b.Fatal(err)
		}
		tx.Rollback()
	}
}

func BenchmarkScan100(b *testing.B) {
	s := benchStore(b)
	ctx := b.Context()
	for i := 0; b.Loop(); i++ {
		tx, err := s.Begin(ctx, kv.Options{})
		if err != nil {
			b.Fatal(err)
		}
		it, err := tx.Scan(ctx, kv.Range{Lower: benchKey(nil, i*7919%(benchKeys-100))})
		if err != nil {
			b.Fatal(err)
		}
		for range 100 {
			if !it.Next() {
				b.Fatal("short scan")
			}
		}
		it.Close()
		tx.Rollback()
	}
}

// BenchmarkPut is one key locked and written, and waited for as told.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		name    string
		workers int
		durable bool
	}{{"visible", 1, false}, {"durable", 1, true}, {"durable-8", 8, true}} {
		b.Run(c.name, func(b *testing.B) {
			s := benchStore(b)
			value := bytes.Repeat([]byte("v"), 1000)
			benchParallel(b, s, c.workers, func(tx kv.Txn, i int) error {
				key := benchKey(nil, i*7919%benchKeys)
				if err := tx.Lock(b.Context(), kv.How{Wait: true}, key); err != nil {
					return err
				}
				return tx.Set(key, value)
			}, c.durable)
		})
	}
}

// BenchmarkTransfer is two gets and four puts in one durable commit.
func BenchmarkTransfer(b *testing.B) {
	for _, workers := range []int{1, 8} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			s := benchStore(b)
			value := bytes.Repeat([]byte("v"), 1000)
			benchParallel(b, s, workers, func(tx kv.Txn, i int) error {
				for j := range 4 {
					key := benchKey(nil, (i*7919+j*101)%benchKeys)
					if err := tx.Lock(b.Context(), kv.How{}, key); err != nil {
						return err
					}
					if j < 2 {
						if _, err := tx.Get(b.Context(), key, nil); err != nil {
							return err
						}
					}
					if err := tx.Set(key, value); err != nil {
						return err
					}
				}
				return nil
			}, true)
		})
	}
}

// benchParallel commits do's transactions from several goroutines; lost ones do not count.
func benchParallel(b *testing.B, s *Store, workers int, do func(tx kv.Txn, i int) error, durable bool) {
	ctx := b.Context()
	var next atomic.Int64
	work := func() {
		for {
			i := next.Add(1)
			if i > int64(b.N) {
				return
			}
			tx, err := s.Begin(ctx, kv.Options{})
			if err != nil {
				b.Error(err)
				return
			}
			t := kv.Time(0)
			if err = do(tx, int(i)); err == nil {
				t, err = tx.Commit(ctx)
			}
			tx.Rollback()
			if err == nil && durable {
				err = s.WaitDurable(ctx, t)
			}
			if _, lost := err.(*kv.Conflict); err != nil && !lost {
				b.Error(err)
				return
			}
		}
	}
	b.ResetTimer()
	done := make(chan struct{})
	for range workers {
		go func() {
			defer func() { done <- struct{}{} }()
			work()
		}()
	}
	for range workers {
		<-done
	}
}

// BenchmarkSerializable is BenchmarkTransfer, not durable: while no transaction is
// serializable, while one is open, and when all are.
func BenchmarkSerializable(b *testing.B) {
	for _, c := range []struct {
		name      string
		open, all bool
	}{{name: "none"}, {name: "one-open", open: true}, {name: "all", all: true}} {
		b.Run(c.name, func(b *testing.B) {
			s := benchStore(b)
			ctx, value := b.Context(), bytes.Repeat([]byte("v"), 1000)
			if c.open {
				tx, err := s.Begin(ctx, kv.Options{Serializable: true})
				if err != nil {
					b.Fatal(err)
				}
				defer tx.Rollback()
			}
			var key []byte
			for i := 0; b.Loop(); i++ {
				tx, err := s.Begin(ctx, kv.Options{Serializable: c.all})
				if err != nil {
					b.Fatal(err)
				}
				for j := range 4 {
					key = benchKey(key, (i*7919+j*101)%benchKeys)
					if j < 2 {
						if _, err := tx.Get(ctx, key, nil); err != nil {
							b.Fatal(err)
						}
					}
					if err := errors.Join(tx.Lock(ctx, kv.How{}, key), tx.Set(key, value)); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := tx.Commit(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
