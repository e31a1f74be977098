package pebblekv

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/pandodb/pando/internal/kv"
)

func TestSmoke(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open("/db", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	tx, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Lock(ctx, kv.How{Absent: true}, []byte("a")); err != nil {
		t.Fatal(err)
	}
	tx.Set([]byte("a"), []byte("1"))
	tx.Add([]byte("n"), 3)
	ts, err := tx.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WaitDurable(ctx, ts); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(func(p string) { t.Error(p) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open("/db", Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	tx, _ = s.Begin(ctx, kv.Options{})
	it, err := tx.Scan(ctx, kv.Range{})
	if err != nil {
		t.Fatal(err)
	}
	for it.Next() {
		t.Logf("%q %x", it.Key(), it.Value())
	}
	t.Logf("%d %d %+v", ts, tx.ReadTime(), s.Stats())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
