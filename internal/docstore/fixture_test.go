package docstore

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

var ctx = context.Background()

// fixture is a database with one collection, d.c, on a store of its own. The whole
// store is checked when the test ends.
type fixture struct {
	t     testing.TB
	store kv.Store
	db    *DB
	ns    catalog.Namespace
}

func newFixture(t testing.TB, indexes ...string) *fixture {
	t.Helper()
	store := openStore(t)
	db, err := Open(ctx, store, env.Seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, store: store, db: db, ns: catalog.Namespace{DB: "d", Coll: "c"}}
	t.Cleanup(func() { checkStore(t, f.db) })
	if _, err := db.BuildIndexes(ctx, "test", f.ns, parseIndexes(t, indexes...)); err != nil {
		t.Fatal(err)
	}
	return f
}

func checkStore(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Check(ctx, func(p string) { t.Errorf("check: %s", p) }); err != nil {
		t.Errorf("check: %v", err)
	}
}

// parseIndexes reads specifications; names are made up if not given.
func parseIndexes(t testing.TB, specs ...string) []*catalog.Index {
	t.Helper()
	var all []*catalog.Index
	for _, text := range specs {
		spec := doc(t, text)
		if bsonx.IsMissing(bsonx.Get(spec, "name")) {
			b := bsonx.NewBuilder(nil)
			b.Fields(spec)
			b.String("name", text)
			spec = b.Doc()
		}
		idx, err := catalog.ParseIndex(spec)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, idx)
	}
	return all
}

func doc(t testing.TB, text string) bsonx.Doc {
	t.Helper()
	d, err := bsonx.ParseJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func (f *fixture) begin() *Tx {
	f.t.Helper()
	tx, err := f.db.Begin(ctx, kv.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(tx.Rollback)
	return tx
}

func (f *fixture) commit(tx *Tx) {
	f.t.Helper()
	if _, err := tx.Commit(ctx); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) coll(tx *Tx) *catalog.Collection {
	f.t.Helper()
	coll, err := tx.Cat.Lookup(ctx, f.ns)
	if err != nil || coll == nil {
		f.t.Fatalf("lookup: %v %v", coll, err)
	}
	return coll
}

// insert, update and remove are one change in a transaction that goes on.
func (f *fixture) insert(tx *Tx, text string) error {
	f.t.Helper()
	return tx.Insert(ctx, f.coll(tx), doc(f.t, text))
}

func (f *fixture) update(tx *Tx, text string) error {
	f.t.Helper()
	is := doc(f.t, text)
	coll, id := f.coll(tx), idOf(is)
	if err := tx.Claim(ctx, coll, id); err != nil {
		return err
	}
	was, err := tx.Get(ctx, coll, id, nil)
	if err != nil {
		return err
	}
	return tx.Update(ctx, coll, was, is)
}

func (f *fixture) remove(tx *Tx, id bsonx.Value) error {
	coll := f.coll(tx)
	if err := tx.Claim(ctx, coll, id); err != nil {
		return err
	}
	was, err := tx.Get(ctx, coll, id, nil)
	if err != nil {
		return err
	}
	return tx.Delete(ctx, coll, was)
}

// put inserts documents, each in a transaction of its own.
func (f *fixture) put(texts ...string) {
	f.t.Helper()
	for _, text := range texts {
		tx := f.begin()
		if err := f.insert(tx, text); err != nil {
			f.t.Fatalf("insert %s: %v", text, err)
		}
		f.commit(tx)
	}
}

func (f *fixture) create(specs ...string) error {
	f.t.Helper()
	_, err := f.db.BuildIndexes(ctx, "test", f.ns, parseIndexes(f.t, specs...))
	return err
}

// entries lists an index's values and _ids as JSON, in the order of the scan.
func (f *fixture) entries(tx *Tx, at int, b Bounds) (list []string) {
	f.t.Helper()
	coll := f.coll(tx)
	idx := coll.Indexes[at]
	it, err := tx.ScanIndex(ctx, coll, idx, b)
	if err != nil {
		f.t.Fatal(err)
	}
	defer it.Close()
	for it.Next() {
		list = append(list, f.entry(it, idx))
	}
	if err := it.Err(); err != nil {
		f.t.Fatal(err)
	}
	return list
}

func (f *fixture) entry(it *IndexIterator, idx *catalog.Index) string {
	f.t.Helper()
	values, err := it.Values(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	id, ok, err := it.IDValue()
	if err != nil || !ok || !bytes.Equal(EncodeID(nil, id), it.ID()) {
		f.t.Fatalf("id %v %v %v", id, ok, err)
	}
	b := bsonx.NewBuilder(nil)
	for i, v := range values {
		b.Value(idx.Fields[i].Path, v)
	}
	b.Value("id", id)
	return bsonx.ToJSON(b.Doc())
}

func wantError(t testing.TB, err error, code mongoerr.Code, msg string) {
	t.Helper()
	e, ok := errors.AsType[*mongoerr.Error](err)
	if !ok || e.Code != code || e.Msg != msg {
		t.Fatalf("got %v, want %d %s", err, code, msg)
	}
}

func wantConflict(t testing.TB, err error) {
	t.Helper()
	if !isConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
}
