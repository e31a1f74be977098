package docstore

import (
	"errors"
	"testing"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
)

// TestSerializableCatalog: a collection that was looked up counts as read, though
// the catalog had it in memory. (Clients do not come to see it: changes of the
// catalog wait for the transactions that use the collection.)
func TestSerializableCatalog(t *testing.T) {
	other := catalog.Namespace{DB: "d", Coll: "log"}
	for _, c := range []struct {
		name   string
		change func(f *fixture) error
		lost   string
	}{
		{"drop", func(f *fixture) error {
			_, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error { return tx.Cat.Drop(ctx, f.coll(tx)) })
			return err
		}, "the definition of d.c"},
		{"index", func(f *fixture) error {
			_, err := f.db.BuildIndexes(ctx, "", f.ns, parseIndexes(f.t, `{"key":{"b":1}}`))
			return err
		}, "the definition of d.c"},
		{"create beside", func(f *fixture) error {
			_, err := f.db.BuildIndexes(ctx, "", catalog.Namespace{DB: "d", Coll: "beside"}, parseIndexes(f.t, `{"key":{"b":1}}`))
			return err
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, `{"key":{"a":1}}`)
			f.put(`{"_id":1,"a":1}`)
			if _, err := f.db.BuildIndexes(ctx, "", other, nil); err != nil {
				t.Fatal(err)
			}
			f.coll(f.begin()) // now it is in memory.
			tx, err := f.db.Begin(ctx, kv.Options{Serializable: true})
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			f.coll(tx)
			log, err := tx.Cat.Lookup(ctx, other)
			if err != nil || log == nil {
				t.Fatal(log, err)
			}
			if err := tx.Insert(ctx, log, doc(t, `{"_id":1}`)); err != nil {
				t.Fatal(err)
			}
			if err := c.change(f); err != nil {
				t.Fatal(err)
			}
			_, err = tx.Commit(ctx)
			lost, is := errors.AsType[*kv.Conflict](err)
			switch {
			case c.lost == "" && err != nil:
				t.Error(err)
			case c.lost != "" && (!is || !lost.Read || f.db.Describe(ctx, lost.Key) != c.lost):
				t.Errorf("the commit says %v, want a conflict about %s", err, c.lost)
			}
		})
	}
}
