package docstore

import (
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
)

// BenchmarkWrite inserts, updates and deletes documents under two indexes, each in
// a transaction of its own that nobody waits for.
func BenchmarkWrite(b *testing.B) {
	f := newFixture(b, `{"key":{"a":1}}`, `{"key":{"b":1,"a":-1}}`)
	made := func(id, a int) bsonx.Doc { return doc(b, fmt.Sprintf(`{"_id":%d,"a":%d,"b":"some text"}`, id, a)) }
	change := func(do func(tx *Tx) error) {
		tx, err := f.db.Begin(ctx, kv.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := do(tx); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Commit(ctx); err != nil {
			b.Fatal(err)
		}
	}
	coll := f.coll(f.begin())
	b.ReportAllocs()
	for id := 0; b.Loop(); id++ { // never the same: Pebble's reads pass over every old version of a deleted key.
		b.StopTimer()
		d, changed := made(id, 5), made(id, 6)
		b.StartTimer()
		change(func(tx *Tx) error { return tx.Insert(ctx, coll, d) })
		change(func(tx *Tx) error {
			if err := tx.Claim(ctx, coll, idOf(d)); err != nil {
				return err
			}
			return tx.Update(ctx, coll, d, changed)
		})
		change(func(tx *Tx) error {
			if err := tx.Claim(ctx, coll, idOf(d)); err != nil {
				return err
			}
			return tx.Delete(ctx, coll, changed)
		})
	}
}

// BenchmarkRead finds one of 1,000 documents by its _id, and by an index.
func BenchmarkRead(b *testing.B) {
	f := newFixture(b, `{"key":{"a":1}}`)
	tx := f.begin()
	for i := range 1000 {
		if err := f.insert(tx, fmt.Sprintf(`{"_id":%d,"a":%d,"b":"some text"}`, i, i)); err != nil {
			b.Fatal(err)
		}
	}
	f.commit(tx)
	tx = f.begin()
	coll := f.coll(tx)
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		id := bsonx.Int32(500)
		for b.Loop() {
			d, err := tx.Get(ctx, coll, id, buf[:0])
			if err != nil {
				b.Fatal(err)
			}
			buf = d
		}
	})
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		lower := keyenc.Append(nil, bsonx.Int32(500), false)
		upper := keyenc.Successor(lower)
		for b.Loop() {
			it, err := tx.ScanIndex(ctx, coll, coll.Indexes[1], Bounds{Lower: lower, Upper: upper})
			if err != nil || !it.Next() {
				b.Fatal(err)
			}
			d, err := tx.Fetch(ctx, coll, it.ID(), buf[:0])
			if err != nil {
				b.Fatal(err)
			}
			buf = d
			it.Close()
		}
	})
}
