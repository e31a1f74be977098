package docstore

import (
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
)

// TestCheckFinds plants one damage after another and looks for what Check says of
// it: a check that finds nothing proves nothing.
func TestCheckFinds(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1},"name":"a"}`, `{"key":{"u":1},"name":"u","unique":true}`)
	f.put(`{"_id":1,"a":1,"u":1}`, `{"_id":2,"a":2,"u":2}`)
	check := func() (problems []string) {
		if err := f.db.Check(ctx, func(p string) { problems = append(problems, p) }); err != nil {
			t.Fatal(err)
		}
		return problems
	}
	if p := check(); len(p) > 0 {
		t.Fatal(p)
	}
	coll := f.coll(f.begin())
	one := EncodeID(nil, bsonx.Int32(1))
	key := func(index uint32, parts ...[]byte) []byte {
		k := catalog.AppendPrefix(nil, coll.ID, index)
		for _, p := range parts {
			k = append(k, p...)
		}
		return k
	}
	number := func(n int32) []byte { return keyenc.Append(nil, bsonx.Int32(n), false) }
	for _, c := range []struct {
		name   string
		damage func(tx *Tx) error
		want   string
	}{
		{"entry lost", func(tx *Tx) error { return tx.KV.Delete(key(1, number(1), one)) }, "document 1 has no entry"},
		{"document lost", func(tx *Tx) error { return tx.KV.Delete(key(0, one)) }, "has no document"},
		{"entry too many", func(tx *Tx) error { return tx.KV.Set(key(1, number(9), one), []byte{0}) }, "has 3 entries"},
		{"entry of another", func(tx *Tx) error {
			return tx.KV.Set(key(2, number(1)), append([]byte{entryHasID}, EncodeID(nil, bsonx.Int32(2))...))
		}, "of document 1 holds"},
		{"another document", func(tx *Tx) error { return tx.KV.Set(key(0, one), doc(t, `{"_id":7,"a":1,"u":1}`)) }, "has another _id: 7"},
		{"no document at all", func(tx *Tx) error { return tx.KV.Set(key(0, one), []byte{1, 2, 3}) }, "document at"},
		{"counter", func(tx *Tx) error { return tx.count(coll, 1, 0) }, "counters say 3 documents"},
		{"flag lost", func(tx *Tx) error {
			if err := tx.KV.Set(key(0, one), doc(t, `{"_id":1,"a":[1],"u":1}`)); err != nil {
				return err
			}
			return tx.count(coll, 0, 8)
		}, "needs flags 0x1"},
		{"orphan", func(tx *Tx) error { return tx.KV.Set(catalog.AppendPrefix(nil, 12345, 1), []byte{1}) }, "belongs to nothing"},
		{"orphaned index", func(tx *Tx) error { return tx.KV.Set(key(77, number(1)), []byte{1}) }, "belongs to nothing"},
	} {
		tx := f.begin()
		sp := snapshotOf(t, tx)
		if err := c.damage(tx); err != nil {
			t.Fatal(err)
		}
		f.commit(tx)
		found := strings.Join(check(), "\n")
		if !strings.Contains(found, c.want) {
			t.Errorf("%s: found %q, want %q", c.name, found, c.want)
		}
		sp.restore(f, coll)
	}
	if v, err := f.begin().Validate(ctx, coll); err != nil || v.Records != 2 || v.Keys["a"] != 2 || v.Keys["_id_"] != 2 || len(v.Problems) > 0 {
		t.Errorf("%+v %v", v, err)
	}
}

// saved is the data of a store, to undo a damage by.
type saved struct {
	values      map[string][]byte
	docs, bytes int64
}

func dataOf(t *testing.T, tx *Tx) map[string][]byte {
	t.Helper()
	values := map[string][]byte{}
	it, err := tx.KV.Scan(ctx, kv.Range{Lower: []byte{catalog.SpaceData}, Upper: []byte{catalog.SpaceData + 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for it.Next() {
		values[string(it.Key())] = append([]byte{}, it.Value()...)
	}
	return values
}

func snapshotOf(t *testing.T, tx *Tx) saved {
	t.Helper()
	all, err := tx.Cat.All(ctx)
	if err != nil {
		t.Fatal(err)
	}
	docs, size, err := tx.Stats(ctx, all[0])
	if err != nil {
		t.Fatal(err)
	}
	return saved{dataOf(t, tx), docs, size}
}

func (s saved) restore(f *fixture, coll *catalog.Collection) {
	tx := f.begin()
	for k := range dataOf(f.t.(*testing.T), tx) {
		tx.KV.Delete([]byte(k))
	}
	for k, v := range s.values {
		tx.KV.Set([]byte(k), v)
	}
	docs, size, err := tx.Stats(ctx, coll)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := tx.count(coll, int(s.docs-docs), int(s.bytes-size)); err != nil {
		f.t.Fatal(err)
	}
	f.commit(tx)
}
