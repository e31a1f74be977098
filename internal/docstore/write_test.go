package docstore

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestDuplicateKeys holds the reference server's words, keyPattern and keyValue.
func TestDuplicateKeys(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1,"b.c":-1},"name":"foo","unique":true}`)
	f.put(`{"_id":1,"a":1}`, `{"_id":3,"a":[1,"x",3],"b":{"c":{"$numberLong":"5"}}}`, `{"_id":5,"a":[],"b":7}`)
	for _, c := range []struct{ doc, msg, pattern, value string }{
		{`{"_id":1,"a":9}`, `_id_ dup key: { _id: 1 }`, `{"_id":1}`, `{"_id":1}`},
		{`{"_id":2,"a":1}`, `foo dup key: { a: 1, b.c: null }`, `{"a":1,"b.c":-1}`, `{"a":1,"b.c":null}`},
		{`{"_id":4,"a":"x","b":{"c":{"$numberDouble":"5.0"}}}`, `foo dup key: { a: "x", b.c: 5.0 }`,
			`{"a":1,"b.c":-1}`, `{"a":"x","b.c":{"$numberDouble":"5.0"}}`},
		{`{"_id":6,"a":[],"b":8}`, `foo dup key: { a: undefined, b.c: null }`,
			`{"a":1,"b.c":-1}`, `{"a":{"$undefined":true},"b.c":null}`},
	} {
		tx := f.begin()
		err := f.insert(tx, c.doc)
		wantError(t, err, mongoerr.DuplicateKey, "E11000 duplicate key error collection: d.c index: "+c.msg)
		want := doc(t, `{"keyPattern":`+c.pattern+`,"keyValue":`+c.value+`}`)
		if info := mongoerr.From(err).Info; !bytes.Equal(info, want) {
			t.Errorf("info %s, want %s", bsonx.ToJSON(info), bsonx.ToJSON(want))
		}
		tx.Rollback()
	}
	tx := f.begin()
	wantError(t, f.insert(tx, `{"_id":7,"a":[1,2],"b":[{"c":1}]}`), mongoerr.CannotIndexParallelArrays,
		"cannot index parallel arrays [b] [a]")
	tx.Rollback()
	tx = f.begin()
	wantError(t, f.update(tx, `{"_id":5,"a":1}`), mongoerr.DuplicateKey,
		"E11000 duplicate key error collection: d.c index: foo dup key: { a: 1, b.c: null }")
	tx.Rollback()
}

// TestDuplicateKeyInHex: text that is no UTF-8 is told in hexadecimal, in the reference
// server's words.
func TestDuplicateKeyInHex(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1,"b":1,"c":1},"name":"abc","unique":true}`)
	tx := f.begin()
	defer tx.Rollback()
	insert := func(id string) error {
		b := bsonx.NewBuilder(nil)
		b.String("_id", id)
		b.String("a", "ok")
		b.String("b", "q\xfeq")
		return tx.Insert(ctx, f.coll(tx), b.Doc())
	}
	if err := insert("1"); err != nil {
		t.Fatal(err)
	}
	err := insert("2")
	wantError(t, err, mongoerr.DuplicateKey, `E11000 duplicate key error collection: d.c index: abc dup key: { a: "ok", b: "0x71fe71", c: null }`)
	want := `{"keyPattern":{"a":1,"b":1,"c":1},"keyValue":{"a":"ok","b":"71fe71","c":null},"hexEncoded":[false,true,false]}`
	if got := bsonx.ToJSON(mongoerr.From(err).Info); got != want {
		t.Errorf("info %s, want %s", got, want)
	}
}

// TestEntriesFollow: updates and deletes take the entries along, and values keep
// their types.
func TestEntriesFollow(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`, `{"key":{"b":-1,"a":1},"sparse":true}`,
		`{"key":{"c":1},"partialFilterExpression":{"c":{"$gt":5}}}`)
	f.put(`{"_id":1,"a":[2,1,2],"b":"x","c":6}`, `{"_id":"two","a":1.5}`, `{"_id":3,"c":5}`)
	tx := f.begin()
	expect := func(at int, want ...string) {
		t.Helper()
		if got := f.entries(tx, at, Bounds{}); !slices.Equal(got, want) {
			t.Errorf("index %d\n got %s\nwant %s", at, got, want)
		}
	}
	expect(0, `{"_id":1,"id":1}`, `{"_id":3,"id":3}`, `{"_id":"two","id":"two"}`)
	expect(1, `{"a":null,"id":3}`, `{"a":1,"id":1}`, `{"a":1.5,"id":"two"}`, `{"a":2,"id":1}`)
	expect(2, `{"b":"x","a":1,"id":1}`, `{"b":"x","a":2,"id":1}`, `{"b":null,"a":1.5,"id":"two"}`)
	expect(3, `{"c":6,"id":1}`)
	for _, d := range []string{`{"_id":1,"a":{"$numberLong":"1"},"b":"y","c":4}`, `{"_id":3,"c":50}`} {
		if err := f.update(tx, d); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.remove(tx, bsonx.String("two")); err != nil {
		t.Fatal(err)
	}
	expect(1, `{"a":null,"id":3}`, `{"a":1,"id":1}`)
	expect(2, `{"b":"y","a":1,"id":1}`)
	expect(3, `{"c":50,"id":3}`)
	it, err := tx.ScanIndex(ctx, f.coll(tx), f.coll(tx).Indexes[1], Bounds{Reverse: true})
	if err != nil {
		t.Fatal(err)
	}
	it.Next()
	if v, err := it.Values(nil); err != nil || v[0].Type != bsonx.TypeInt64 {
		t.Errorf("%v %v, want an int64", v, err)
	}
	it.Close()
	f.commit(tx)

	tx = f.begin()
	if docs, _, err := tx.Stats(ctx, f.coll(tx)); err != nil || docs != 2 {
		t.Errorf("%d documents, %v", docs, err)
	}
}

// TestUniqueConflicts: a unique key that another open transaction has taken, or
// that was taken after the snapshot, is a conflict; one that the snapshot sees
// taken is a duplicate, though it is free by now (history 11).
func TestUniqueConflicts(t *testing.T) {
	f := newFixture(t, `{"key":{"u":1},"unique":true}`)
	f.put(`{"_id":1,"u":5}`)
	a, b, c := f.begin(), f.begin(), f.begin()
	if err := f.insert(a, `{"_id":2,"u":7}`); err != nil {
		t.Fatal(err)
	}
	wantConflict(t, f.insert(b, `{"_id":3,"u":7}`))
	b.Rollback()
	f.commit(a)
	wantConflict(t, f.insert(c, `{"_id":3,"u":7}`))
	c.Rollback()
	old := f.begin()
	free := f.begin()
	if err := f.remove(free, bsonx.Int32(1)); err != nil {
		t.Fatal(err)
	}
	f.commit(free)
	const name = `E11000 duplicate key error collection: d.c index: {"key":{"u":1},"unique":true} dup key: `
	wantError(t, f.insert(old, `{"_id":9,"u":5}`), mongoerr.DuplicateKey, name+`{ u: 5 }`)
	old.Rollback()
	now := f.begin()
	if err := f.insert(now, `{"_id":9,"u":5}`); err != nil {
		t.Fatal(err)
	}
	// Within one transaction a value may move between documents.
	if err := f.update(now, `{"_id":2,"u":8}`); err != nil {
		t.Fatal(err)
	}
	if err := f.update(now, `{"_id":9,"u":7}`); err != nil {
		t.Fatal(err)
	}
	sp := now.Savepoint()
	wantError(t, f.update(now, `{"_id":2,"u":7}`), mongoerr.DuplicateKey, name+`{ u: 7 }`)
	now.RollbackTo(sp)
	f.commit(now)
}

// TestUpdateLoses: what was claimed by another transaction, or changed after the
// snapshot, cannot be claimed.
func TestUpdateLoses(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`)
	f.put(`{"_id":1,"a":1}`)
	late, a, b := f.begin(), f.begin(), f.begin()
	if err := f.update(a, `{"_id":1,"a":2}`); err != nil {
		t.Fatal(err)
	}
	err := f.update(b, `{"_id":1,"a":3}`)
	wantConflict(t, err)
	c, _ := errors.AsType[*kv.Conflict](err)
	if what := f.db.Describe(ctx, c.Key); what != "d.c, _id: 1" {
		t.Errorf("conflict about %s", what)
	}
	f.commit(a)
	wantConflict(t, f.remove(late, bsonx.Int32(1)))
}

// TestRefresh: after a wait the claim is kept and the newest is read.
func TestRefresh(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`)
	f.put(`{"_id":1,"a":1}`)
	late := f.begin()
	w := f.begin()
	if err := f.update(w, `{"_id":1,"a":2}`); err != nil {
		t.Fatal(err)
	}
	f.commit(w)
	late.Wait = true
	err := late.settled(ctx, func() error { return f.update(late, `{"_id":1,"a":[3,4]}`) })
	if err != nil {
		t.Fatal(err)
	}
	f.commit(late)
}

// TestSavepoint: a statement that failed half-way leaves nothing.
func TestSavepoint(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`, `{"key":{"u":1},"unique":true}`)
	f.put(`{"_id":1,"u":1}`)
	tx := f.begin()
	sp := tx.Savepoint()
	if err := f.insert(tx, `{"_id":2,"a":[1,2],"u":2}`); err != nil {
		t.Fatal(err)
	}
	if err := f.insert(tx, `{"_id":3,"a":[1,2],"u":1}`); err == nil {
		t.Fatal("no duplicate")
	}
	tx.RollbackTo(sp)
	if n := len(f.entries(tx, 1, Bounds{})); n != 1 {
		t.Errorf("%d entries", n)
	}
	if flags, err := tx.Multikey(ctx, f.coll(tx), f.coll(tx).Indexes[1]); err != nil || flags != 0 {
		t.Error(flags, err)
	}
	if err := f.insert(tx, `{"_id":3,"u":3}`); err != nil {
		t.Fatal(err)
	}
	f.commit(tx)
}

// TestTwoMultikey is history 17: two transactions make two paths multikey.
func TestTwoMultikey(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1,"b":1}}`)
	a, b := f.begin(), f.begin()
	if err := f.insert(a, `{"_id":1,"a":[1]}`); err != nil {
		t.Fatal(err)
	}
	if err := f.insert(b, `{"_id":2,"b":[1]}`); err != nil {
		t.Fatal(err)
	}
	older := f.begin()
	f.commit(a)
	f.commit(b)
	tx := f.begin()
	flags, err := tx.Multikey(ctx, f.coll(tx), f.coll(tx).Indexes[1])
	if err != nil || !flags.Multikey(0) || !flags.Multikey(1) {
		t.Error(flags, err)
	}
	if flags, err = older.Multikey(ctx, f.coll(older), f.coll(older).Indexes[1]); err != nil || flags != 0 {
		t.Error(flags, err)
	}
}

// TestLongKeys: values too long for a key are hashed at the tail, unique all the
// same, and found within widened bounds.
func TestLongKeys(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`, `{"key":{"u":1},"unique":true,"sparse":true}`)
	long := strings.Repeat("y", 20000)
	f.put(`{"_id":1,"a":"`+long+`1","u":"`+long+`1"}`, `{"_id":2,"a":"`+long+`2","u":"`+long+`2"}`,
		`{"_id":3,"a":"short"}`, `{"_id":"`+long+`","a":"b"}`, `{"_id":"`+long+`+","a":"zz"}`)
	tx := f.begin()
	coll := f.coll(tx)
	if err := f.insert(tx, `{"_id":4,"u":"`+long+`1"}`); mongoerr.From(err).Code != mongoerr.DuplicateKey {
		t.Fatalf("got %v", err)
	}
	if _, err := tx.Get(ctx, coll, bsonx.String(long+"+"), nil); err != nil {
		t.Error(err)
	}
	for i, idx := range coll.Indexes {
		flags, err := tx.Multikey(ctx, coll, idx)
		if err != nil || !flags.Long() || flags.Any() {
			t.Errorf("index %d: flags %#x, %v", i, flags, err)
		}
	}
	bound := EncodeID(nil, bsonx.String("s"))
	count := func(b Bounds) (long, short int) {
		it, err := tx.ScanIndex(ctx, coll, coll.Indexes[1], b)
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		for it.Next() {
			if it.Long() {
				long++
			} else {
				short++
			}
			if _, err := tx.Fetch(ctx, coll, it.ID(), nil); err != nil {
				t.Error(err)
			}
		}
		return long, short
	}
	// An entry is long if its values and its _id together are.
	if long, short := count(Bounds{Lower: bound}); long != 3 || short != 1 {
		t.Errorf("%d long and %d short", long, short)
	}
	whole := append(bytes.Clone(keyenc.Append(nil, bsonx.String(long+"2"), false)), 0)
	if long, _ := count(Bounds{Lower: keyenc.Append(nil, bsonx.String(long+"1"), false), Upper: whole}); long != 2 {
		t.Errorf("%d long entries within widened bounds", long)
	}
	tx.Rollback()
	tx = f.begin()
	for _, id := range []bsonx.Value{bsonx.Int32(1), bsonx.String(long)} {
		if err := f.remove(tx, id); err != nil {
			t.Fatal(err)
		}
	}
	f.commit(tx)
}

// TestSeek: bounds and seeks in both directions.
func TestSeek(t *testing.T) {
	f := newFixture(t, `{"key":{"a":-1}}`)
	f.put(`{"_id":1,"a":1}`, `{"_id":2,"a":2}`, `{"_id":3,"a":3}`, `{"_id":4,"a":3}`, `{"_id":5,"a":5}`)
	tx := f.begin()
	at := func(n int32) []byte { return keyenc.Append(nil, bsonx.Int32(n), true) }
	got := f.entries(tx, 1, Bounds{Lower: at(3), Upper: at(1)})
	want := []string{`{"a":3,"id":3}`, `{"a":3,"id":4}`, `{"a":2,"id":2}`}
	if !slices.Equal(got, want) {
		t.Errorf("%s", got)
	}
	slices.Reverse(want)
	if got := f.entries(tx, 1, Bounds{Lower: at(3), Upper: at(1), Reverse: true}); !slices.Equal(got, want) {
		t.Errorf("%s", got)
	}
	coll := f.coll(tx)
	it, err := tx.ScanIndex(ctx, coll, coll.Indexes[1], Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	it.Next()
	if !it.Seek(at(4)) || f.entry(it, coll.Indexes[1]) != `{"a":3,"id":3}` {
		t.Error("seek")
	}
	position := bytes.Clone(it.Position())
	if !it.Next() || !it.Seek(at(2)) || it.Seek(at(0)) || it.Err() != nil {
		t.Error("seek on")
	}
	again, err := tx.ScanIndex(ctx, coll, coll.Indexes[1], Bounds{Lower: append(position, 0)})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !again.Next() || f.entry(again, coll.Indexes[1]) != `{"a":3,"id":4}` {
		t.Error("go on behind a position")
	}
	docs, err := tx.Scan(ctx, coll, Bounds{Lower: EncodeID(nil, bsonx.Int32(2)), Upper: EncodeID(nil, bsonx.Int32(5))})
	if err != nil {
		t.Fatal(err)
	}
	defer docs.Close()
	if !docs.Next() || bsonx.AsInt32(idOf(docs.Doc())) != 2 || !docs.Seek(EncodeID(nil, bsonx.Double(3.5))) ||
		bsonx.AsInt32(idOf(docs.Doc())) != 4 || docs.Next() {
		t.Error("scan of documents")
	}
}

// TestDropInTransaction: dropping and making again in one transaction begins empty.
func TestDropInTransaction(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`)
	f.put(`{"_id":1,"a":1}`)
	tx := f.begin()
	if err := tx.Cat.Drop(ctx, f.coll(tx)); err != nil {
		t.Fatal(err)
	}
	coll, err := tx.Cat.Create(ctx, f.ns, catalog.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if coll, err = tx.AddIndexes(ctx, coll, parseIndexes(t, `{"key":{"b":1},"name":"b"}`)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Insert(ctx, coll, doc(t, `{"_id":1,"b":[1,2]}`)); err != nil {
		t.Fatal(err)
	}
	if n := len(f.entries(tx, 1, Bounds{})); n != 2 {
		t.Errorf("%d entries", n)
	}
	f.commit(tx)
}
