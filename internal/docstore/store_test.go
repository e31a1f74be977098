package docstore

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/kv/pebblekv"
)

// openStore opens an engine on a file system in memory for the length of a test.
func openStore(t testing.TB) kv.Store {
	t.Helper()
	store, err := pebblekv.Open("db", pebblekv.Options{FS: vfs.NewMem(), Env: env.Seeded(1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.LeakCheck(); err != nil {
			t.Error(err)
		}
		if err := store.Check(func(p string) { t.Errorf("engine: %s", p) }); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
