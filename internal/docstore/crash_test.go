package docstore

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/kv/pebblekv"
)

// crashFixture is a fixture on a disk whose power can be cut.
type crashFixture struct {
	*fixture
	disk *vfs.MemFS
	rng  *rand.Rand
}

func newCrashFixture(t *testing.T, seed uint64) *crashFixture {
	t.Helper()
	disk := vfs.NewCrashableMem()
	store := openOn(t, disk)
	db, err := Open(ctx, store, env.Seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, store: store, db: db, ns: catalog.Namespace{DB: "d", Coll: "c"}}
	t.Cleanup(func() { checkStore(t, f.db) })
	if _, err := db.BuildIndexes(ctx, "test", f.ns, parseIndexes(t, `{"key":{"a":1}}`)); err != nil {
		t.Fatal(err)
	}
	return &crashFixture{f, disk, rand.New(rand.NewPCG(seed, 2))}
}

// crash cuts the power, keeps a share of what was not synced, and opens what is
// left. It must be whole: no index half-built, no entry without its document, no
// range without an owner. The store that was cut goes on unharmed.
func (f *crashFixture) crash(t *testing.T) (indexes int) {
	t.Helper()
	clone := f.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 25 * f.rng.IntN(5), RNG: f.rng})
	store := openOn(t, clone)
	db, err := Open(ctx, store, env.Seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	checkStore(t, db)
	tx, err := db.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	coll, err := tx.Cat.Lookup(ctx, f.ns)
	if err != nil {
		t.Fatal(err)
	}
	if coll == nil {
		return 0
	}
	for _, idx := range coll.Indexes {
		if idx.State != catalog.StateReady {
			t.Errorf("%s is half-built", idx)
		}
	}
	return len(coll.Indexes)
}

func openOn(t *testing.T, fs vfs.FS) kv.Store {
	t.Helper()
	store, err := pebblekv.Open("db", pebblekv.Options{FS: fs, Env: env.Seeded(1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func (f *crashFixture) durable() {
	f.t.Helper()
	if err := f.store.WaitDurable(ctx, f.store.Visible()); err != nil {
		f.t.Fatal(err)
	}
}

// TestCrashInBuild cuts the power after each commit of a build and of the drop of
// its collection, synced or not.
func TestCrashInBuild(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			f := newCrashFixture(t, seed)
			step := func(want int) {
				t.Helper()
				if seed%2 == 0 {
					f.durable()
					if n := f.crash(t); n != want {
						t.Errorf("%d indexes after a crash, want %d", n, want)
					}
				} else {
					f.crash(t)
				}
			}
			for i := range 10 {
				f.put(fmt.Sprintf(`{"_id":%d,"a":%d,"k":[%d,%d]}`, i, i, i, i+1))
			}
			step(2)
			b := f.start(`{"key":{"k":1}}`)
			step(2)
			for next := []byte(nil); ; {
				var err error
				if next, err = b.batch(ctx, next, 4); err != nil {
					t.Fatal(err)
				}
				step(2)
				if next == nil {
					break
				}
			}
			if err := b.finish(ctx); err != nil {
				t.Fatal(err)
			}
			step(3)
			b = f.start(`{"key":{"k":1},"unique":true,"name":"u"}`)
			b.undo(ctx)
			step(3)
			if _, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error {
				return tx.Cat.Drop(ctx, f.coll(tx))
			}); err != nil {
				t.Fatal(err)
			}
			step(0)
		})
	}
}

// TestCrashModel cuts the power at random in the middle of the model's changes.
func TestCrashModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			f := newCrashFixture(t, seed)
			m := &model{fixture: f.fixture, rng: f.rng, docs: map[int]string{}}
			m.tx = m.begin()
			for range 6 {
				m.run(25)
				f.crash(t)
				m.tx = m.begin()
			}
		})
	}
}
