package catalog

import (
	"bytes"
	"context"

	"github.com/pandodb/pando/internal/kv"
)

// Superseded tells whether coll, which this view sees, has been changed, renamed or
// dropped by a commit that is newer than the view's snapshot: whoever writes to it
// will lose at its commit, and may as well be told at once. While the catalog does
// not change it costs one atomic load.
func (v *View) Superseded(ctx context.Context, coll *Collection) (bool, error) {
	if v.Changed() || v.catalog.cache.at(v.txn.ReadTime()) != nil {
		return false, nil
	}
	newest, err := v.catalog.store.Begin(ctx, kv.Options{Note: "catalog"})
	if err != nil {
		return false, err
	}
	defer newest.Rollback()
	now, err := v.catalog.View(newest).Lookup(ctx, coll.NS)
	if err != nil || now == nil {
		return now == nil, err
	}
	return now.ID != coll.ID || !bytes.Equal(now.encode(), coll.encode()), nil
}
