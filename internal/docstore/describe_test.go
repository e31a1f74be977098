package docstore

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
)

// TestDescribe names the owner of each kind of key.
func TestDescribe(t *testing.T) {
	f := newFixture(t, `{"key":{"a":1}}`)
	tx := f.begin()
	coll := f.coll(tx)
	prefix := func(index uint32) []byte { return catalog.AppendPrefix(nil, coll.ID, index) }
	for _, c := range []struct {
		key  []byte
		want string
	}{
		{EncodeID(prefix(catalog.IDIndex), bsonx.Int32(7)), "d.c, _id: 7"},
		{prefix(catalog.IDIndex), "d.c"},
		{prefix(coll.Indexes[1].ID), "d.c, index: " + coll.Indexes[1].Name},
		{prefix(coll.Indexes[1].ID + 1), "d.c, a dropped index"},
		{endKey(coll), "d.c, its order of insertion"},
		{catalog.AppendPrefix(nil, coll.ID+1, catalog.IDIndex), "a dropped collection"},
		{[]byte{catalog.SpaceSessions, 1}, "the record of a session"},
		{nil, "a change of the catalog"},
	} {
		if got := f.db.Describe(ctx, c.key); got != c.want {
			t.Errorf("%x is %q, want %q", c.key, got, c.want)
		}
	}
}
