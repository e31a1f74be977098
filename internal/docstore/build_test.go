package docstore

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/mongoerr"
)

// start begins a build of one index and stops before it is filled.
func (f *fixture) start(spec string) *build {
	f.t.Helper()
	b := &build{db: f.db, ns: f.ns, indexes: parseIndexes(f.t, spec)}
	if err := b.begin(ctx); err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *fixture) end(b *build) error {
	if err := b.fill(ctx); err != nil {
		return err
	}
	return b.finish(ctx)
}

// TestOldWriterFails is history 3: a transaction that wrote before it could know
// of a change of the catalog fails at its commit.
func TestOldWriterFails(t *testing.T) {
	for name, change := range map[string]func(f *fixture) error{
		"createIndexes": func(f *fixture) error { return f.create(`{"key":{"a":1}}`) },
		"drop": func(f *fixture) error {
			_, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error { return tx.Cat.Drop(ctx, f.coll(tx)) })
			return err
		},
		"validator": func(f *fixture) error {
			_, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error {
				_, err := tx.Cat.Modify(ctx, f.coll(tx), func(c *catalog.Collection) {
					c.Options = doc(f.t, `{"validator":{"a":{"$gt":0}}}`)
				})
				return err
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.put(`{"_id":0,"a":0}`)
			tx := f.begin()
			if err := f.insert(tx, `{"_id":1,"a":1}`); err != nil {
				t.Fatal(err)
			}
			if err := change(f); err != nil {
				t.Fatal(err)
			}
			_, err := tx.Commit(ctx)
			wantConflict(t, err)
		})
	}
}

// TestWritesBesideBuild is history 4 and its neighbours: whatever is written between
// the steps of a build, the index is true in the end.
func TestWritesBesideBuild(t *testing.T) {
	for _, spec := range []string{`{"key":{"k":1}}`, `{"key":{"k":1},"unique":true}`} {
		f := newFixture(t)
		f.put(`{"_id":1,"k":1}`, `{"_id":2,"k":2}`, `{"_id":3,"k":3}`, `{"_id":4,"k":4}`)
		b := f.start(spec)
		tx := f.begin()
		for _, d := range []string{`{"_id":1,"k":10}`, `{"_id":2,"k":[1,20]}`} {
			if err := f.update(tx, d); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.remove(tx, bsonx.Int32(3)); err != nil {
			t.Fatal(err)
		}
		f.commit(tx)
		f.put(`{"_id":5,"k":3}`)
		if _, err := b.batch(ctx, nil, 2); err != nil {
			t.Fatal(err)
		}
		tx = f.begin()
		if err := f.update(tx, `{"_id":4,"k":{"$numberDouble":"4.0"}}`); err != nil {
			t.Fatal(err)
		}
		if err := f.update(tx, `{"_id":1,"k":11}`); err != nil {
			t.Fatal(err)
		}
		f.commit(tx)
		if err := f.end(b); err != nil {
			t.Fatal(err)
		}
		if n := len(f.entries(f.begin(), 1, Bounds{})); n != 5 {
			t.Errorf("%d entries", n)
		}
	}
}

// TestUniqueBuild: a key that two documents have for a while during the build. The
// one that gives it up must not take the other's entry along.
func TestUniqueBuild(t *testing.T) {
	f := newFixture(t)
	f.put(`{"_id":1,"k":1}`, `{"_id":2,"k":1}`)
	b := f.start(`{"key":{"k":1},"unique":true}`)
	if _, err := b.batch(ctx, nil, 1); err != nil {
		t.Fatal(err)
	}
	tx := f.begin()
	if err := f.update(tx, `{"_id":2,"k":2}`); err != nil {
		t.Fatal(err)
	}
	f.commit(tx)
	if err := f.end(b); err != nil {
		t.Fatal(err)
	}
	tx = f.begin()
	if err := f.insert(tx, `{"_id":3,"k":1}`); mongoerr.From(err).Code != mongoerr.DuplicateKey {
		t.Fatalf("got %v", err)
	}
}

// TestBuildFails: the index is gone without a trace, and the error is the
// reference server's.
func TestBuildFails(t *testing.T) {
	f := newFixture(t)
	f.put(`{"_id":1,"k":1}`, `{"_id":2,"k":[2,3]}`, `{"_id":3,"k":2}`, `{"_id":4,"k":[1],"s":[1]}`)
	const prefix = `^Index build failed: [0-9a-f-]{36}: Collection d\.c \( [0-9a-f-]{36} \) :: caused by :: `
	for _, c := range []struct {
		spec string
		code mongoerr.Code
		msg  string
	}{
		{`{"key":{"k":1},"name":"k_1","unique":true}`, mongoerr.DuplicateKey,
			`E11000 duplicate key error collection: d\.c index: k_1 dup key: { k: [12] }$`},
		{`{"key":{"k":1,"s":1},"name":"ks"}`, mongoerr.CannotIndexParallelArrays, `cannot index parallel arrays \[s\] \[k\]$`},
	} {
		err := f.create(`{"key":{"z":1}}`, c.spec)
		e := mongoerr.From(err)
		if e.Code != c.code || !regexp.MustCompile(prefix+c.msg).MatchString(e.Msg) {
			t.Errorf("got %v", err)
		}
		if (e.Info != nil) != (c.code == mongoerr.DuplicateKey) {
			t.Errorf("info %v", e.Info)
		}
		if n := len(f.coll(f.begin()).Indexes); n != 1 {
			t.Errorf("%d indexes are left", n)
		}
	}
	f.put(`{"_id":5,"k":1}`)
}

// TestBuildResult: what createIndexes tells, and what is there already.
func TestBuildResult(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`)
	ns := catalog.Namespace{DB: "d", Coll: "new"}
	for _, c := range []struct {
		ns    catalog.Namespace
		specs []string
		want  BuildResult
	}{
		{f.ns, []string{`{"key":{"a":1}}`, `{"key":{"_id":1}}`}, BuildResult{2, 2, false}},
		{f.ns, []string{`{"key":{"a":1}}`, `{"key":{"b":1}}`}, BuildResult{2, 3, false}},
		{ns, []string{`{"key":{"b":1}}`}, BuildResult{1, 2, true}},
	} {
		got, err := f.db.BuildIndexes(ctx, "test", c.ns, parseIndexes(t, c.specs...))
		if err != nil || got != c.want {
			t.Errorf("%v: got %v, %v", c.specs, got, err)
		}
	}
	err := f.create(`{"key":{"y":1},"name":"y_1"}`, `{"key":{"y":1},"name":"y_1"}`)
	if e := mongoerr.From(err); e.Code != mongoerr.IndexAlreadyExists {
		t.Error(err)
	}
}

// TestPartialFilters: which filters an index may have, in the reference server's words.
func TestPartialFilters(t *testing.T) {
	f := newFixture(t)
	const head = `Error in specification { key: { m: 1 }, name: "m", partialFilterExpression: `
	for filter, want := range map[string]string{
		`{"a":{"$in":[1]}}`:                  "",
		`{"a":{"$type":1}}`:                  "",
		`{"a":null}`:                         "",
		`{}`:                                 "",
		`{"$and":[{"a":1},{"b":{"$gt":1}}]}`: "",
		`{"$or":[{"a":1},{"b":{"$exists":true}}]}`: "",
		`{"a":{"$ne":1}}`:                          head + "{ a: { $ne: 1 } }, v: 2 } :: caused by :: Expression not supported in partial index: $not\n    a $eq 1\n",
		`{"a":{"$exists":false}}`:                  head + "{ a: { $exists: false } }, v: 2 } :: caused by :: Expression not supported in partial index: $not\n    a exists\n",
		`{"a":{"$size":1}}`:                        head + "{ a: { $size: 1 } }, v: 2 } :: caused by :: Expression not supported in partial index: a $size : 1\n",
		`{"a":{"$mod":[1,2]}}`:                     head + "{ a: { $mod: [ 1, 2 ] } }, v: 2 } :: caused by :: Expression not supported in partial index: a mod 1 % x == 2\n",
		`{"$expr":{"$eq":["$a",1]}}`:               head + "{ $expr: { $eq: [ \"$a\", 1 ] } } } :: caused by :: $expr is not allowed in this context",
		`{"$foo":1}`: head + "{ $foo: 1 } } :: caused by :: unknown top level operator: $foo. If you have a field name " +
			"that starts with a '$' symbol, consider using $getField or $setField.",
	} {
		tx := f.begin()
		coll := f.coll(tx)
		idx := parseIndexes(t, `{"key":{"m":1},"name":"m","partialFilterExpression":`+filter+`}`)
		_, err := tx.addIndexes(ctx, coll, idx, catalog.StateReady)
		got := ""
		if err != nil {
			got = mongoerr.From(err).Msg
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", filter, got, want)
		}
		tx.Rollback()
	}
}

// TestIndexesInTransaction: only a collection that is new and empty gets indexes.
func TestIndexesInTransaction(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`)
	tx := f.begin()
	if _, err := tx.AddIndexes(ctx, f.coll(tx), parseIndexes(t, `{"key":{"a":1}}`)); err != nil {
		t.Error(err)
	}
	const head = "Cannot create new indexes on "
	_, err := tx.AddIndexes(ctx, f.coll(tx), parseIndexes(t, `{"key":{"b":1}}`))
	wantError(t, err, mongoerr.OperationNotSupportedInTransaction, head+"existing collection d.c in a multi-document transaction.")
	tx.Rollback()
	tx = f.begin()
	coll, err := tx.Cat.Create(ctx, catalog.Namespace{DB: "d", Coll: "n"}, catalog.CreateOptions{InTxn: true})
	if err != nil {
		t.Fatal(err)
	}
	if coll, err = tx.AddIndexes(ctx, coll, parseIndexes(t, `{"key":{"a":1}}`)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Insert(ctx, coll, doc(t, `{"_id":1,"a":[1,2]}`)); err != nil {
		t.Fatal(err)
	}
	_, err = tx.AddIndexes(ctx, coll, parseIndexes(t, `{"key":{"b":1}}`))
	wantError(t, err, mongoerr.OperationNotSupportedInTransaction, head+"non-empty collection d.n in a multi-document transaction.")
}

// TestBuildDropped: a collection or index that is dropped during its build.
func TestBuildDropped(t *testing.T) {
	f := newFixture(t)
	f.put(`{"_id":1,"k":1}`)
	b := f.start(`{"key":{"k":1}}`)
	if _, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error {
		_, err := tx.Cat.Rename(ctx, f.ns, catalog.Namespace{DB: "d", Coll: "x"}, false)
		return err
	}); mongoerr.From(err).Code != mongoerr.BackgroundOperationInProgressForNamespace {
		t.Errorf("rename: %v", err)
	}
	if _, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error {
		_, err := tx.Cat.DropIndex(ctx, f.coll(tx), f.coll(tx).Indexes[1])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.end(b); mongoerr.From(err).Code != mongoerr.IndexBuildAborted {
		t.Errorf("got %v", err)
	}
	b = f.start(`{"key":{"k":1}}`)
	if _, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error { return tx.Cat.Drop(ctx, f.coll(tx)) }); err != nil {
		t.Fatal(err)
	}
	if err := f.end(b); mongoerr.From(err).Code != mongoerr.IndexBuildAborted {
		t.Errorf("got %v", err)
	}
	b.undo(ctx)
}

// TestHalfBuilt: an index whose build the process did not survive is gone after Open.
func TestHalfBuilt(t *testing.T) {
	f := newFixture(t)
	f.put(`{"_id":1,"k":1}`, `{"_id":2,"k":2}`)
	b := f.start(`{"key":{"k":1}}`)
	if _, err := b.batch(ctx, nil, 1); err != nil {
		t.Fatal(err)
	}
	db, err := Open(ctx, f.store, env.Seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	f.db = db
	if n := len(f.coll(f.begin()).Indexes); n != 1 {
		t.Errorf("%d indexes", n)
	}
	if err := f.create(`{"key":{"k":1}}`); err != nil {
		t.Fatal(err)
	}
}

// TestConcurrentBuild builds indexes, twice each at a time, beside writers.
func TestConcurrentBuild(t *testing.T) {
	f := newFixture(t)
	const docs = 400
	for i := range docs {
		f.put(fmt.Sprintf(`{"_id":%d,"k":%d,"u":%d}`, i, i%7, i))
	}
	var writers, builders sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(w)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				tx := f.begin()
				tx.Wait = true
				err := tx.settled(ctx, func() error {
					for range 1 + rng.IntN(3) { // of several, some end in a deadlock.
						n := rng.IntN(docs)
						text := fmt.Sprintf(`{"_id":%d,"k":[%d,%d],"u":%d}`, n, rng.IntN(9), rng.IntN(9), n+docs*rng.IntN(9))
						if err := f.update(tx, text); err != nil {
							return err
						}
					}
					return nil
				})
				if err == nil {
					_, err = tx.Commit(ctx)
				}
				tx.Rollback()
				if err != nil && !isConflict(err) {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, spec := range []string{`{"key":{"k":1}}`, `{"key":{"u":1},"unique":true}`, `{"key":{"k":-1,"u":1}}`} {
		for range 2 {
			builders.Go(func() {
				if err := f.create(spec); err != nil {
					t.Error(err)
				}
			})
		}
	}
	builders.Wait()
	close(stop)
	writers.Wait()
	if n := len(f.coll(f.begin()).Indexes); n != 4 {
		t.Errorf("%d indexes", n)
	}
}
