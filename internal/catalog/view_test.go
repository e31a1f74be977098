package catalog

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

var ctx = context.Background()

// fixture is a catalog on an in-memory store.
type fixture struct {
	t     *testing.T
	store *memStore
	cat   *Catalog
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, store: newMemStore()}
	f.reopen()
	return f
}

func (f *fixture) reopen() {
	f.t.Helper()
	cat, err := Open(ctx, f.store, env.Seeded(1))
	if err != nil {
		f.t.Fatal(err)
	}
	f.cat = cat
}

func (f *fixture) begin() *View {
	txn, err := f.store.Begin(ctx, kv.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	return f.cat.View(txn)
}

func (f *fixture) commit(v *View) {
	f.t.Helper()
	if _, err := v.Commit(ctx); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) create(v *View, db, coll string) *Collection {
	f.t.Helper()
	c, err := v.Create(ctx, Namespace{db, coll}, CreateOptions{})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func (f *fixture) lookup(v *View, db, coll string) *Collection {
	f.t.Helper()
	c, err := v.Lookup(ctx, Namespace{db, coll})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func wantCode(t *testing.T, err error, code mongoerr.Code, msg string) {
	t.Helper()
	e, ok := errors.AsType[*mongoerr.Error](err)
	if !ok || e.Code != code || msg != "" && e.Msg != msg {
		t.Fatalf("got %v, want %d %s", err, code, msg)
	}
}

func wantConflict(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*kv.Conflict](err); !ok {
		t.Fatalf("got %v, want a conflict", err)
	}
}

func TestSnapshots(t *testing.T) {
	f := newFixture(t)
	old, maker := f.begin(), f.begin()
	made := f.create(maker, "d", "c")
	if f.lookup(maker, "d", "c").ID != made.ID {
		t.Fatal("the maker does not see its collection")
	}
	if f.lookup(f.begin(), "d", "c") != nil {
		t.Fatal("seen before the commit")
	}
	f.commit(maker)
	if f.lookup(old, "d", "c") != nil {
		t.Fatal("an older snapshot sees it")
	}
	v := f.begin()
	got := f.lookup(v, "d", "c")
	if got == nil || got.ID != made.ID || got.UUID != made.UUID || len(got.Indexes) != 1 {
		t.Fatalf("got %+v", got)
	}
	if f.lookup(f.begin(), "d", "c") != got {
		t.Error("the copy in memory was not used")
	}
	// The copy must not leak into the older snapshot, nor be filled by it.
	if f.lookup(old, "d", "c") != nil {
		t.Fatal("an older snapshot sees the copy")
	}
	dropper := f.begin()
	if err := dropper.Drop(ctx, f.lookup(dropper, "d", "c")); err != nil {
		t.Fatal(err)
	}
	if f.lookup(dropper, "d", "c") != nil {
		t.Fatal("the dropper still sees it")
	}
	f.commit(dropper)
	if f.lookup(v, "d", "c") == nil {
		t.Fatal("a snapshot lost its collection")
	}
	if f.lookup(f.begin(), "d", "c") != nil {
		t.Fatal("dropped, and there")
	}
	if n := len(f.store.dropped); n != 3 {
		t.Errorf("%d ranges dropped", n)
	}
}

// TestCommitInFlight: while a change is being committed nobody may fill or use
// the copy, since nobody knows which side of it their snapshot is.
func TestCommitInFlight(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	f.create(v, "d", "c")
	f.commit(v)
	f.lookup(f.begin(), "d", "c") // fills the copy.
	edit := f.begin()
	c := f.lookup(edit, "d", "c")
	options := bsonx.NewBuilder(nil)
	options.Int32("any", 1)
	if _, err := edit.Modify(ctx, c, func(c *Collection) { c.Options = options.Doc() }); err != nil {
		t.Fatal(err)
	}
	during := f.begin()
	f.store.onCommit = func() {
		f.store.onCommit = nil
		if g := f.cat.cache.at(during.txn.ReadTime()); g != nil {
			t.Error("the copy is usable while a change is in flight")
		}
		if f.lookup(during, "d", "c") == nil {
			t.Error("not there while a change is in flight")
		}
	}
	f.commit(edit)
	if bsonx.Len(f.lookup(during, "d", "c").Options) != 0 {
		t.Error("an older snapshot sees newer options")
	}
	if bsonx.Len(f.lookup(f.begin(), "d", "c").Options) != 1 {
		t.Error("newer options are not seen")
	}
}

// TestTwoCreate: both creations of one collection succeed, and the later commit
// is told.
func TestTwoCreate(t *testing.T) {
	f := newFixture(t)
	first := f.begin()
	f.create(first, "d", "other")
	f.commit(first)
	a, b := f.begin(), f.begin()
	ca, cb := f.create(a, "d", "c"), f.create(b, "d", "c")
	if ca.ID == cb.ID {
		t.Fatal("two collections have one id")
	}
	f.create(a, "d", "only-a")
	f.commit(a)
	_, err := b.Commit(ctx)
	wantConflict(t, err)
	v := f.begin()
	if got := f.lookup(v, "d", "c"); got.ID != ca.ID {
		t.Errorf("id %d, want the first's, %d", got.ID, ca.ID)
	}
}

// TestRely: a write that saw the collection before a change of it fails.
func TestRely(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	f.create(v, "d", "c")
	f.create(v, "d", "untouched")
	f.commit(v)

	writer, bystander, dropper := f.begin(), f.begin(), f.begin()
	for v, name := range map[*View]string{writer: "c", bystander: "untouched"} {
		if err := v.Rely(f.lookup(v, "d", name)); err != nil {
			t.Fatal(err)
		}
		v.txn.Set([]byte{SpaceData, name[0]}, []byte{1})
	}
	if err := dropper.Drop(ctx, f.lookup(dropper, "d", "c")); err != nil {
		t.Fatal(err)
	}
	f.commit(dropper)
	f.commit(bystander)
	_, err := writer.Commit(ctx)
	wantConflict(t, err)
}

func TestCreateErrors(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	c := f.create(v, "d", "c")
	opts := bsonx.NewBuilder(nil)
	opts.String("viewOn", "c")
	view := CreateOptions{Kind: KindView, Options: opts.Doc()}
	if _, err := v.Create(ctx, Namespace{"d", "v"}, view); err != nil {
		t.Fatal(err)
	}
	_, err := v.Create(ctx, Namespace{"d", "c"}, view)
	wantCode(t, err, mongoerr.NamespaceExists, fmt.Sprintf(
		`namespace d.c already exists, but with different options: { uuid: UUID("%s") }`, bsonx.AppendUUID(nil, c.UUID)))
	_, err = v.Create(ctx, Namespace{"d", "v"}, CreateOptions{})
	wantCode(t, err, mongoerr.NamespaceExists, "namespace d.v already exists, but is a view on d.c rather than d")
	_, err = v.Create(ctx, Namespace{"d", "c"}, CreateOptions{InTxn: true})
	wantCode(t, err, mongoerr.NamespaceExists, "Collection d.c already exists.")
	_, err = v.Create(ctx, Namespace{"d", "v"}, CreateOptions{InTxn: true})
	wantCode(t, err, mongoerr.NamespaceExists, "A view already exists. NS: d.v")
	_, err = v.Create(ctx, Namespace{"D", "v"}, CreateOptions{})
	wantCode(t, err, mongoerr.DatabaseDifferCase,
		"db already exists with different case already have: [d] trying to create [D]")
	if !f.lookup(v, "d", "v").SameOptions(view) || f.lookup(v, "d", "c").SameOptions(view) {
		t.Error("SameOptions")
	}
}

// TestCaseOfDatabases: a database that is gone gives its spelling free, and two
// that are made at once with different spellings cannot both be.
func TestCaseOfDatabases(t *testing.T) {
	f := newFixture(t)
	a, b := f.begin(), f.begin()
	f.create(a, "db", "c")
	f.create(b, "DB", "c")
	f.commit(a)
	_, err := b.Commit(ctx)
	wantConflict(t, err)

	v := f.begin()
	if _, err := v.DropDatabase(ctx, "db"); err != nil {
		t.Fatal(err)
	}
	f.commit(v)
	// One saw db with a collection and adds another; meanwhile it vanishes and DB comes.
	v = f.begin()
	f.create(v, "db", "one")
	f.commit(v)
	late := f.begin()
	f.create(late, "db", "two")
	v = f.begin()
	if _, err := v.DropDatabase(ctx, "db"); err != nil {
		t.Fatal(err)
	}
	f.commit(v)
	v = f.begin()
	f.create(v, "DB", "c")
	f.commit(v)
	_, err = late.Commit(ctx)
	wantConflict(t, err)
	names, err := f.begin().Databases(ctx)
	if err != nil || len(names) != 1 || names[0] != "DB" {
		t.Fatalf("%q, %v", names, err)
	}
}

func TestRename(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	c := f.create(v, "d", "from")
	f.create(v, "d", "taken")
	_, err := v.Rename(ctx, Namespace{"d", "nope"}, Namespace{"d", "x"}, false)
	wantCode(t, err, mongoerr.NamespaceNotFound, "Source collection d.nope does not exist")
	_, err = v.Rename(ctx, Namespace{"d", "from"}, Namespace{"d", "from"}, false)
	wantCode(t, err, mongoerr.IllegalOperation, "Can't rename a collection to itself")
	_, err = v.Rename(ctx, Namespace{"d", "from"}, Namespace{"d", "taken"}, false)
	wantCode(t, err, mongoerr.NamespaceExists, "target namespace exists")
	_, err = v.Rename(ctx, Namespace{"d", "from"}, Namespace{"d", "a$b"}, false)
	wantCode(t, err, mongoerr.IllegalOperation, "error with target namespace: Invalid collection name: a$b")
	moved, err := v.Rename(ctx, Namespace{"d", "from"}, Namespace{"d", "taken"}, true)
	if err != nil || moved.ID != c.ID || moved.UUID != c.UUID {
		t.Fatal(moved, err)
	}
	f.commit(v)
	v = f.begin()
	if f.lookup(v, "d", "from") != nil || f.lookup(v, "d", "taken").ID != c.ID {
		t.Error("not renamed")
	}
	all, err := v.Collections(ctx, "d")
	if err != nil || len(all) != 1 || all[0].NS.Coll != "taken" {
		t.Errorf("%v %v", all, err)
	}
}

// TestRollbackTo: what a failed statement did to the catalog is neither seen nor
// locked nor dropped.
func TestRollbackTo(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	f.create(v, "d", "stays")
	f.commit(v)
	v = f.begin()
	sp, mark := v.txn.Savepoint(), v.Mark()
	f.create(v, "d", "gone")
	if err := v.Drop(ctx, f.lookup(v, "d", "stays")); err != nil {
		t.Fatal(err)
	}
	v.txn.RollbackTo(sp)
	v.RollbackTo(mark)
	if v.Changed() || f.lookup(v, "d", "gone") != nil || f.lookup(v, "d", "stays") == nil {
		t.Fatal("not undone")
	}
	f.commit(v)
	if len(f.store.dropped) > 0 {
		t.Error("dropped all the same")
	}
}

// TestReopen: entries survive, ids go on behind those that were given out, and a
// drop whose ranges were not forgotten is finished.
func TestReopen(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	c := f.create(v, "d", "c")
	key := bsonx.NewBuilder(nil)
	key.Int32("a", -1)
	spec := bsonx.NewBuilder(nil)
	spec.EmbedDoc("key", key.Doc())
	spec.String("name", "a_-1")
	spec.Bool("unique", true)
	idx, err := ParseIndex(spec.Doc())
	if err != nil {
		t.Fatal(err)
	}
	if c, err = v.AddIndex(ctx, c, idx, StateBuilding); err != nil {
		t.Fatal(err)
	}
	f.commit(v)
	// The record of a drop as a crash right after the commit leaves it.
	txn, _ := f.store.Begin(ctx, kv.Options{})
	txn.Set(dropKey(99, 0), []byte{1})
	txn.Set(AppendPrefix(nil, 99, 0), []byte{1})
	txn.Commit(ctx)

	f.reopen()
	v = f.begin()
	got := f.lookup(v, "d", "c")
	if got.Indexes[1].Name != "a_-1" || !got.Indexes[1].Unique || !got.Indexes[1].Fields[0].Desc ||
		got.Indexes[1].State != StateBuilding || got.Indexes[1].ID != 1 || got.UUID != c.UUID {
		t.Errorf("%+v", got.Indexes[1])
	}
	if next := f.create(v, "d", "next"); next.ID <= c.ID {
		t.Errorf("id %d after %d", next.ID, c.ID)
	}
	if dropping, err := v.Dropping(ctx); err != nil || len(dropping) > 0 {
		t.Error(dropping, err)
	}
	if _, err := v.txn.Get(ctx, AppendPrefix(nil, 99, 0), nil); !errors.Is(err, kv.ErrNotFound) {
		t.Error("the dropped range is still there")
	}
}

// TestFlags: flags are seen by snapshots that could need them, and two
// transactions that set different ones both succeed.
func TestFlags(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	c := f.create(v, "d", "c")
	f.commit(v)
	idx := &Index{ID: 1, Fields: []Field{{Path: "a"}, {Path: "b"}}}
	a, b := f.begin(), f.begin()
	for v, flag := range map[*View]IndexFlags{a: FlagMultikey(0), b: FlagMultikey(1) | FlagLong} {
		if got, err := v.Flags(ctx, c, idx); err != nil || got != 0 {
			t.Fatal(got, err)
		}
		if err := v.SetFlags(ctx, c, idx, flag); err != nil {
			t.Fatal(err)
		}
		if got, err := v.Flags(ctx, c, idx); err != nil || got != flag {
			t.Fatal(got, err)
		}
	}
	f.commit(a)
	f.commit(b)
	for range 2 {
		got, err := f.begin().Flags(ctx, c, idx)
		if err != nil || !got.Multikey(0) || !got.Multikey(1) || !got.Long() || !got.Any() {
			t.Fatal(got, err)
		}
	}
}

// TestLookupAllocs: finding a known collection reads nothing and allocates nothing.
func TestLookupAllocs(t *testing.T) {
	f := newFixture(t)
	v := f.begin()
	f.create(v, "d", "c")
	f.commit(v)
	v = f.begin()
	f.lookup(v, "d", "c")
	ns := Namespace{"d", "c"}
	if n := testing.AllocsPerRun(100, func() { v.Lookup(ctx, ns) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
